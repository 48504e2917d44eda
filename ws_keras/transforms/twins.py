"""Layers built once more, to draw from the initializers they were made with."""

import contextlib
import copy
import random
import weakref
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

# Keras has no public way to draw from `keras.random` without a trace.
from keras.src.backend.common import global_state

from ws_keras import seeds
from ws_keras.transforms import variables

_GENERATOR = "global_seed_generator"
_UNINITIALIZED = "uninitialized_variables"
_CONSTANTS = (
    keras.initializers.Zeros,
    keras.initializers.Ones,
    keras.initializers.Constant,
)


class Twin:
    """Variables of a new build, without values where that is possible.

    Args:
        found: The variables.
        scope: The scope in which they were built without values. Defaults to
            `None`, for variables with values.
        initializers: What draws them. Defaults to their own initializers.
    """

    def __init__(
        self,
        found: list,
        scope: keras.StatelessScope | None = None,
        initializers: list | None = None,
    ):
        self._variables, self._scope = found, scope
        if scope is not None and initializers is None:
            initializers = [variable._initializer for variable in found]
        self._initializers = initializers

    @property
    def is_empty(self) -> bool:
        return self._scope is not None

    def shape(self, place: int) -> tuple | None:
        """Returns the shape of a variable, `None` where there is none."""
        if place >= len(self._variables):
            return None
        return tuple(self._variables[place].shape)

    def is_known(self, place: int) -> bool:
        """Whether Keras draws the value, and not a user's function."""
        return self.is_empty and _is_of_keras(self._initializers[place])

    def value(self, place: int) -> np.ndarray:
        """Returns a draw of a variable; of one without values a new one."""
        variable = self._variables[place]
        with keras.device("cpu:0"):
            if not self.is_empty:
                return variables.host(variable.value)
            value = self._assigned(variable)
            if value is None:
                draw = self._initializers[place]
                value = draw(variable.shape, dtype=variable.dtype)
            return variables.host(value)

    def is_drawn_by(self, known: dict[int, tuple]) -> bool:
        """Whether constants and seeds of `known` decide all values."""
        return self.is_empty and all(
            self._assigned(variable) is None
            and (type(draw) in _CONSTANTS or _seed_of(draw) in known)
            for variable, draw in zip(
                self._variables, self._initializers, strict=True
            )
        )

    def reseeded(self, seed_of: Callable[[int], int]) -> "Twin":
        """Returns a twin that draws by other seeds.

        Args:
            seed_of: Function of a seed of this twin, which gives the other.
        """
        drawn = [_with_seed(draw, seed_of) for draw in self._initializers]
        return Twin(self._variables, self._scope, drawn)

    def _assigned(self, variable):
        """Returns what `build` itself has put into an empty variable."""
        return self._scope.get_current_value(variable)


# Twins that can draw again by other seeds, by layer: its config and shapes
# when it was built, the twin, and the place in the config of each seed.
_KEPT = weakref.WeakKeyDictionary()


def of_layer(layer, address: tuple) -> Twin:
    """Returns a twin of the variables that a layer itself holds.

    A layer that needs no more than Keras' own initializers is built once and
    drawn again by other seeds, which gives what building it again would.
    """
    shapes = [tuple(v.shape) for v in variables.own_variables(layer)]
    config = layer.get_config()
    key = repr((config, shapes))
    known_key, twin, places = _KEPT.get(layer, (None, None, None))
    if key == known_key:
        return twin.reseeded(lambda seed: seeds.derive(*address, *places[seed]))
    twin = _built(layer, address, variables.own_variables)
    places = {seeds.derive(*address, *p): p for p in _seed_places(config)}
    if twin.is_drawn_by(places):
        _KEPT[layer] = key, twin, places
    return twin


def of_whole_layer(layer, address: tuple) -> Twin:
    """Returns a twin of all variables in a layer and the layers inside it."""
    return _built(layer, address, all_variables)


def all_variables(layer) -> list:
    """Returns the variables of a layer and of the layers inside it."""
    return [entry.variable for entry in variables.entries(layer)]


@contextlib.contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Runs a block on its own random states of Python, NumPy and Keras.

    Unseeded initializers of Keras draw their seed from Python's global
    state, and a user's may draw from Keras' own, which without a generator
    makes one with a seed from there as well: here they get addressed ones,
    and the user's states stay.
    """
    python, numpy = random.getstate(), np.random.get_state()
    kept = {
        name: global_state.get_global_attribute(name)
        for name in (_GENERATOR, _UNINITIALIZED)
    }
    random.seed(seed)
    np.random.seed(seed)
    global_state.set_global_attribute(_GENERATOR, None)
    # Variables without values that Keras is to give some later on.
    global_state.set_global_attribute(_UNINITIALIZED, [])
    try:
        yield
    finally:
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)
        random.setstate(python)
        np.random.set_state(numpy)


def _built(layer, address: tuple, listed: Callable) -> Twin:
    try:
        scope = keras.StatelessScope(initialize_variables=False)
        with scope:
            return Twin(listed(_rebuilt(layer, address)), scope)
    except Exception:  # a class that makes or reads values in `build`
        return Twin(listed(_rebuilt(layer, address)))


def _rebuilt(layer, address: tuple):
    config = _reseeded(layer.get_config(), address)
    with keras.device("cpu:0"):
        twin = layer.__class__.from_config(config)
        if not twin.built:
            twin.build_from_config(layer.get_build_config() or {})
    return twin


def _reseeded(config: Any, address: tuple) -> Any:
    """Returns a config with a seed derived from its place for each seed."""
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


def _seed_places(config: Any, place: tuple = ()) -> Iterator[tuple]:
    """Yields the places of the seeds that `_reseeded` replaces."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key == "seed":
                yield (*place, str(key))
            else:
                yield from _seed_places(value, (*place, str(key)))
    elif isinstance(config, (list, tuple)):
        for index, value in enumerate(config):
            yield from _seed_places(value, (*place, index))


def _is_of_keras(initializer) -> bool:
    return getattr(initializer, "__module__", "").startswith("keras.")


def _seed_of(initializer) -> int | None:
    seed = getattr(initializer, "seed", None)
    is_integer = isinstance(seed, int) and _is_of_keras(initializer)
    return seed if is_integer else None


def _with_seed(initializer, seed_of: Callable[[int], int]):
    seed = _seed_of(initializer)
    if seed is None:
        return initializer
    initializer = copy.copy(initializer)
    initializer.seed = seed_of(seed)
    return initializer
