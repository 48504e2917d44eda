r"""What the strengths and policies of shrink-perturb gain and cost.

A network is trained on half of some images until 99 % of them are right. From
there each policy starts once more on all images, until 99 % are right again:

    python -m benchmarks.policies --workdir=runs/policies --part=cifar10 \
        --data_dir=FOLDER
    python -m benchmarks.policies --workdir=runs/policies --part=textures
    python -m benchmarks.policies --workdir=runs/policies --part=textures_099
    python -m benchmarks.policies --workdir=runs/policies --table

A part is `cifar10` (5,000 images, three convolutions with batch norm),
`cifar10_resnet18` (the narrow ResNet-18 on 5,000 images, averaged to 16x16 for
a quarter of the cost; still about half an hour a seed on one core), `textures`
(1,000 embedded images, the network of the quickstart) or `textures_099` (the
same with Keras' default batch-norm momentum of 0.99 instead of 0.9). Finished
seeds are not run again. `docs/policies.md` shows the tables.
"""

import collections
import dataclasses
import functools
import json
import pathlib
import re
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import ws_keras
from launch import lists
from ws_keras import growing
from ws_keras import models
from ws_keras import seeds
from ws_keras.data import datasets
from ws_keras.data import rounds
from ws_keras.report import statistics
from ws_keras.report.render import markdown
from ws_keras.training import terms

PROBED = 2000  # held-out images that are measured early on
DEFAULT = "shrink_perturb-0.4-0.1"
RESET = {"statistics": "reset", "optimizer": "reset"}
# What the table calls it: the arm, and what differs from the defaults of
# `shrink_perturb`.
POLICIES = {
    "cold": ("cold", {}),
    "warm, everything kept": ("warm", {}),
    "warm, statistics and optimizer reset": ("shrink_perturb-1-0", RESET),
    "shrink 0.4, perturb 0.1 (the defaults)": (DEFAULT, {}),
    "shrink 0.6, perturb 0.01": ("shrink_perturb-0.6-0.01", {}),
    "shrink 0.2, perturb 0.1": ("shrink_perturb-0.2-0.1", {}),
    "defaults, statistics kept": (DEFAULT, {"statistics": "keep"}),
    "defaults, statistics recalibrated": (
        DEFAULT,
        {"statistics": "recalibrate"},
    ),
    "defaults, optimizer kept": (DEFAULT, {"optimizer": "keep"}),
}
STATISTICS = ("defaults, statistics kept", "defaults, statistics recalibrated")


def small_convolutions(input_shape, num_classes) -> keras.Model:
    """Returns a network that learns 5,000 images by heart in minutes."""
    layers = [
        keras.Input(input_shape, dtype="uint8"),
        keras.layers.Rescaling(1 / 127.5, -1),
    ]
    for channels in (32, 64, 128):
        layers += [
            keras.layers.Conv2D(channels, 3, 2, "same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    layers += [keras.layers.Flatten(), keras.layers.Dense(num_classes)]
    return keras.Sequential(layers)


@dataclasses.dataclass(frozen=True)
class Part:
    """A data set and a network to measure on."""

    dataset: str
    num_samples: int
    batch_size: int
    network: Callable
    momentum: float = 0.9  # of batch norm
    pool: int = 1  # pixels along each side that become one
    # Batch norm's moments take no part in training: what differs between the
    # policies for them is seen after an epoch, and costs no more.
    brief_statistics: bool = False


quick = functools.partial(models.resnet18, width=8, blocks=(1, 1, 1))
PARTS = {
    "cifar10": Part("cifar10", 5000, 128, small_convolutions),
    "cifar10_resnet18": Part(
        "cifar10", 5000, 128, models.resnet18, pool=2, brief_statistics=True
    ),
    "textures": Part("textures", 1000, 64, quick),
    "textures_099": Part("textures", 1000, 64, quick, momentum=0.99),
}

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the results.")
_PART = flags.DEFINE_enum("part", "textures", PARTS, "What to measure on.")
_SEEDS = lists.define("seeds", ["0", "1", "2", "3", "4"], "Seeds.")
_POLICIES = flags.DEFINE_string(
    "policies", ".", "Regular expression of the policies to measure."
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of TFDS.")
_TABLE = flags.DEFINE_bool("table", False, "Only print what is there.")
flags.mark_flag_as_required("workdir")


class Probe(keras.callbacks.Callback):
    """Measures what a row does not hold.

    `at_once` and `after_epoch` are the accuracies in percent on some held-out
    images before the first epoch and after it, `seconds` the CPU-seconds of
    the process over all epochs.
    """

    def __init__(self, x, y):
        super().__init__()
        self._data = tf.data.Dataset.from_tensor_slices((x, y)).batch(500)

    def on_train_begin(self, logs=None):
        self.seconds = 0.0
        self.at_once = self._accuracy()

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds += time.process_time() - self._start
        if epoch == 0:
            self.after_epoch = self._accuracy()

    def _accuracy(self) -> float:
        found = self.model.evaluate(self._data, verbose=0, return_dict=True)
        return 100 * found["accuracy"]


def load(part: Part, data_dir: str | None) -> datasets.Dataset:
    """Returns the images of a part, with their blocks of pixels averaged."""
    dataset = datasets.load(part.dataset, data_dir=data_dir)
    n, height, width, channels = dataset.x.shape
    size = part.pool
    blocks = dataset.x.reshape(
        n, height // size, size, width // size, size, channels
    )
    x = blocks.mean((2, 4), dtype=np.float32).round().astype(np.uint8)
    return dataclasses.replace(dataset, x=x)


def build(part: Part, dataset: datasets.Dataset) -> keras.Model:
    """Returns the compiled network of a part."""
    model = part.network(dataset.x.shape[1:], dataset.num_classes)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = part.momentum
    model.compile(
        keras.optimizers.Adam(0.001, epsilon=1e-8),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


class Measurement:
    """One seed of a part: what is trained first, and each policy from there.

    Args:
        part: The `Part`.
        dataset: Its images.
        seed: Non-negative integer.
        trained: File for the values that the first training ends with.
    """

    def __init__(self, part: Part, dataset, seed: int, trained: pathlib.Path):
        order, rest = rounds.split(len(dataset.x), seed)
        grown = order[: part.num_samples]
        self._part = part
        self._x, self._y = dataset.x[grown], dataset.y[grown]
        self._held_out = dataset.x[rest], dataset.y[rest]
        self._probe = Probe(*(array[:PROBED] for array in self._held_out))
        self._seed = seed
        self._model = build(part, dataset)
        self._train_on_half(part.num_samples // 2, trained)

    def policy(self, name: str) -> dict:
        """Trains on all images and returns what came out."""
        arm, transform = POLICIES[name]
        if transform.get("statistics") == "recalibrate":
            transform = {**transform, "data": self._batches()}
        until = terms.Until(max_epochs=200)
        if self._part.brief_statistics and name in STATISTICS:
            until = terms.Until(epochs=1)
        found = self._fit(len(self._x), arm, until, transform=transform)
        (row,) = found.rows
        return {
            "policy": name,
            "at_once": self._probe.at_once,
            "after_epoch": self._probe.after_epoch,
            "cpu_seconds": self._probe.seconds,
            **dataclasses.asdict(row),
        }

    def _train_on_half(self, count: int, path: pathlib.Path) -> None:
        model = self._model
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        if not path.exists():
            ws_keras.cold_start(model, seed=seeds.derive(self._seed, "start"))
            values = []
            self._fit(
                count,
                "warm",
                terms.Until(max_epochs=200),
                on_end=lambda *_: values.extend(
                    keras.ops.convert_to_numpy(v) for v in variables
                ),
            )
            np.savez(path, *values)
        with np.load(path, allow_pickle=False) as values:
            for variable, name in zip(variables, values.files, strict=True):
                variable.assign(values[name])

    def _fit(self, count: int, arm: str, until, **arguments):
        return growing.fit_rounds(
            self._model,
            [(self._x[:count], self._y[:count])],
            self._held_out,
            [arm],
            first_round=True,
            seeds=(self._seed,),
            batch_size=self._part.batch_size,
            until=until,
            callbacks=[self._probe],
            **arguments,
        )

    def _batches(self) -> list:
        size = self._part.batch_size
        starts = range(0, len(self._x), size)
        return [self._x[start : start + size] for start in starts]


def table(records: list[dict]) -> str:
    """Returns the mean over seeds of each policy, as Markdown."""
    by_policy = collections.defaultdict(dict)
    for record in records:
        by_policy[record["policy"]][record["seed"]] = record
    cold = _field(by_policy["cold"], "accuracy")
    lines = []
    for policy in filter(by_policy.get, POLICIES):
        found = by_policy[policy]
        accuracy = _field(found, "accuracy")
        gap = statistics.paired(accuracy, cold)
        early, one, epochs, seconds = (
            statistics.summarize(_field(found, name).values())
            for name in ("at_once", "after_epoch", "epochs", "cpu_seconds")
        )
        end = [
            _shown(statistics.summarize(accuracy.values())),
            "—" if policy == "cold" else _shown(gap, "+"),
            f"{epochs.mean:.1f}",
            f"{seconds.mean:.1f}",
        ]
        if {record["stopped_by"] for record in found.values()} == {"epochs"}:
            end = ["—"] * len(end)
        early, one = f"{early.mean:.1f}", f"{one.mean:.1f}"
        lines.append([policy, early, one, *end, str(len(found))])
    return markdown.table(
        [
            "policy",
            "at once %",
            "after 1 epoch %",
            "at the end %",
            "minus cold",
            "epochs",
            "CPU-s",
            "seeds",
        ],
        lines,
    )


def main(_) -> None:
    """Runs what the flags say."""
    folder = pathlib.Path(_WORKDIR.value)
    if _TABLE.value:
        for name in PARTS:
            records = _read(folder, name)
            if records:
                print(f"{name}\n\n{table(records)}")
        return
    name = _PART.value
    part = PARTS[name]
    folder.mkdir(parents=True, exist_ok=True)
    tf.config.experimental.enable_op_determinism()
    dataset = load(part, _DATA_DIR.value)
    for seed in map(int, _SEEDS.value):
        done = {r["policy"] for r in _read(folder, name) if r["seed"] == seed}
        wanted = [p for p in POLICIES if re.search(_POLICIES.value, p)]
        todo = [policy for policy in wanted if policy not in done]
        if not todo:
            continue
        trained = folder / f"{name}-seed{seed}.npz"
        measurement = Measurement(part, dataset, seed, trained)
        for policy in todo:
            record = measurement.policy(policy)
            with open(trained.with_suffix(".jsonl"), "a") as file:
                file.write(json.dumps(record) + "\n")
            print(name, seed, policy, record["accuracy"], flush=True)


def _read(folder: pathlib.Path, part: str) -> list[dict]:
    return [
        json.loads(line)
        for path in sorted(folder.glob(f"{part}-seed*.jsonl"))
        for line in path.read_text(encoding="utf8").splitlines()
    ]


def _field(records: dict[int, dict], name: str) -> dict[int, float]:
    return {seed: record[name] for seed, record in records.items()}


def _shown(summary, sign: str = "") -> str:
    mean = f"{summary.mean:{sign}.1f}".replace("-", "−")
    return mean if summary.count < 2 else f"{mean} ± {summary.error:.1f}"


if __name__ == "__main__":
    app.run(main)
