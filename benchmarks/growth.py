r"""How cost grows: with the samples of a round, and with the weights.

    python -m benchmarks.growth

Writes `growth.jsonl` and `growth.png` to `results/benchmarks`: seconds of an
epoch and of an evaluation of the narrow ResNet-18 over samples, and seconds
and extra memory of `shrink_perturb` over weights. Each figure is the median of
some repetitions; the machine is the only peer here, so that the shape of the
curves counts, not their height.
"""

import json
import pathlib
import statistics

from absl import app
from absl import flags

from benchmarks import suite
from benchmarks import turns

SAMPLES = (1000, 2000, 4000, 8000, 16_000, 33_333)
MODELS = ("mlp", "resnet18", "resnet50", "100 million", "300 million")
REPEATS = 3

_OUTPUT = flags.DEFINE_string(
    "output", "results/benchmarks", "Folder of the points and the figure."
)


def rounds() -> list[dict]:
    """Seconds of an epoch over the samples of a round."""
    found = []
    for samples in SAMPLES:
        arguments = {
            **suite.common("resnet18", "adam"),
            "samples": -(-samples * 3 // 2),
        }
        repeats = 1 if samples > 10_000 else REPEATS
        replies = _replies("ours", 1 + repeats, **arguments)[1:]
        found.append(_point("epoch", replies[0]["samples"], replies))
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
            point[unit] = statistics.median(r[unit] for r in replies)
    return point


def figure(points: list[dict]):
    """Draws seconds and memory over size, both axes in powers of ten."""
    from matplotlib import figure as figures

    drawn = figures.Figure((8, 3.2), layout="constrained")
    left, right = drawn.subplots(1, 2)
    for axes, what, unit in (
        (left, "epoch", "samples"),
        (right, "shrink_perturb", "weights"),
    ):
        chosen = [p for p in points if p["what"] == what]
        sizes = [p["size"] for p in chosen]
        axes.loglog(sizes, [p["wall"] for p in chosen], "o-", label="seconds")
        axes.loglog(
            sizes, [p["cpu"] for p in chosen], "s--", label="CPU-seconds"
        )
        axes.set_title(what)
        axes.set_xlabel(unit)
        axes.grid(color="0.9")
        axes.legend()
    return drawn


def main(_) -> None:
    """Measures, writes and draws."""
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    points = [*transforms(), *rounds()]
    lines = "".join(f"{json.dumps(point)}\n" for point in points)
    (folder / "growth.jsonl").write_text(lines)
    figure(points).savefig(folder / "growth.png", dpi=120)
    print(lines)


if __name__ == "__main__":
    app.run(main)
