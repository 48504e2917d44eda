"""The tasks: files of real data as rounds, and what each is measured on."""

import collections
import csv
import dataclasses
import functools
import pathlib
import re
import zlib
from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np

from benchmarks.practice import networks
from ws_keras.data import datasets

Pair = tuple[np.ndarray, np.ndarray]

VALIDATION = 0.1  # share of a round's samples that ends its training
_MEASURED = 5000  # held-out samples of a block, at most
# Months of the bank's calls that arrive together: some have few calls.
_MONTHS = (0, 3, 5, 11, 12, 13, 16, 22, 26)
_TEST_IMAGES = 1500


@dataclasses.dataclass(frozen=True)
class Task:
    """Data that arrive in rounds, and the network that learns them.

    `rounds` are the samples and targets that arrive, `validation` those that
    say when the training of a round ends. `held_out` is one part that all
    rounds are measured on, or one for each round: with `is_next` a round is
    measured on its own part alone, else on those of all rounds so far.
    With `is_pretrained` a cold start begins with weights of other data, those
    that `build` gives the network.
    """

    build: Callable[[], keras.Model]
    rounds: Sequence[Pair]
    validation: Sequence[Pair]
    held_out: Sequence[Pair]
    batch_size: int = 256
    is_next: bool = False
    is_pretrained: bool = False


@dataclasses.dataclass(frozen=True)
class Files:
    """Where the data lie: folders and a file that the user names."""

    data: pathlib.Path | None = None
    images: str | None = None  # a folder of TensorFlow Datasets
    backbone: str | None = None

    def table(self, name: str) -> dict[str, np.ndarray]:
        """Returns the arrays of `NAME.npz`."""
        with np.load(self.data / f"{name}.npz", allow_pickle=False) as file:
            return {key: file[key] for key in file.files}

    def texts(self, name: str) -> list[dict[str, str]]:
        """Returns the lines of `NAME.csv`."""
        path = self.data / f"{name}.csv"
        with open(path, newline="", encoding="utf8") as file:
            return list(csv.DictReader(file))


def flights(files: Files) -> Task:
    """Late or not; one flight of 35, eight weeks a round."""
    table = files.table("flights")
    return in_time(table["x"], table["y"], table["week"] // 8, 2, share=1 / 35)


def bank(files: Files) -> Task:
    """Who subscribes; one call of five, months of them a round."""
    table = files.table("bank_marketing")
    blocks = np.searchsorted(_MONTHS, table["month"], "right") - 1
    return in_time(table["x"], table["y"], blocks, 2, share=1 / 5)


def bike(files: Files) -> Task:
    """Four classes of demand; one hour of three, fifteen weeks a round."""
    table = files.table("bike_sharing")
    return in_time(table["x"], table["y"], table["week"] // 15, 4, share=1 / 3)


def bike_count(files: Files) -> Task:
    """The logarithm of the rentals; one hour of three."""
    table = files.table("bike_sharing")
    y = np.log1p(table["count"].astype("float32"))
    return in_time(table["x"], y, table["week"] // 15, None, share=1 / 3)


def letters(files: Files) -> Task:
    """Letters A to Z, 1,000 of 16,000 a round."""
    table = files.table("letters")
    x, test = table["x"], table["x_test"]
    mean, scale = x[:1000].mean(0), x[:1000].std(0)
    return at_random(
        (x[:4000] - mean) / scale,
        table["y"][:4000],
        ((test - mean) / scale, table["y_test"]),
        4,
        functools.partial(networks.mlp, x.shape[1], 26),
    )


def banking77(files: Files) -> Task:
    """What a bank's customer asks for, 1,000 of 10,003 questions a round."""
    return _banking(files, 4, networks.pooled)


def banking77_transformer(files: Files) -> Task:
    """The same by a transformer, three rounds."""
    return _banking(files, 3, networks.transformer)


def clinc150(files: Files) -> Task:
    """What an assistant is asked for; its ten domains arrive one by one.

    20 of 100 sentences of each intent, those out of scope left out.
    """
    lines = [line for line in files.texts("clinc150") if line["domain"]]
    domains = list(dict.fromkeys(line["domain"] for line in lines))

    def part(split: str, domain: str, count: int) -> Pair:
        found = collections.defaultdict(list)
        for line in lines:
            if (line["split"], line["domain"]) == (split, domain):
                found[line["label"]].append(line)
        return _texts([one for some in found.values() for one in some[:count]])

    rounds, validation, held_out = (
        [part(split, domain, count) for domain in domains]
        for split, count in (("train", 20), ("val", 5), ("test", 30))
    )
    build = functools.partial(networks.pooled, 150)
    return Task(build, rounds, validation, held_out)


def cifar10_frozen(files: Files) -> Task:
    """Images by the features of a frozen, pre-trained backbone, 400 a round."""
    x, y = _images(files, networks.squeezenet(files.backbone), 5 * 400)
    build = functools.partial(networks.head, x.shape[1], 10)
    return _of_images(x, y, 5, build)


def cifar10_tuned(files: Files) -> Task:
    """Images of 48 pixels by the backbone with its last module trained on."""
    whole = networks.squeezenet(files.backbone, 48)
    frozen, weights = networks.last_module(whole)
    x, y = _images(files, frozen, 3 * 400)
    build = functools.partial(networks.tuned, x.shape[1:], weights, 10)
    task = _of_images(x, y, 3, build)
    return dataclasses.replace(task, is_pretrained=True)


TASKS = {
    task.__name__: task
    for task in (
        flights,
        bank,
        bike,
        bike_count,
        letters,
        banking77,
        banking77_transformer,
        clinc150,
        cifar10_frozen,
        cifar10_tuned,
    )
}


def in_time(
    x: np.ndarray,
    y: np.ndarray,
    blocks: np.ndarray,
    classes: int | None,
    *,
    share: float,
) -> Task:
    """Returns a task whose rounds follow time.

    A random share of the samples arrives and is learned. The model of each
    round is measured on others, of the next block. Features are scaled by the
    mean and the deviation of the first block, and clipped at 5 deviations.

    Args:
        x: Features `(n, features)`.
        y: Targets `(n,)`.
        blocks: Block of each sample, from 0; the last one is measured on only.
        classes: Number of classes; `None` for a regression.
        share: Share of the samples that arrive, in (0, 1).
    """
    lot = np.random.default_rng(0).random(len(y))
    is_learned = lot < share
    is_validation = lot < share * VALIDATION
    first = x[(blocks == 0) & is_learned]
    # What does not vary at first is left out; what comes later may be far off.
    scale = np.where(first.std(0) > 0, first.std(0), np.inf)
    x = np.clip((x - first.mean(0)) / scale, -5, 5).astype("float32")
    rounds, validation, held_out = [], [], []
    for block in range(blocks.max()):
        now = (blocks == block) & is_learned
        following = np.flatnonzero((blocks == block + 1) & ~is_learned)
        chosen = np.sort(following[np.argsort(lot[following])[:_MEASURED]])
        for parts, indices in (
            (rounds, now & ~is_validation),
            (validation, now & is_validation),
            (held_out, chosen),
        ):
            parts.append((x[indices], y[indices]))
    build = functools.partial(networks.regression, x.shape[1])
    if classes is not None:
        build = functools.partial(networks.mlp, x.shape[1], classes)
    return Task(build, rounds, validation, held_out, 512, is_next=True)


def at_random(
    x: np.ndarray,
    y: np.ndarray,
    held_out: Pair,
    count: int,
    build: Callable,
    batch_size: int = 256,
) -> Task:
    """Returns a task whose samples arrive in a random order in equal rounds."""
    order = np.random.default_rng(0).permutation(len(y))
    rounds, validation = [], []
    for part in np.array_split(order, count):
        cut = round(VALIDATION * len(part))
        validation.append((x[part[:cut]], y[part[:cut]]))
        rounds.append((x[part[cut:]], y[part[cut:]]))
    return Task(build, rounds, validation, [held_out], batch_size)


def ids(texts: Sequence[str]) -> np.ndarray:
    """Returns ids of the first words of texts, `(n, LENGTH)`.

    Words are hashed, so that none is unknown and no vocabulary has to grow.
    """
    found = np.zeros((len(texts), networks.LENGTH), "int32")
    for line, text in zip(found, texts, strict=True):
        words = re.findall(r"[\w']+", text.lower())[: networks.LENGTH]
        hashes = (zlib.crc32(word.encode()) for word in words)
        line[: len(words)] = [h % (networks.WORDS - 1) + 1 for h in hashes]
    return found


def _texts(lines: Sequence[dict]) -> Pair:
    labels = [int(line["label"]) for line in lines]
    return ids([line["text"] for line in lines]), np.array(labels, "int32")


def _banking(files: Files, count: int, build: Callable) -> Task:
    lines = files.texts("banking77")
    train, test = (
        _texts([line for line in lines if line["split"] == split])
        for split in ("train", "test")
    )
    order = np.random.default_rng(1).permutation(len(train[1]))
    chosen = order[: 1000 * count]
    return at_random(
        train[0][chosen],
        train[1][chosen],
        test,
        count,
        functools.partial(build, 77),
    )


def _images(files: Files, backbone: keras.Model, count: int) -> Pair:
    """Returns what a backbone makes of some images, and their labels."""
    dataset = datasets.load("cifar10", data_dir=files.images)
    order = np.random.default_rng(0).permutation(len(dataset.x))
    order = order[: count + _TEST_IMAGES]
    side = backbone.input_shape[1]
    found = [
        backbone.predict_on_batch(networks.prepared(dataset.x[some], side))
        for some in np.array_split(order, len(order) // 100)
    ]
    return np.concatenate(found), dataset.y[order].astype("int32")


def _of_images(x: np.ndarray, y: np.ndarray, count: int, build) -> Task:
    test = x[-_TEST_IMAGES:], y[-_TEST_IMAGES:]
    learned = x[:-_TEST_IMAGES], y[:-_TEST_IMAGES]
    return at_random(*learned, test, count, build, 64)
