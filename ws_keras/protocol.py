"""Interprets a config: its valid values, stopping rule, rate, batch size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ws_keras import checks
from ws_keras import names
from ws_keras import references

if TYPE_CHECKING:
    from ws_keras.training import terms

# Fields whose value may also be a user's own function.
_OWN = ("model.name", "optimizer.name")
_STRONGEST = 0.1  # strongest confidence penalty of the paper


def check(config) -> None:
    """Raises a ValueError if a field has none of the known values."""
    check_values(config)
    for field, value in zip(
        _OWN, (config.model.name, config.optimizer.name), strict=True
    ):
        if references.is_reference(value):
            references.find(field, value)
    for number in (1, 2):
        until(config, number)


def check_values(config) -> None:
    """Checks what can be checked without importing Keras."""
    keep_or_reset = ("reset", "keep")
    for field, value, known in (
        ("data.split", config.data.split, names.SPLITS),
        ("data.augmentation", config.data.augmentation, names.AUGMENTATIONS),
        ("rounds.protocol", config.rounds.protocol, names.PROTOCOLS),
        ("rounds.acquisition", config.rounds.acquisition, names.ACQUISITIONS),
        ("model.name", config.model.name, names.MODELS),
        ("optimizer.name", config.optimizer.name, names.OPTIMIZERS),
        ("penalty.name", config.penalty.name, names.PENALTIES),
        ("transform.noise", config.transform.noise, ("fresh", "gaussian")),
        ("transform.statistics", config.transform.statistics, keep_or_reset),
        ("transform.optimizer", config.transform.optimizer, keep_or_reset),
        ("transform.norms", config.transform.norms, ("mix", "keep")),
        ("precision", config.precision, ("float32", "mixed_bfloat16")),
        *(
            ("diagnostics.measures", name, names.MEASURES)
            for name in config.diagnostics.measures
        ),
    ):
        is_own = field in _OWN and references.is_reference(value)
        if value not in known and not is_own:
            raise ValueError(
                f"`{field}` must be one of {list(known)}"
                + (" or 'my_module:function'" if field in _OWN else "")
                + f". Received: {field}={value!r}."
                + checks.guess(str(value), known)
            )
    _check_numbers(config)
    _check_together(config)


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
    from ws_keras.training import terms  # imports Keras

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
