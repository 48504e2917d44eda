"""What layers measure while they train, such as batch-norm moments."""

from collections.abc import Iterable

import keras
from keras import ops

POLICIES = ("keep", "reset", "recalibrate")


def check_policy(policy: str, data) -> None:
    """Raises a ValueError for an unknown policy or one without its data."""
    if policy not in POLICIES:
        raise ValueError(
            f"`statistics` must be one of {list(POLICIES)}. "
            f"Received: statistics={policy!r}."
        )
    if (policy == "recalibrate") != (data is not None):
        raise ValueError(
            "`data`, batches of model inputs, goes with "
            f"`statistics='recalibrate'`. Received: statistics={policy!r}, "
            f"data={'None' if data is None else type(data).__name__}."
        )


def recalibrate(model: keras.Model, data: Iterable) -> None:
    """Measures batch-norm moments anew on data, with weights still.

    Every batch counts the same: the moments become the plain average over
    the batches. Dropout and whatever else depends on training mode is on, as
    in training; nothing but the moments changes.

    Args:
        model: Built model.
        data: Batches of model inputs; of a tuple, the first item.

    """
    norms = [layer for layer in model._flatten_layers() if _is_norm(layer)]
    ids = {id(v) for n in norms for v in (n.moving_mean, n.moving_variance)}
    others = [v for v in model.non_trainable_variables if id(v) not in ids]
    saved = [ops.convert_to_numpy(variable) for variable in others]
    momenta = [norm.momentum for norm in norms]
    try:
        for count, batch in enumerate(data, 1):
            for norm in norms:
                norm.momentum = (count - 1) / count
            inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
            model(inputs, training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for variable, value in zip(others, saved, strict=True):
            variable.assign(value)


def check_first(batches: list) -> None:
    """Raises a ValueError unless there is a first batch."""
    if not batches:
        raise ValueError(
            "`data` must hold at least one batch to measure the statistics "
            "on. Received: no batch."
        )


def _is_norm(layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and (
        layer.trainable
    )
