"""How cost grows: with samples, weights and the workers of a sweep.

    python -m benchmarks.growth
    python -m benchmarks.growth --only=sweep

Measures the seconds of an epoch of the narrow ResNet-18 over samples, of the
rounds of each arm over samples (from the rows of `results/fig2_online`) and of
a sweep over its workers, and the seconds and extra memory of `shrink_perturb`
over weights. Repeated measurements are medians. Nothing is compared with
another program: look at the shape of the curves, not at their height. Writes
`growth.jsonl` and `growth.png` to `results/benchmarks`.
"""

import collections
import json
import pathlib
import statistics
import tempfile
from collections.abc import Callable

from absl import app
from absl import flags

from benchmarks import commands
from benchmarks import output
from benchmarks import suite
from benchmarks import turns
from benchmarks import whole
from launch import lists
from ws_keras.storage import rows

flags.adopt_module_key_flags(output)

SAMPLES = (1000, 2000, 4000, 8000, 16_000, 33_333)
MODELS = ("mlp", "resnet18", "resnet50", "100 million", "300 million")
WORKERS = (1, 2, 3, 4)
REPEATS = 3

_ROWS = pathlib.Path(__file__).parents[1] / "results/fig2_online"


def epochs() -> list[dict]:
    """Seconds of an epoch over the samples of a round."""
    found = []
    for samples in SAMPLES:
        arguments = {
            **suite.common("resnet18", "adam"),
            "samples": -(-samples * 3 // 2),
        }
        replies = _replies("ours", 1 + REPEATS, **arguments)[1:]
        found.append(_point("epoch", replies[0]["samples"], replies))
    return found


def rounds() -> list[dict]:
    """Seconds of the rounds of each arm of Figure 2, mean over seeds."""
    found = collections.defaultdict(list)
    for row in rows.read_workdir(_ROWS):
        strengths = f" {row.shrink:g}/{row.perturb:g}"
        arm = row.arm + strengths * (row.arm == "shrink_perturb")
        found[arm, row.num_samples].append(row.train_seconds)
    return [
        {
            "what": "round",
            "arm": arm,
            "size": samples,
            "repeats": len(seconds),
            "wall": statistics.mean(seconds),
        }
        for (arm, samples), seconds in sorted(found.items())
    ]


def sweeps() -> list[dict]:
    """Seconds of a sweep of eight small settings over its workers."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for workers in WORKERS:
            command = whole.sweep_command(folder, workers)
            cost = commands.run(command)
            point = {"what": "sweep", "size": workers, "repeats": 1}
            found.append({**point, "wall": cost.wall, "cpu": cost.cpu})
    return found


def transforms() -> list[dict]:
    """Seconds and memory of `shrink_perturb` over weights."""
    found = []
    for network in MODELS:
        replies = _replies(
            "transform", 1 + REPEATS, what="ours", network=network
        )
        weights = replies[0]["weights"]
        found.append(_point("shrink_perturb", weights, replies[1:]))
    return found


def _replies(module: str, count: int, **options) -> list[dict]:
    arguments = {"module": module, **options}
    with turns.open_programs(arguments) as (program,):
        return [program() for _ in range(count)]


def _point(what: str, size: int, replies: list[dict]) -> dict:
    point = {"what": what, "size": size, "repeats": len(replies)}
    for unit in ("wall", "cpu", "extra_memory", "largest_variable"):
        if unit in replies[0]:
            values = [reply[unit] for reply in replies]
            point[unit] = statistics.median(values)
            point[f"each_{unit}"] = values
    return point


def figure(points: list[dict]):
    """Draws all that was measured over its size."""
    from matplotlib import figure as figures

    drawn = figures.Figure((10, 6), layout="constrained")
    by_what = collections.defaultdict(list)
    for point in points:
        by_what[point["what"]].append(point)
    grid = zip(drawn.subplots(2, 3).flat, _PANELS, strict=False)
    for axes, (title, what, x_label, y_label, keys) in grid:
        for key, label in keys.items():
            for name, chosen in _series(by_what[what], label):
                sizes = [point["size"] for point in chosen]
                values = [point[key] for point in chosen]
                axes.plot(sizes, values, "o-", markersize=4, label=name)
        if what not in ("round", "sweep"):  # their sizes lie close together
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(color="0.9")
        if axes.lines:
            axes.legend(fontsize=8)
    drawn.axes[-1].set_axis_off()
    return drawn


_TIMES = {"wall": "wall clock", "cpu": "CPU"}
_MEMORY = {"extra_memory": "extra", "largest_variable": "largest variable"}
# Title, points, labels of the axes, and the names of what is drawn.
_PANELS = (
    ("Epoch, ResNet-18", "epoch", "samples", "seconds", _TIMES),
    ("Rounds of Figure 2", "round", "samples", "seconds", {"wall": ""}),
    ("Sweep of 8 settings", "sweep", "workers", "seconds", _TIMES),
    ("shrink_perturb", "shrink_perturb", "weights", "seconds", _TIMES),
    ("shrink_perturb", "shrink_perturb", "weights", "MB", _MEMORY),
)


def _series(points: list[dict], label: str):
    """Yields name and points of each line: one, or one for each arm."""
    arms = dict.fromkeys(point.get("arm", label) for point in points)
    for arm in arms:
        yield arm, [p for p in points if p.get("arm", label) == arm]


_MEASURED: dict[str, Callable[[], list[dict]]] = {
    "epoch": epochs,
    "round": rounds,
    "sweep": sweeps,
    "shrink_perturb": transforms,
}
_ONLY = lists.define("only", list(_MEASURED), "What to measure.")


def main(_) -> None:
    """Measures, writes and draws."""
    folder = output.folder("matplotlib")
    path = folder / "growth.jsonl"
    kept = path.read_text().splitlines() if path.exists() else []
    points = [json.loads(line) for line in kept]
    for what in _ONLY.value:
        found = _MEASURED[what]()
        points = [point for point in points if point["what"] != what] + found
        path.write_text("".join(f"{json.dumps(point)}\n" for point in points))
    figure(points).savefig(folder / "growth.png", dpi=120)


if __name__ == "__main__":
    app.run(main)
