"""What layers measure while they train, such as batch-norm moments."""

import contextlib
import itertools
from collections.abc import Iterable

import keras
from keras import ops

from ws_keras.transforms import errors

POLICIES = ("keep", "reset", "recalibrate")


class NotFinite(ValueError):
    """Statistics came out as nan or infinity."""


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
    the batches, and over the calls of a layer that is used more than once.
    Dropout and whatever else depends on training mode is on, as in training;
    nothing but the moments changes.

    Args:
        model: Built model.
        data: Batches of model inputs; of a tuple, the first item.

    Raises:
        ValueError: If the model does not take a batch.
        NotFinite: If a moment is nan or infinite; none has changed then.
    """
    norms = [layer for layer in model._flatten_layers() if _is_norm(layer)]
    # A scope without side effects: a pass in training mode also draws seeds,
    # and layers such as SpectralNormalization even write their weights.
    state = {}
    with contextlib.ExitStack() as stack:
        for norm in norms:
            stack.enter_context(_averaging(norm))
        for number, batch in enumerate(data):
            inputs = batch[0] if isinstance(batch, tuple) else batch
            with keras.StatelessScope(list(state.values())) as scope:
                _pass(model, inputs, number)
            for variable in model.non_trainable_variables:
                value = scope.get_current_value(variable)
                if value is not None:
                    state[id(variable)] = (variable, value)
    measured = [
        state[id(variable)]
        for norm in norms
        for variable in (norm.moving_mean, norm.moving_variance)
        if id(variable) in state
    ]
    for variable, value in measured:
        _check_finite(variable, value)
    for variable, value in measured:
        variable.assign(value)


def _pass(model, inputs, number: int) -> None:
    try:
        model(inputs, training=True)
    except Exception as error:  # of any layer, in many ways
        raise ValueError(
            "`data` must hold batches of what the model takes, a tuple "
            "counting as (inputs, ...). Received: batch "
            f"{number} of type {type(inputs).__name__} "
            f"({errors.reason(error)})."
        ) from error


def _check_finite(variable, value) -> None:
    if not ops.convert_to_numpy(ops.all(ops.isfinite(value))):
        raise NotFinite(
            "`data` must give finite statistics. Received: nan or infinity "
            f"for {variable.path!r}. Look at the data and at the weights."
        )


@contextlib.contextmanager
def _averaging(norm):
    """Lets each call of a layer count the same, however many there are."""
    call, momentum = norm.call, norm.momentum
    counts = itertools.count()

    def counted(*arguments, **keywords):
        count = next(counts)
        norm.momentum = count / (count + 1)
        return call(*arguments, **keywords)

    # Past Keras' `__setattr__`, for a moment and without a trace.
    vars(norm)["call"] = counted
    try:
        yield
    finally:
        del vars(norm)["call"]
        norm.momentum = momentum


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
