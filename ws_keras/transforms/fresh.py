"""A new draw of a layer's weights from the initializers it was made with."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

# Keras has no public way to draw from `keras.random` without a trace.
from keras.src.backend.common import global_state

from ws_keras import seeds
from ws_keras.transforms import errors
from ws_keras.transforms import variables

_GENERATOR = "global_seed_generator"


class Fresh:
    """Draws variables as a newly built model would have them.

    Keras' initializer objects return the same values at each call, and a
    variable does not keep its initializer; so the owner of a variable is
    built once more from its config, with every seed in that config replaced
    by one that is derived from the address of the draw. One such layer exists
    at a time.

    Args:
        seed: Non-negative integer; another seed gives other values, also
            where the user's initializers have seeds.
        build_fn: Function without arguments that builds the whole model, for
            models with layers that cannot be built from their config. Its
            own integer seeds are kept. Defaults to `None`.
    """

    def __init__(self, seed: int, build_fn: Callable | None = None):
        self._seed = seed
        self._build_fn = build_fn
        self._source = None
        self._values = []

    def __call__(self, entry: variables.Entry) -> np.ndarray:
        """Returns a new value for a variable.

        Raises:
            ValueError: If the variable's initializer cannot be known.
        """
        if self._build_fn:
            return self._value(entry, self._build_fn, entry.index)
        reason = None
        # Some parts have no config to be built from, such as the cell of a
        # ConvLSTM; a layer around them has.
        for layer in [entry.owner, *entry.layers[-2:0:-1]]:
            place = entry.position
            if layer is not entry.owner:
                ids = list(map(id, _all_variables(layer)))
                place = ids.index(id(entry.variable))
            try:
                return self._value(entry, layer, place)
            except ValueError as error:
                reason = reason or error  # the innermost says the most
        raise reason

    def _value(self, entry, source, place: int) -> np.ndarray:
        if self._source is not source:
            self._source = None
            self._values = self._draw(entry, source)
            self._source = source
        values = self._values
        value = _host(values[place]) if place < len(values) else None
        if value is None or value.shape != tuple(entry.variable.shape):
            self._source = None
            found = "nothing" if value is None else f"shape {value.shape}"
            raise _error(entry, f"a new build has {found} in its place")
        return value

    def _draw(self, entry: variables.Entry, source) -> list:
        address = (self._seed, "fresh", entry.index)
        try:
            with isolated(seeds.derive(*address)):
                if source is self._build_fn:
                    return _all_variables(source())
                twin = _twin(source, address)
                if source is entry.owner:
                    return variables.own_variables(twin)
                return _all_variables(twin)
        except Exception as error:  # a user's class fails in many ways
            raise _error(entry, errors.reason(error)) from error


def _twin(layer, address: tuple):
    config = _reseeded(layer.get_config(), address)
    with keras.device("cpu:0"):
        twin = layer.__class__.from_config(config)
        if not twin.built:
            twin.build_from_config(layer.get_build_config() or {})
    return twin


@contextlib.contextmanager
def isolated(seed: int):
    """Runs a block on its own random states of Python, NumPy and Keras.

    Unseeded initializers of Keras draw their seed from Python's global
    state, and a user's may draw from Keras' own: here they get addressed
    ones, and the user's states stay.
    """
    python, numpy = random.getstate(), np.random.get_state()
    generator = global_state.get_global_attribute(_GENERATOR)
    random.seed(seed)
    np.random.seed(seed)
    own = keras.random.SeedGenerator(seed, name="ws_keras")
    global_state.set_global_attribute(_GENERATOR, own)
    try:
        yield
    finally:
        global_state.set_global_attribute(_GENERATOR, generator)
        random.setstate(python)
        np.random.set_state(numpy)


def _reseeded(config: Any, address: tuple) -> Any:
    if isinstance(config, dict):
        return {
            key: seeds.derive(*address, str(key))
            if key == "seed"
            else _reseeded(value, (*address, str(key)))
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        items = enumerate(config)
        return type(config)(_reseeded(v, (*address, i)) for i, v in items)
    return config


def _all_variables(layer) -> list:
    return [entry.variable for entry in variables.entries(layer)]


def _host(variable) -> np.ndarray:
    return ops.convert_to_numpy(variable)


def _error(entry: variables.Entry, reason: str) -> ValueError:
    return ValueError(
        f"The initializer of {entry.path!r} cannot be known: its layer "
        f"{entry.owner.name!r} ({type(entry.owner).__name__}) could not be "
        f"built from its config ({reason}). Pass `build_fn=`, a function "
        "that builds the whole model, or another `noise`, or leave the layer "
        "out with `exclude=`."
    )
