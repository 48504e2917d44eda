"""A new draw of a layer's weights from the initializers it was made with."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from ws_keras import seeds
from ws_keras.transforms import variables


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
        self._owner = None
        self._values = []

    def __call__(self, entry: variables.Entry) -> np.ndarray:
        """Returns a new value for a variable.

        Raises:
            ValueError: If the variable's initializer cannot be known.
        """
        owner = "model" if self._build_fn else entry.owner
        if self._owner is not owner:
            self._owner = owner
            self._values = self._draw(entry)
        place = entry.index if self._build_fn else entry.position
        values = self._values
        value = _host(values[place]) if place < len(values) else None
        if value is None or value.shape != tuple(entry.variable.shape):
            self._owner = None
            found = "nothing" if value is None else f"shape {value.shape}"
            raise _error(entry, f"a new build has {found} in its place")
        return value

    def _draw(self, entry: variables.Entry) -> list:
        address = (self._seed, "fresh", entry.index)
        try:
            with isolated(seeds.derive(*address)):
                if self._build_fn:
                    built = variables.entries(self._build_fn())
                    return [e.variable for e in built]
                return variables.own_variables(_twin(entry.owner, address))
        except Exception as error:
            self._owner = None
            reason = str(error).strip().split("\n")[0]
            raise _error(entry, reason or type(error).__name__) from error


def _twin(layer, address: tuple):
    config = _reseeded(layer.get_config(), address)
    with keras.device("cpu:0"):
        twin = layer.__class__.from_config(config)
        if not twin.built:
            twin.build_from_config(layer.get_build_config() or {})
    return twin


@contextlib.contextmanager
def isolated(seed: int):
    """Runs a block on its own Python and NumPy global random states.

    Unseeded initializers of Keras draw their seed from Python's global
    state: here they get an addressed one, and the user's state stays.
    """
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
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
