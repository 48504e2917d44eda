"""What layers measure while they train, such as batch-norm moments."""

from collections.abc import Iterable

import keras

POLICIES = ("keep", "reset", "recalibrate")


def check_policy(policy: str, data) -> None:
    """Raises a ValueError for an unknown policy or one without its data."""
    if policy is not None and policy not in POLICIES:
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
    momenta = [norm.momentum for norm in norms]
    # A scope without side effects: a pass in training mode also draws seeds,
    # and layers such as SpectralNormalization even write their weights.
    state = {}
    try:
        for count, batch in enumerate(data, 1):
            for norm in norms:
                norm.momentum = (count - 1) / count
            inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
            with keras.StatelessScope(list(state.values())) as scope:
                model(inputs, training=True)
            for variable in model.non_trainable_variables:
                value = scope.get_current_value(variable)
                if value is not None:
                    state[id(variable)] = (variable, value)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    for norm in norms:
        for variable in (norm.moving_mean, norm.moving_variance):
            if id(variable) in state:
                variable.assign(state[id(variable)][1])


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
