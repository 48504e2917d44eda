"""The table and the figure of all tasks, from their rows."""

import itertools
import math
import pathlib

from benchmarks.practice import scores
from ws_keras.report import frontier
from ws_keras.report import statistics
from ws_keras.report.render import markdown

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
# What each arm is compared with.
_OTHERS = ("cold", "warm", "shrink_perturb 0.4/0.1")
_HEADER = (
    "task",
    "arm",
    "score",
    *(f"minus {name}" for name in _OTHERS),
    "last round, minus cold",
    "passes, % of cold",
    "CPU-s, % of cold",
    "frontier",
    "seeds",
)
_COLUMNS = 3  # of panels
_MARKERS = "os^vDPX*"


def write(folder: pathlib.Path) -> str:
    """Draws `practice.png` and returns the tables of `practice.md`."""
    tasks = read(folder)
    lines = [line for name in tasks for line in table(name, tasks[name])]
    text = "\n".join([brief(tasks), markdown.table(list(_HEADER), lines)])
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


def brief(tasks: dict[str, dict[str, scores.Arm]]) -> str:
    """Returns a line for each task: score minus cold, and passes, by arm."""
    names = list(dict.fromkeys(n for arms in tasks.values() for n in arms))
    others = [name for name in names if name != "cold"]
    lines = []
    for task, arms in tasks.items():
        line = [task, f"{scores.level(arms['cold']):.1f}".replace("-", "−")]
        for name in others:
            arm = arms.get(name)
            line.append(_cell(arm, arms["cold"]) if arm else "")
        lines.append([*line, str(len(arms["cold"].mean))])
    return markdown.table(["task", "cold", *others, "seeds"], lines)


def _cell(arm: scores.Arm, cold: scores.Arm) -> str:
    passes = 100 * scores.share(arm, cold).mean
    return f"{scores.interval(scores.gain(arm, cold))}; {passes:.0f} %"


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
        lines.append(
            [
                task if is_cold else "",
                name,
                f"{scores.level(arm):.1f}".replace("-", "−"),
                *(_beside(arm, arms.get(other)) for other in _OTHERS),
                _beside(arm, cold, "last"),
                *(
                    "100"
                    if is_cold
                    else _percent(scores.share(arm, cold, field))
                    for field in ("passes", "cpu_seconds")
                ),
                "yes" if name in front else "",
                str(len(arm.mean)),
            ]
        )
    return lines


def _beside(
    arm: scores.Arm, other: scores.Arm | None, field: str = "mean"
) -> str:
    """Returns the difference from an arm, empty beside itself or nothing."""
    if other is None or arm is other:
        return ""
    return scores.interval(scores.gain(arm, other, field))


def _percent(share: statistics.Ratio) -> str:
    """Returns a ratio with its 95 % interval, in percent."""
    mean, low, high = (100 * v for v in (share.mean, share.low, share.high))
    known = "" if math.isnan(low) else f" ({low:.0f} to {high:.0f})"
    return f"{mean:.0f}{known}"


def draw(tasks: dict, path: pathlib.Path) -> None:
    """Draws score minus cold over passes, a panel for each task, as PNG."""
    import matplotlib
    from matplotlib import figure

    count = min(_COLUMNS, len(tasks))
    rows = -(-len(tasks) // count)
    drawn = figure.Figure((4 * count, 3.2 * rows + 0.9), layout="constrained")
    all_axes = drawn.subplots(rows, count, squeeze=False).flatten()
    for axes in all_axes[len(tasks) :]:
        axes.set_visible(False)
    names = list(dict.fromkeys(n for arms in tasks.values() for n in arms))
    colors = matplotlib.colormaps["tab10"].colors
    styles = {
        name: (color, marker)
        for name, color, marker in zip(
            names,
            itertools.cycle(colors),
            itertools.cycle(_MARKERS),
            strict=False,
        )
    }
    handles = {}
    for axes, (name, arms) in zip(all_axes, tasks.items(), strict=False):
        handles |= _panel(axes, arms, styles)
        seeds = len(arms["cold"].mean)
        axes.set_title(f"{TITLES[name]}, {seeds} seeds", fontsize=10)
        axes.set_xlabel("Sample passes, % of cold")
    drawn.supylabel("Score minus cold, points", fontsize=11)
    shown = [handles[name] for name in names]
    drawn.legend(
        shown, names, loc="outside lower center", ncols=4, frameon=False
    )
    drawn.savefig(path, dpi=130)


def _panel(axes, arms: dict[str, scores.Arm], styles: dict) -> dict:
    """Draws the arms of a task and returns the handle of each."""
    cold, points, handles = arms["cold"], {}, {}
    for name, arm in arms.items():
        gain = scores.gain(arm, cold)
        points[name] = 100 * scores.share(arm, cold).mean, gain.mean
        reach = 0 if name == "cold" else gain.high - gain.mean
        color, marker = styles[name]
        handles[name] = axes.errorbar(
            *points[name],
            # One seed has no interval.
            yerr=None if math.isnan(reach) else reach,
            fmt=marker,
            ms=6,
            elinewidth=1,
            color=color,
        )
    front = [points[name] for name in best(arms)]
    x, y = zip(*front, strict=True)
    axes.plot(x, y, color="gray", lw=1, zorder=0)
    axes.plot(x, y, "o", ms=13, mfc="none", mec="gray", zorder=0)
    axes.axhline(0, color="gray", lw=0.5, ls=":")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.margins(0.1, 0.1)
    return handles
