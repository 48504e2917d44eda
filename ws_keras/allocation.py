"""Allocates the samples of a data set to the rounds of a setting."""

import dataclasses

import numpy as np

from ws_keras import protocol
from ws_keras import seeds
from ws_keras.data import aligned
from ws_keras.data import datasets
from ws_keras.data import labels
from ws_keras.data import rounds as round_indices
from ws_keras.training import terms


@dataclasses.dataclass(frozen=True)
class Samples:
    """All samples of a setting in memory, and the samples of each round.

    `classes` is the number of classes of each round. `pool` holds the samples
    that active learning chooses from.
    """

    x: np.ndarray
    y: np.ndarray
    rounds: list[terms.Round]
    held_out: np.ndarray
    classes: list[int]
    pool: np.ndarray

    @property
    def num_classes(self) -> int:
        """The number of classes that a model for the samples needs."""
        return max(self.classes)


def samples(
    config,
    dataset: datasets.Dataset,
    seed: int,
    source: datasets.Dataset | None = None,
) -> Samples:
    """Returns the samples of a setting and its rounds.

    Args:
        config: Config of the setting.
        dataset: The data set that the config names.
        seed: Seed of the split.
        source: The data set that `data.source` names. Defaults to `None`.

    Returns:
        `Samples`.

    Raises:
        ValueError: If the data do not match the config.
    """
    x, y, fit, held_out = _split(config, dataset, seed)
    fit = fit[: _count(config, len(fit))]
    found = [(part, held_out) for part in _rounds(config.rounds, fit)]
    classes = [dataset.num_classes] * len(found)
    fraction = f"rounds.fraction={config.rounds.fraction}"
    kind = config.rounds.protocol
    if kind in ("two_phase", "two_parts", "one_phase", "transfer"):
        first = found[0][0]
        round_indices.check_classes(y[first], y[fit], fraction)
    if kind == "transfer":
        x, y, first = _with_source(config, x, y, dataset, source, seed)
        found.insert(0, first)
        classes.insert(0, source.num_classes)
    if share := config.data.label_noise:
        y = labels.with_wrong(y, found[0][0], share, classes[0], seed)
    rounds = [
        _round(config, number, *indices)
        for number, indices in enumerate(found, 1)
    ]
    return Samples(x, y, rounds, held_out, classes, fit)


def sizes(config, num_train: int, num_source: int | None = None) -> list[int]:
    """Returns the number of samples of each round, without loading data.

    Args:
        config: Config of a setting.
        num_train: Number of samples of the official training set.
        num_source: Number of training samples of the source. Defaults to
            `None`.

    Returns:
        List of integers.

    Raises:
        ValueError: If the rounds do not fit the data.
    """
    count = num_train
    if config.data.split == "held_out":
        fit, _ = round_indices.split(num_train, 0, config.data.held_out)
        count = len(fit)
    fit = np.arange(_count(config, count))
    found = [len(indices) for indices in _rounds(config.rounds, fit)]
    if config.rounds.protocol == "transfer":
        found.insert(0, len(round_indices.split(num_source, seed=0)[0]))
    return found


def _round(config, number: int, indices, held_out) -> terms.Round:
    return terms.Round(
        indices,
        held_out=held_out,
        until=protocol.until(config, number),
        batch_size=protocol.batch_size(config, number),
    )


def _split(config, dataset, seed: int) -> tuple:
    """Returns all samples and labels, and the fitted and held-out indices."""
    if config.data.split == "held_out":
        parts = round_indices.split(len(dataset.x), seed, config.data.held_out)
        return dataset.x, dataset.y, *parts
    if dataset.x_test is None:
        raise ValueError(
            "`data.split='official_test'` needs a data set with a test "
            f"part. Received: data.name={dataset.name!r}. Use "
            "data.split='held_out'."
        )
    x = aligned.concatenate([dataset.x, dataset.x_test])
    y = np.concatenate([dataset.y, dataset.y_test])
    order = seeds.generator(seed, "split").permutation(len(dataset.x))
    return x, y, order, np.arange(len(dataset.x), len(x))


def _count(config, available: int) -> int:
    wanted = config.data.samples
    if wanted is None:
        return available
    if not 1 <= wanted <= available:
        raise ValueError(
            "`data.samples` must be from 1 to the number of samples to fit. "
            f"Received: data.samples={wanted} of {available}."
        )
    return wanted


def _rounds(config, indices: np.ndarray) -> list[np.ndarray]:
    """Returns the rounds on the data set itself, without a source."""
    if config.protocol in ("online", "active"):
        found = round_indices.online(indices, config.step)
    elif config.protocol == "two_phase":
        found = round_indices.two_phase(indices, config.fraction)
    elif config.protocol == "two_parts":
        found = round_indices.two_parts(indices, config.fraction)
    else:
        found = [round_indices.part(indices, config.fraction)]
    if config.limit is not None and config.limit < 1:
        raise ValueError(
            "`rounds.limit` must be at least 1 or None. "
            f"Received: rounds.limit={config.limit}."
        )
    return found[: config.limit]


def _with_source(config, x, y, dataset, source, seed: int) -> tuple:
    """Returns the samples of both data sets, and the source's round."""
    if source is None:
        raise ValueError(
            "`rounds.protocol='transfer'` needs the data set of the first "
            f"round. Received: data.source={config.data.source!r}."
        )
    for what, ours, theirs in (
        ("shape", x.shape[1:], source.x.shape[1:]),
        ("dtype", x.dtype, source.x.dtype),
    ):
        if ours != theirs:
            raise ValueError(
                "Source and target must have samples of the same shape and "
                f"dtype. Received: {source.name!r} with {what} {theirs}, "
                f"{dataset.name!r} with {ours}. Convert one of them, for "
                "example into an .npz file."
            )
    fit, held_out = round_indices.split(len(source.x), seed)
    first = fit + len(x), held_out + len(x)
    joined = aligned.concatenate([x, source.x]), np.concatenate([y, source.y])
    return *joined, first
