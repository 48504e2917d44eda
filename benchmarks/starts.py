"""What it costs to begin a round: FIRE beside DASH and shrink-perturb.

    python -m benchmarks.starts
    python -m benchmarks.starts --networks=resnet18 --turns=5

The methods are applied in turn to one model with its Adam, so that other work
on the machine affects all of them. The first application of each is not
counted, because it may build what later ones reuse. Prints the median wall
seconds and CPU-seconds and the ratio of CPU-seconds to shrink-perturb's, and
writes them to `starts.md` in `results/benchmarks`. `dash` and `redo` use 200
samples of 32 x 32 pixels; that part of their cost grows with the samples.
"""

import pathlib
import statistics
import time
from collections.abc import Callable

import numpy as np
from absl import app
from absl import flags

from benchmarks import output
from launch import lists

flags.adopt_module_key_flags(output)

SAMPLES = 200
_NETWORKS = lists.define(
    "networks", ["resnet18", "resnet50"], "Networks, by name."
)
_TURNS = flags.DEFINE_integer("turns", 3, "Applications of each method.")


def build(name: str):
    """Returns a compiled model of images `(32, 32, 3)`, and samples."""
    import keras

    from ws_keras.models.resnet import resnet18

    rng = np.random.default_rng(0)
    if name == "resnet18":
        model = resnet18(width=64)
    else:
        model = keras.applications.ResNet50(
            weights=None, input_shape=(32, 32, 3), classifier_activation=None
        )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss)
    model.optimizer.build(model.trainable_variables)
    x = rng.integers(0, 256, (SAMPLES, 32, 32, 3)).astype("uint8")
    return model, x, rng.integers(0, 10, SAMPLES)


def methods(model, x, y) -> dict[str, Callable[[int], object]]:
    """Returns the methods by name, as functions of a seed."""
    import ws_keras

    return {
        "shrink_perturb": lambda s: ws_keras.shrink_perturb(model, seed=s),
        "norm_reset": lambda s: ws_keras.norm_reset(model, seed=s),
        "redo": lambda s: ws_keras.redo(model, x, seed=s),
        "dash": lambda s: ws_keras.dash(model, [(x, y)]),
        "fire": lambda s: ws_keras.fire(model),
        "fire, 10 steps": lambda s: ws_keras.fire(model, iterations=10),
    }


def measured(found: dict, turns: int) -> dict[str, list[tuple]]:
    """Returns (wall, CPU) seconds of each method, one pair a turn."""
    seconds = {name: [] for name in found}
    for turn in range(turns + 1):
        for name, method in found.items():
            start = time.perf_counter(), time.process_time()
            method(turn)
            end = time.perf_counter(), time.process_time()
            if turn:
                pair = (end[0] - start[0], end[1] - start[1])
                seconds[name].append(pair)
    return seconds


def table(network: str, weights: int, seconds: dict) -> str:
    """Returns the medians in Markdown."""
    lines = [
        f"{network}, {weights / 1e6:.1f} million weights:",
        "",
        "| method | wall s | CPU s | CPU, times shrink_perturb |",
        "|---|--:|--:|--:|",
    ]
    base = statistics.median(cpu for _, cpu in seconds["shrink_perturb"])
    for name, pairs in seconds.items():
        wall, cpu = map(statistics.median, zip(*pairs, strict=True))
        lines.append(f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / base:.1f} |")
    return "\n".join(lines)


def main(_) -> None:
    """Measures each network and writes the tables."""
    folder: pathlib.Path = output.folder()
    tables = []
    for network in _NETWORKS.value:
        model, x, y = build(network)
        seconds = measured(methods(model, x, y), _TURNS.value)
        tables.append(table(network, model.count_params(), seconds))
        print(tables[-1], flush=True)
        text = "\n\n".join(tables) + "\n"
        (folder / "starts.md").write_text(text, encoding="utf8")


if __name__ == "__main__":
    app.run(main)
