"""What the variables of an optimizer start from."""

import itertools
import weakref

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import errors
from ws_keras.transforms import variables

_DIGITS = 128  # of a number that also half precision holds exactly


def of(optimizer) -> list[tuple]:
    """Returns the start of each variable of an optimizer.

    Those of the optimizers inside it are theirs, not its own.

    Args:
        optimizer: Built Keras optimizer.

    Returns:
        List of pairs of a variable and its start: mostly one number in an
        array of the variable's rank, or the weight whose value it starts
        from.

    Raises:
        ValueError: If the optimizer cannot be rebuilt from its config.
    """
    if isinstance(optimizer, _wrappers()):
        # Its config has that of others, which may be functions of the user's.
        scale = getattr(optimizer, "dynamic_scale", None)
        return [
            (v, np.array([optimizer.initial_scale if v is scale else 0]))
            for v in _keras.own_state(optimizer)
        ]
    trained = _keras.trained_by(optimizer)
    return [
        (v, trained[start] if isinstance(start, int) else start)
        for v, start in zip(
            optimizer.variables, _starts(optimizer), strict=True
        )
    ]


def _wrappers() -> tuple:
    names = ("LossScaleOptimizer", "MultiOptimizer")
    # Keras has the second from 3.14 on.
    found = (getattr(keras.optimizers, name, None) for name in names)
    return tuple(kind for kind in found if kind is not None)


def _starts(optimizer) -> list:
    """Returns the start of each variable, or the place of a weight.

    A new optimizer is built on stand-ins with one element each: its slots
    start constant or as a copy, so that a copy of the model's size is not
    needed. That is done once, as it would take longer than all else at the
    start of a round.
    """
    reason = "its state has other variables than a new one's"
    try:
        config = plain_config(optimizer)
        rest = {k: v for k, v in config.items() if k != "learning_rate"}
        key = repr(rest), len(optimizer.variables)
        known_key, starts = _KNOWN.get(optimizer, (None, None))
        if key != known_key:
            starts = _built(optimizer, config)
        if starts is not None:
            if all(isinstance(s, int) or s.size == 1 for s in starts):
                _KNOWN[optimizer] = key, starts
            return starts
    except Exception as error:  # a user's class fails in many ways
        reason = errors.reason(error)
    raise ValueError(
        "It must be possible to rebuild the optimizer from its config, to "
        f"find its initial state. Received: {type(optimizer).__name__} "
        f"({reason}). Use `optimizer='keep'`, and compile the model again "
        "where the state must be reset."
    )


# Of each optimizer: its config and the number of its variables, their starts.
_KNOWN = weakref.WeakKeyDictionary()


def _built(optimizer, config: dict) -> list | None:
    for is_small in (True, False):
        first, second = (
            _build(optimizer, config, digit, is_small) for digit in (0, 1)
        )
        if len(first) == len(optimizer.variables):
            slots = zip(optimizer.variables, first, second, strict=True)
            return [_start(optimizer, *slot) for slot in slots]
    return None


def _build(optimizer, config: dict, digit: int, is_small: bool) -> list:
    """Returns the starts of an optimizer of other weights.

    The weights are numbered: the two digits of its number are its values in
    two builds, by which a slot that copies a weight is told from others.
    """
    new = type(optimizer).from_config(dict(config))
    new.build(
        [
            _stand_in(variable, _code(number)[digit], is_small)
            for number, variable in enumerate(_keras.trained_by(optimizer))
        ]
    )
    return [ops.convert_to_numpy(v) for v in new.variables]


def _code(number: int) -> tuple[int, int]:
    # Of different signs, so that a copy never is the same in both builds.
    return number % _DIGITS + 1, -(number // _DIGITS + 1)


def _start(optimizer, slot, first, second) -> np.ndarray | int:
    if np.array_equal(first, second):
        # One number of many does for all.
        is_constant = first.size and (first == first.flat[0]).all()
        return first.reshape(-1)[:1] if is_constant else first
    for number, weight in enumerate(_keras.trained_by(optimizer)):
        code = _code(number)
        if (first == code[0]).all() and (second == code[1]).all():
            if tuple(slot.shape) == tuple(weight.shape):
                return number
    raise ValueError(f"its {slot.name!r} is computed from the weights")


def plain_config(optimizer) -> dict:
    """Returns the config, with a schedule of the user's replaced.

    No start depends on the learning rate, and a schedule or function of the
    user's own may not be serializable.
    """
    if isinstance(_keras.rate(optimizer), keras.Variable):
        return optimizer.get_config()
    decay = keras.optimizers.schedules.ExponentialDecay(1.0, 1, 1.0)
    with _keras.with_rate(optimizer, decay):
        return optimizer.get_config()


def _stand_in(variable, value: int, is_small: bool):
    shape = (1,) * len(variable.shape) if is_small else tuple(variable.shape)
    found = keras.Variable(
        np.full(shape, value), dtype=variable.dtype, name=variable.name
    )
    # Some optimizers choose by it what a weight gets.
    _keras.rename(found, variable.path)
    return found


def filled(start, variable) -> np.ndarray:
    """Returns the whole start of a variable of `of`."""
    if isinstance(start, keras.Variable):
        return variables.host(start)
    if start.shape == tuple(variable.shape):
        return start
    return np.full(variable.shape, start.flat[0], start.dtype)


def copies(optimizer) -> list[tuple]:
    """Returns the pairs of `of` whose start is a weight.

    None of an optimizer that cannot be rebuilt.
    """
    try:
        found = of(optimizer)
    except ValueError:
        return []
    return [pair for pair in found if isinstance(pair[1], keras.Variable)]


def nested(optimizer) -> list:
    """Returns an optimizer and those inside it."""
    inner = itertools.chain(*map(held, vars(optimizer).values()))
    return [optimizer, *itertools.chain(*map(nested, inner))]


_MOST = 64  # no list of optimizers is longer; one of data may be


def held(value) -> list:
    """Returns the optimizers in a value: itself, or those of a container."""
    if isinstance(value, keras.optimizers.Optimizer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and len(value) <= _MOST:
        return list(itertools.chain(*map(held, value)))
    return []
