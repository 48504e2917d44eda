"""Interprets a config: samples of each round, stopping rule, batch size."""

import dataclasses
import math

import numpy as np

from ws_keras import models
from ws_keras import references
from ws_keras import seeds
from ws_keras.data import acquisition
from ws_keras.data import aligned
from ws_keras.data import datasets
from ws_keras.data import labels
from ws_keras.data import rounds as round_indices
from ws_keras.diagnostics import probe
from ws_keras.models import augmentation
from ws_keras.training import terms

OPTIMIZERS = ("sgd", "adam")
PROTOCOLS = (
    "online",
    "active",
    "two_phase",
    "two_parts",
    "one_phase",
    "transfer",
)
SPLITS = ("held_out", "official_test")
# Fields whose value may also be a user's own function.
_OWN = ("model.name", "optimizer.name")
_STRONGEST = 0.1  # strongest confidence penalty of the paper
PENALTIES = ("none", "l2", "confidence", "adversarial")


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
    protocol = config.rounds.protocol
    if protocol in ("two_phase", "two_parts", "one_phase", "transfer"):
        first = found[0][0]
        round_indices.check_classes(y[first], y[fit], fraction)
    if protocol == "transfer":
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


def check(config) -> None:
    """Raises a ValueError if a field has none of the known values."""
    keep_or_reset = ("reset", "keep")
    for field, value, known in (
        ("data.split", config.data.split, SPLITS),
        ("data.augmentation", config.data.augmentation, augmentation.NAMES),
        ("rounds.protocol", config.rounds.protocol, PROTOCOLS),
        ("rounds.acquisition", config.rounds.acquisition, acquisition.NAMES),
        ("model.name", config.model.name, models.NAMES),
        ("optimizer.name", config.optimizer.name, OPTIMIZERS),
        ("penalty.name", config.penalty.name, PENALTIES),
        ("transform.noise", config.transform.noise, ("fresh", "gaussian")),
        ("transform.statistics", config.transform.statistics, keep_or_reset),
        ("transform.optimizer", config.transform.optimizer, keep_or_reset),
        ("transform.norms", config.transform.norms, ("mix", "keep")),
        ("precision", config.precision, ("float32", "mixed_bfloat16")),
        *(
            ("diagnostics.measures", name, probe.MEASURES)
            for name in config.diagnostics.measures
        ),
    ):
        is_own = field in _OWN and references.is_reference(value)
        if is_own:
            references.find(field, value)
        elif value not in known:
            raise ValueError(
                f"`{field}` must be one of {list(known)}"
                + (" or 'my_module:function'" if field in _OWN else "")
                + f". Received: {field}={value!r}."
            )
    _check_numbers(config)
    _check_together(config)
    for number in (1, 2):
        until(config, number)


def notice(config) -> str | None:
    """Explains a valid config field that may look like an error.

    Args:
        config: Config of the setting.

    Returns:
        A sentence, or `None` if there is nothing to explain.
    """
    name, weight = config.penalty.name, config.penalty.weight
    if name != "confidence" or weight <= _STRONGEST:
        return None
    return (
        "A strong confidence penalty can make the loss negative. This is not "
        "an error; rows and curves hold only the cross-entropy. Received: "
        f"penalty.weight={weight}. A strong penalty reduces the influence of "
        f"labels; the paper uses 0.0001 to {_STRONGEST:g}."
    )


def until(config, number: int) -> terms.Until:
    """Returns the stopping rule of a round.

    Args:
        config: Config of the setting.
        number: Number of the round, counted from 1.
    """
    own = config.train.first_epochs if number == 1 else config.second.epochs
    epochs = config.train.epochs if own is None else own
    monitor = config.train.monitor
    return terms.Until(
        # The paper's rule applies to the training accuracy.
        threshold=config.train.threshold if monitor == "accuracy" else None,
        monitor=None if monitor == "accuracy" else monitor,
        patience=config.train.patience,
        min_delta=config.train.min_delta,
        measured=config.train.measured,
        epochs=epochs,
        max_epochs=config.train.max_epochs,
        extra_epochs=config.train.extra_epochs,
    )


def batch_size(config, number: int) -> int:
    """Returns the batch size of a round, counted from 1."""
    if number > 1 and config.second.batch_size is not None:
        return config.second.batch_size
    return config.train.batch_size


def learning_rate(config, number: int) -> float:
    """Returns the learning rate of a round, counted from 1."""
    if number > 1 and config.second.learning_rate is not None:
        return config.second.learning_rate
    return config.optimizer.learning_rate


def _round(config, number: int, indices, held_out) -> terms.Round:
    return terms.Round(
        indices,
        held_out=held_out,
        until=until(config, number),
        batch_size=batch_size(config, number),
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


def _check_numbers(config) -> None:
    for field, value, is_optional in (
        ("optimizer.learning_rate", config.optimizer.learning_rate, False),
        ("optimizer.epsilon", config.optimizer.epsilon, False),
        ("second.learning_rate", config.second.learning_rate, True),
        ("optimizer.clip_norm", config.optimizer.clip_norm, True),
        ("diagnostics.samples", config.diagnostics.samples, False),
    ):
        if value is None and is_optional:
            continue
        if not 0 < value < math.inf:
            raise ValueError(
                f"`{field}` must be positive and finite. "
                f"Received: {field}={value!r}."
            )
    for field, value in (
        ("penalty.weight", config.penalty.weight),
        ("optimizer.weight_decay", config.optimizer.weight_decay or 0.0),
        ("transform.step_perturb", config.transform.step_perturb),
    ):
        is_number = isinstance(value, (int, float))
        if not is_number or not 0 <= value < math.inf:
            raise ValueError(
                f"`{field}` must be at least 0 and finite. "
                f"Received: {field}={value!r}."
            )
    for field, value in (
        ("transform.step_shrink", config.transform.step_shrink),
        ("optimizer.momentum", config.optimizer.momentum),
        ("optimizer.warm_up", config.optimizer.warm_up),
        ("data.label_noise", config.data.label_noise),
        *(("diagnostics.shrunk", part) for part in config.diagnostics.shrunk),
    ):
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValueError(
                f"`{field}` must be in [0, 1]. Received: {field}={value!r}."
            )


def _check_together(config) -> None:
    """Checks combinations of fields."""
    is_transfer = config.rounds.protocol == "transfer"
    if is_transfer != (config.data.source is not None):
        raise ValueError(
            "`data.source` requires rounds.protocol='transfer'. Received: "
            f"data.source={config.data.source!r}, "
            f"rounds.protocol={config.rounds.protocol!r}."
        )
    if config.penalty.name == "adversarial" and config.penalty.weight > 1:
        raise ValueError(
            "`penalty.weight` must be in [0, 1] for penalty.name='adversarial'."
            f" Received: penalty.weight={config.penalty.weight}."
        )
    steps = config.train.steps_per_execution
    if each_step(config) and steps not in (None, 1):
        raise ValueError(
            "`train.steps_per_execution` must be 1 if weights or the learning "
            f"rate are changed at each step. Received: {each_step(config)}, "
            f"train.steps_per_execution={steps}."
        )


def is_every_step(config) -> bool:
    """Returns whether weights are shrunk or perturbed after each step."""
    transform = config.transform
    return (transform.step_shrink, transform.step_perturb) != (1, 0)


def each_step(config) -> str:
    """Returns the field that changes something at each step, or `""`."""
    if config.optimizer.warm_up:
        return f"optimizer.warm_up={config.optimizer.warm_up}"
    if is_every_step(config):
        transform = config.transform
        return (
            f"transform.step_shrink={transform.step_shrink}, "
            f"transform.step_perturb={transform.step_perturb}"
        )
    return ""


def warm_up(config, number: int, size: int) -> int:
    """Returns the number of steps in which the learning rate rises.

    Args:
        config: Config of the setting.
        number: Number of the round, counted from 1.
        size: Number of samples of the round.
    """
    steps = math.ceil(size / batch_size(config, number))
    share = config.optimizer.warm_up
    found = round(share * steps * until(config, number).limit)
    return max(1, found) if share else 0
