"""The state of an optimizer, put back to its start in place."""

import weakref

import keras
import numpy as np
from keras import ops

from ws_keras.transforms import errors

POLICIES = ("keep", "reset", "reset_slots")


def check_policy(policy: str | None) -> None:
    """Raises a ValueError for an unknown policy."""
    if policy is not None and policy not in POLICIES:
        raise ValueError(
            f"`optimizer` must be one of {list(POLICIES)}. "
            f"Received: optimizer={policy!r}."
        )


def reset(optimizer, policy: str = "reset") -> None:
    """Puts an optimizer's state back to its start, in place.

    Afterwards it is as if it had just been made from its config and built:
    slots, `iterations`, gradients that were accumulated, loss scale. Slots
    that start at other values than zero (Adagrad, Ftrl, Nadam) start there.
    Nothing is traced again and no compile is needed. A learning rate that was
    assigned stays as it is; a learning-rate schedule follows `iterations`.

    Args:
        optimizer: Keras optimizer, or `None` (nothing happens). One that is
            not built has no state yet.
        policy: `"reset"` sets `iterations` to 0, `"reset_slots"` keeps it,
            and with it the position in a schedule. Adam then takes small
            first steps, because its bias correction counts iterations.
            `"keep"` does nothing. Defaults to `"reset"`.

    Raises:
        ValueError: If the optimizer cannot be rebuilt from its config.
    """
    assign(planned(optimizer, policy))


def planned(optimizer, policy: str = "reset") -> list[tuple]:
    """Returns what `reset` assigns, and fails where `reset` would fail.

    Args:
        optimizer: See `reset`.
        policy: See `reset`.

    Returns:
        List of pairs of a variable and its start, mostly one number in an
        array of the variable's rank.

    Raises:
        ValueError: If the optimizer cannot be rebuilt from its config.
    """
    if policy == "keep" or optimizer is None or not optimizer.built:
        return []
    kept = [_learning_rate(inner(optimizer))]
    if policy == "reset_slots":
        kept.append(optimizer.iterations)
    # The averages follow the weights (`sync_averages`), not their start.
    kept += _averages(inner(optimizer))
    kept_ids = {id(variable) for variable in kept}
    pairs = zip(optimizer.variables, _starts(optimizer), strict=True)
    return [pair for pair in pairs if id(pair[0]) not in kept_ids]


def assign(plan: list[tuple]) -> None:
    """Carries out what `planned` has returned."""
    for variable, start in plan:
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
    start constant, so that a copy of the model's size is not needed. That is
    done once, as it would take longer than all else at the start of a round.
    """
    reason = "its state has other variables than a new one's"
    try:
        config = _config(optimizer)
        key = repr(config), len(optimizer.variables)
        known_key, starts = _KNOWN.get(optimizer, (None, None))
        if key != known_key:
            starts = _built_starts(optimizer, config)
        if starts is not None:
            if all(start.size == 1 for start in starts):
                _KNOWN[optimizer] = key, starts
            return starts
    except Exception as error:  # a user's class fails in many ways
        reason = errors.reason(error)
    raise ValueError(
        "The optimizer must be such that it can be rebuilt from its config, "
        "for its start to be known. Received: "
        f"{type(optimizer).__name__} ({reason}). Use `optimizer='keep'`, and "
        "compile the model anew where its state must go."
    )


# Of each optimizer: its config and the number of its variables, their starts.
_KNOWN = weakref.WeakKeyDictionary()


def _built_starts(optimizer, config: dict) -> list | None:
    trained = inner(optimizer)._trainable_variables
    for stand_ins in (map(_stand_in, trained), trained):
        new = type(optimizer).from_config(config)
        new.build(list(stand_ins))
        starts = [ops.convert_to_numpy(v) for v in new.variables]
        if len(starts) == len(optimizer.variables):
            return starts
    return None


def _config(optimizer) -> dict:
    """Returns the config, with a schedule of the user's replaced.

    No start depends on the learning rate, and a schedule or function of the
    user's own may not be serializable.
    """
    own = vars(inner(optimizer))
    rate = own["_learning_rate"]
    if not isinstance(rate, keras.Variable):
        decay = keras.optimizers.schedules.ExponentialDecay(1.0, 1, 1.0)
        own["_learning_rate"] = decay
    try:
        return optimizer.get_config()
    finally:
        own["_learning_rate"] = rate


def _stand_in(variable):
    shape = (1,) * len(variable.shape)
    return keras.Variable(
        np.zeros(shape), dtype=variable.dtype, name=variable.name
    )


def _filled(start: np.ndarray, variable) -> np.ndarray:
    if start.shape == tuple(variable.shape):
        return start
    return np.full(variable.shape, start.flat[0], start.dtype)
