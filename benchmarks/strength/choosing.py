"""Compares rules: what each would have chosen, and what that gave and cost.

A network is trained on half of the samples. What the rules look at is measured
there once; then each shrink of the grid, and a cold start, trains on all. So
every rule with every constant is compared on the same trainings.
"""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np

import ws_keras
from benchmarks.practice import networks as small
from benchmarks.practice import tasks
from benchmarks.strength import looking
from benchmarks.strength import rules
from ws_keras import growing
from ws_keras import seeds
from ws_keras.data import datasets
from ws_keras.data import rounds
from ws_keras.models import resnet
from ws_keras.report import statistics
from ws_keras.report.render import markdown
from ws_keras.training import terms

SEEDS = (0, 1, 2)
FIXED = 0.4  # of the defaults, which a rule has to beat
MAX_EPOCHS = 100
_HELD_OUT = 2000


@dataclasses.dataclass(frozen=True)
class Set:
    """Samples to learn and to measure on, half of the former first."""

    x: np.ndarray
    y: np.ndarray
    held_out: tuple[np.ndarray, np.ndarray]
    build: Callable[[], keras.Model]
    batch_size: int


def run(name: str, files: tasks.Files, path: pathlib.Path) -> None:
    """Appends a line for each seed that is not there yet.

    Args:
        name: `"textures"` or `"letters"`.
        files: Where the letters lie.
        path: File of lines, one for each seed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    done = {record["seed"] for record in _read(path)}
    for seed in SEEDS:
        if seed not in done:
            record = measured(SETS[name](files, seed), seed)
            with open(path, "a", encoding="utf8") as file:
                file.write(json.dumps(record) + "\n")
            print(name, seed, flush=True)


def measured(data: Set, seed: int) -> dict:
    """Returns what was looked at, and what each start gave and cost."""
    model, half = data.build(), len(data.y) // 2
    ws_keras.cold_start(model, seed=seeds.derive(seed, "start"))
    kept = []
    fit = functools.partial(
        growing.fit_rounds,
        held_out=data.held_out,
        first_round=True,
        seeds=(seed,),
        batch_size=data.batch_size,
        until=terms.Until(patience=10, max_epochs=MAX_EPOCHS),
        verbose=0,
    )
    first = fit(
        model,
        [(data.x[:half], data.y[:half])],
        arms=["warm"],
        on_end=lambda *_: kept.append(model.get_weights()),
    )
    model.set_weights(kept[0])
    old, new = (
        (data.x[part], data.y[part])
        for part in (slice(half), slice(half, None))
    )
    found = looking.look(model, old, new, seeds.derive(seed, "transform", 1))
    arms = [f"shrink_perturb-{s}-{rules.PERTURB}" for s in rules.GRID]
    last = fit(model, [(data.x, data.y)], arms=["cold", *arms])
    return {
        "seed": seed,
        "looked": dataclasses.asdict(found),
        "first_passes": first.rows[0].sample_passes,
        "rows": [
            {
                "shrink": row.shrink,
                "accuracy": row.accuracy,
                "passes": row.sample_passes,
            }
            for row in last.rows
        ],
    }


def table(folder: pathlib.Path) -> str:
    """Returns what each rule gives beside the fixed strength, as Markdown."""
    named = {
        path.stem.removeprefix("choice_"): _read(path)
        for path in sorted(folder.glob("choice_*.jsonl"))
    }
    lines = []
    for rule, (function, constants) in rules.RULES.items():
        for most in constants:
            line = [f"{rule} {most:g}"]
            for records in named.values():
                line += _beside(records, function, most)
            lines.append(line)
    header = ["rule"]
    for name in named:
        header += [f"{name}: shrink", "points", "passes, %"]
    return markdown.table(header, lines)


def _beside(records: list[dict], rule: Callable, most: float) -> list[str]:
    """Returns the shrinks, and the means of gains and of shares of passes."""
    shrinks, gains, shares = [], [], []
    for record in records:
        shrink = nearest(rule(_looked(record), most))
        shrinks.append(shrink)
        by_shrink = {row["shrink"]: row for row in record["rows"]}
        ours, fixed = by_shrink[shrink], by_shrink[FIXED]
        gains.append(ours["accuracy"] - fixed["accuracy"])
        shares.append(100 * ours["passes"] / fixed["passes"])
    gain, share = statistics.summarize(gains), statistics.summarize(shares)
    return [
        ", ".join(f"{shrink:g}" for shrink in shrinks),
        f"{gain.mean:+.1f} ± {gain.error:.1f}".replace("-", "−"),
        f"{share.mean:.0f}",
    ]


def nearest(shrink: float) -> float:
    """Returns the shrink of the grid that is nearest to a number."""
    return min(rules.GRID, key=lambda known: abs(known - shrink))


def _looked(record: dict) -> rules.Looked:
    found = dict(record["looked"])
    by_shrink = {
        float(shrink): tuple(rules.Side(**side) for side in sides)
        for shrink, sides in found.pop("by_shrink").items()
    }
    return rules.Looked(**found, by_shrink=by_shrink)


def _read(path: pathlib.Path) -> list[dict]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


def images(input_shape: tuple, classes: int) -> keras.Model:
    """Returns the small residual network of the quickstart, compiled."""
    model = resnet.resnet18(input_shape, classes, width=8, blocks=(1, 1, 1))
    model.compile(
        keras.optimizers.Adam(0.001, epsilon=1e-8),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def _textures(files: tasks.Files, seed: int) -> Set:
    del files
    dataset = datasets.load("textures")
    order, rest = rounds.split(len(dataset.x), seed)
    some, rest = order[:800], rest[:_HELD_OUT]
    build = functools.partial(images, dataset.x.shape[1:], dataset.num_classes)
    return Set(
        dataset.x[some],
        dataset.y[some],
        (dataset.x[rest], dataset.y[rest]),
        build,
        64,
    )


def _letters(files: tasks.Files, seed: int) -> Set:
    table = files.table("letters")
    x, y = table["x"], table["y"]
    order = np.random.default_rng(seed).permutation(len(y))
    some, rest = order[:2000], order[-_HELD_OUT:]
    mean, scale = x[some].mean(0), x[some].std(0)
    x = (x - mean) / scale
    build = functools.partial(small.mlp, x.shape[1], 26)
    return Set(x[some], y[some], (x[rest], y[rest]), build, 256)


SETS = {"textures": _textures, "letters": _letters}
