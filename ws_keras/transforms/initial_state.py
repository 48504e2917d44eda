"""Finds the initial values of an optimizer's variables."""

import itertools
import weakref

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import errors
from ws_keras.transforms import variables

_DIGITS = 128  # half precision represents these integers exactly


def of(optimizer) -> list[tuple]:
    """Returns the initial value of each variable of an optimizer.

    Variables of nested optimizers are not included.

    Args:
        optimizer: Built Keras optimizer.

    Returns:
        List of pairs of a variable and its start. A start is usually one
        number, in an array of the variable's rank. It is a weight if the
        variable starts as a copy of this weight.

    Raises:
        ValueError: If the optimizer cannot be rebuilt from its config.
    """
    if isinstance(optimizer, _wrappers()):
        # Its config contains other optimizers and functions of the user.
        scale = getattr(optimizer, "dynamic_scale", None)
        return [
            (v, np.array([optimizer.initial_scale if v is scale else 0]))
            for v in _keras.own_state(optimizer)
        ]
    trained = _keras.trained_by(optimizer)
    return [
        (v, trained[start] if isinstance(start, int) else start)
        for v, start in zip(state(optimizer), _starts(optimizer), strict=True)
    ]


def state(optimizer) -> list:
    """Returns the variables of an optimizer, its attributes first.

    `LossScaleOptimizer` builds the optimizer inside it in such a way that
    Keras does not list what `Nadam` and `Adafactor` assign to attributes.
    """
    held = []
    for _, value in sorted(vars(optimizer).items()):
        items = value if isinstance(value, (list, tuple)) else [value]
        held += [item for item in items if isinstance(item, keras.Variable)]
    weights = {id(weight) for weight in _keras.trained_by(optimizer)}
    found = {id(v): v for v in [*held, *optimizer.variables]}
    return [v for key, v in found.items() if key not in weights]


def _wrappers() -> tuple:
    names = ("LossScaleOptimizer", "MultiOptimizer")
    # The second class exists from Keras 3.14 on.
    found = (getattr(keras.optimizers, name, None) for name in names)
    return tuple(kind for kind in found if kind is not None)


def _starts(optimizer) -> list:
    """Returns the start of each variable, or the index of a copied weight.

    A new optimizer is built on stand-ins with one element each. This suffices
    because slots start as a constant or as a copy, and it avoids a copy of the
    model's size. The result is cached, because the build would take longer than
    everything else at the start of a round.
    """
    reason = "a new optimizer has other variables"
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
    except Exception as error:  # custom classes raise many types
        reason = errors.reason(error)
    raise ValueError(
        "It must be possible to rebuild the optimizer from its config, to "
        f"find its initial state. Received: {type(optimizer).__name__} "
        f"({reason}). Use `optimizer='keep'`, or compile the model again "
        "to reset the state."
    )


# For each optimizer: its config and number of variables, and their starts.
_KNOWN = weakref.WeakKeyDictionary()


def _built(optimizer, config: dict) -> list | None:
    for is_small in (True, False):
        first, second = (
            _build(optimizer, config, digit, is_small) for digit in (0, 1)
        )
        found = state(optimizer)
        if len(first) == len(found):
            slots = zip(found, first, second, strict=True)
            return [_start(optimizer, *slot) for slot in slots]
    return None


def _build(optimizer, config: dict, digit: int, is_small: bool) -> list:
    """Returns the starts of an optimizer that is built on other weights.

    The weights are numbered. The two digits of the number of a weight are its
    values in two builds. They identify the weight that a slot copies.
    """
    new = type(optimizer).from_config(dict(config))
    new.build(
        [
            _stand_in(variable, _code(number)[digit], is_small)
            for number, variable in enumerate(_keras.trained_by(optimizer))
        ]
    )
    return [ops.convert_to_numpy(v) for v in state(new)]


def _code(number: int) -> tuple[int, int]:
    # The signs differ, so that a copy differs between the builds.
    return number % _DIGITS + 1, -(number // _DIGITS + 1)


def _start(optimizer, slot, first, second) -> np.ndarray | int:
    if np.array_equal(first, second):
        # All elements are equal; one represents them.
        is_constant = first.size and (first == first.flat[0]).all()
        return first.reshape(-1)[:1] if is_constant else first
    for number, weight in enumerate(_keras.trained_by(optimizer)):
        code = _code(number)
        if (first == code[0]).all() and (second == code[1]).all():
            if tuple(slot.shape) == tuple(weight.shape):
                return number
    raise ValueError(f"its {slot.name!r} is computed from the weights")


def plain_config(optimizer) -> dict:
    """Returns the config of an optimizer without the user's schedule.

    No start depends on the learning rate, and a custom schedule or function may
    not be serializable.
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
    # Some optimizers treat a weight according to its name.
    _keras.rename(found, variable.path)
    return found


def filled(start, variable) -> np.ndarray:
    """Returns the start of a variable from `of` as a full array."""
    if isinstance(start, keras.Variable):
        return variables.host(start)
    if start.shape == tuple(variable.shape):
        return start
    return np.full(variable.shape, start.flat[0], start.dtype)


def copies(optimizer) -> list[tuple]:
    """Returns the pairs of `of` whose start is a weight.

    The list is empty if the optimizer cannot be rebuilt.
    """
    try:
        found = of(optimizer)
    except ValueError:
        return []
    return [pair for pair in found if isinstance(pair[1], keras.Variable)]


def nested(optimizer) -> list:
    """Returns an optimizer and the optimizers nested in it."""
    inner = itertools.chain(*map(held, vars(optimizer).values()))
    return [optimizer, *itertools.chain(*map(nested, inner))]


_MOST = 64  # longer containers hold data, not optimizers


def held(value) -> list:
    """Returns the optimizers in a value or a container."""
    if isinstance(value, keras.optimizers.Optimizer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and len(value) <= _MOST:
        return list(itertools.chain(*map(held, value)))
    return []
