"""The state of an optimizer, put back to its start in place."""

import keras
import numpy as np
from keras import ops

POLICIES = ("keep", "reset", "reset_slots")


def check_policy(policy: str | None) -> None:
    """Raises a ValueError for an unknown policy."""
    if policy is not None and policy not in POLICIES:
        raise ValueError(
            f"`optimizer` must be one of {list(POLICIES)}. "
            f"Received: optimizer={policy!r}."
        )


def reset(optimizer, schedule: str = "restart") -> None:
    """Puts every state variable back to its value in a new optimizer.

    Slots (also those that do not start at zero, as in Adagrad, Ftrl and
    Nadam), gradient accumulators, loss scale and `iterations` are assigned in
    place, so that no new trace is needed. A learning rate that was assigned
    stays as it is; a learning-rate schedule follows `iterations`.

    Args:
        optimizer: Keras optimizer, or `None` (nothing happens). One that is
            not built has no state yet.
        schedule: `"restart"` sets `iterations` to 0, `"continue"` keeps it,
            and with it the position in a schedule. Adam then takes small
            first steps, because its bias correction counts iterations.
            Defaults to `"restart"`.
    """
    if optimizer is None or not optimizer.built:
        return
    kept = [_learning_rate(inner(optimizer))]
    if schedule == "continue":
        kept.append(optimizer.iterations)
    # The averages follow the weights (`sync_averages`), not their start.
    kept += _averages(inner(optimizer))
    kept_ids = {id(variable) for variable in kept}
    for variable, start in zip(
        optimizer.variables, _starts(optimizer), strict=True
    ):
        if id(variable) not in kept_ids:
            variable.assign(_filled(start, variable))


def sync_averages(optimizer, touched: list) -> None:
    """Copies changed weights into the optimizer's moving averages.

    With `use_ema=True` the end of `fit` copies the averages over the weights
    and would bring back what a transform has changed.

    Args:
        optimizer: Keras optimizer or `None`.
        touched: Variables that were changed.
    """
    if optimizer is None or not optimizer.built:
        return
    core = inner(optimizer)
    averages = _averages(core)
    if not averages:
        return
    ids = {id(variable) for variable in touched}
    trained = core._trainable_variables
    for variable, average in zip(trained, averages, strict=True):
        if id(variable) in ids:
            average.assign(ops.convert_to_numpy(variable))


def inner(optimizer):
    """Returns the optimizer inside a `LossScaleOptimizer`, or itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _averages(optimizer) -> list:
    averages = getattr(optimizer, "_model_variables_moving_average", None)
    return list(averages or [])


def _learning_rate(optimizer):
    # A schedule has no variable.
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.Variable) else None


def _starts(optimizer) -> list:
    """Returns the start of each state variable, mostly as one number.

    A new optimizer is built on stand-ins with one element each: its slots
    start constant, so that a copy of the model's size is not needed.
    """
    trained = inner(optimizer)._trainable_variables
    for stand_ins in (map(_stand_in, trained), trained):
        new = type(optimizer).from_config(optimizer.get_config())
        new.build(list(stand_ins))
        starts = [ops.convert_to_numpy(v) for v in new.variables]
        if len(starts) == len(optimizer.variables):
            return starts
    raise ValueError(
        "The optimizer cannot be rebuilt from its config, so its start is "
        f"not known. Received: {type(optimizer).__name__}. Use "
        "`optimizer='keep'` and compile the model anew."
    )


def _stand_in(variable):
    shape = (1,) * len(variable.shape)
    return keras.Variable(
        np.zeros(shape), dtype=variable.dtype, name=variable.name
    )


def _filled(start: np.ndarray, variable) -> np.ndarray:
    if start.shape == tuple(variable.shape):
        return start
    return np.full(variable.shape, start.flat[0], start.dtype)
