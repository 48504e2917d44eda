"""The table and the figure of all tasks, from their rows."""

import functools
import pathlib

from benchmarks.practice import scores
from ws_keras.report import frontier
from ws_keras.report.render import markdown
from ws_keras.report.render import palette

TITLES = {
    "flights": "Flights: late or not (AUC)",
    "bank": "Bank marketing: subscribes (AUC)",
    "bike": "Bike sharing: four classes",
    "bike_count": "Bike sharing: log of rentals (MAE)",
    "letters": "Letters",
    "banking77": "Banking77: pooled words",
    "banking77_transformer": "Banking77: transformer",
    "clinc150": "CLINC150: domain by domain",
    "cifar10_frozen": "CIFAR-10: head on SqueezeNet",
    "cifar10_tuned": "CIFAR-10: tuned SqueezeNet",
}
_HEADER = (
    "task",
    "arm",
    "score",
    "minus cold (95 % interval)",
    "last round",
    "passes, % of cold",
    "CPU-s",
    "frontier",
)
_COLUMNS = 3  # of panels


def write(folder: pathlib.Path) -> str:
    """Draws `practice.png` and returns the table of `practice.md`."""
    tasks = read(folder)
    lines = [line for name in tasks for line in table(name, tasks[name])]
    text = markdown.table(list(_HEADER), lines)
    (folder / "practice.md").write_text(text + "\n", encoding="utf8")
    draw(tasks, folder / "practice.png")
    return text


def read(folder: pathlib.Path) -> dict[str, dict[str, scores.Arm]]:
    """Returns the arms of each task that has rows in its folder."""
    return {
        name: scores.read(folder / name)
        for name in TITLES
        if (folder / name / "run.json").exists()
    }


def best(arms: dict[str, scores.Arm]) -> list[str]:
    """Returns the arms that no other beats at fewer sample passes."""
    return frontier.best(
        {
            name: (scores.level(arm, "passes"), scores.level(arm))
            for name, arm in arms.items()
        }
    )


def table(task: str, arms: dict[str, scores.Arm]) -> list[list[str]]:
    """Returns a line for each arm of a task."""
    cold, front = arms["cold"], best(arms)
    lines = []
    for name, arm in arms.items():
        is_cold = name == "cold"
        gain, last = (
            "" if is_cold else scores.interval(scores.gain(arm, cold, field))
            for field in ("mean", "last")
        )
        passes = 100 * scores.share(arm, cold).mean
        lines.append(
            [
                task if is_cold else "",
                name,
                f"{scores.level(arm):.1f}".replace("-", "−"),
                gain,
                last,
                f"{passes:.0f}",
                f"{scores.level(arm, 'cpu_seconds'):.1f}",
                "yes" if name in front else "",
            ]
        )
    return lines


def draw(tasks: dict, path: pathlib.Path) -> None:
    """Draws score minus cold over passes, a panel for each task, as PNG."""
    from matplotlib import figure

    rows = -(-len(tasks) // _COLUMNS)
    drawn = figure.Figure((12, 3.4 * rows), layout="constrained")
    all_axes = drawn.subplots(rows, _COLUMNS, squeeze=False).flatten()
    for axes in all_axes[len(tasks) :]:
        axes.set_visible(False)
    for axes, (name, arms) in zip(all_axes, tasks.items(), strict=False):
        _panel(axes, arms)
        seeds = len(arms["cold"].mean)
        axes.set_title(f"{TITLES[name]}, {seeds} seeds", fontsize=10)
    drawn.supxlabel("Sample passes of all rounds, % of cold")
    drawn.supylabel("Score minus cold, points")
    drawn.savefig(path, dpi=130)


def _panel(axes, arms: dict[str, scores.Arm]) -> None:
    cold = arms["cold"]
    points = {}
    for number, (name, arm) in enumerate(arms.items()):
        gain = scores.gain(arm, cold)
        points[name] = 100 * scores.share(arm, cold).mean, gain.mean
        reach = 0 if name == "cold" else gain.high - gain.mean
        draw = functools.partial(
            axes.errorbar, *points[name], capsize=2, color=_color(name, number)
        )
        # One seed has no interval.
        draw(yerr=reach if reach == reach else None, fmt="o", ms=5)
        axes.annotate(
            name,
            points[name],
            (5, 4),
            textcoords="offset points",
            fontsize=7,
            color=_color(name, number),
        )
    front = [points[name] for name in best(arms)]
    axes.plot(*zip(*front, strict=True), color="gray", lw=0.8, zorder=0)
    axes.axhline(0, color="gray", lw=0.5, ls=":")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.margins(0.2, 0.15)


def _color(name: str, number: int) -> str:
    others = palette.OTHER_COLORS
    return palette.COLORS.get(name, others[number % len(others)])
