"""Builds layers anew to draw from their own initializers."""

import copy
import dataclasses
import weakref
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from ws_keras import _keras
from ws_keras import seeds
from ws_keras.transforms import ownership
from ws_keras.transforms import variables

_CONSTANTS = (keras.initializers.Zeros, keras.initializers.Ones)


@dataclasses.dataclass(frozen=True)
class _Place:
    """A variable of a new build: its value, or the initializer to draw it."""

    shape: tuple
    dtype: str
    initializer: Callable | None
    value: Any = None

    @property
    def seed(self) -> int | None:
        """The seed of Keras' draw, if it is a single number."""
        seed = getattr(self.initializer, "seed", None)
        return seed if isinstance(seed, int) and self.is_known else None

    @property
    def is_known(self) -> bool:
        """Whether Keras draws the value, not a function of the user."""
        module = getattr(self.initializer, "__module__", "")
        return module.startswith("keras.")

    @property
    def is_constant(self) -> bool:
        """Whether the start is one number from Keras or from the config."""
        if type(self.initializer) is keras.initializers.Constant:
            return isinstance(self.initializer.value, (int, float))
        return type(self.initializer) in _CONSTANTS

    def reseeded(self, seed: int) -> "_Place":
        initializer = copy.copy(self.initializer)
        initializer.seed = seed
        return dataclasses.replace(self, initializer=initializer)


class Twin:
    """Variables of a new build, without values where possible.

    Args:
        places: A `_Place` for each variable.
        is_empty: Whether the variables were built without values.
    """

    def __init__(self, places: list[_Place], is_empty: bool):
        self._places, self.is_empty = places, is_empty

    def shape(self, index: int) -> tuple | None:
        """Returns the shape of a variable, or `None` if it is absent."""
        if index >= len(self._places):
            return None
        return self._places[index].shape

    def is_known(self, index: int) -> bool:
        """Whether Keras draws the value, not a function of the user."""
        return self.is_empty and self._places[index].is_known

    def value(self, index: int) -> np.ndarray:
        """Returns a value of a variable; a new draw if it has no value."""
        place = self._places[index]
        with keras.device("cpu:0"):
            value = place.value
            if value is None:
                value = place.initializer(place.shape, dtype=place.dtype)
            return variables.host(value)

    def is_drawn_by(self, known: dict[int, tuple]) -> bool:
        """Whether constants and the seeds in `known` determine all values."""
        return self.is_empty and all(
            place.value is None and (place.is_constant or place.seed in known)
            for place in self._places
        )

    def reseeded(self, seed_of: Callable[[int], int]) -> "Twin":
        """Returns a twin that draws with other seeds.

        Args:
            seed_of: Function that maps a seed of this twin to another seed.
        """
        places = [
            place if place.seed is None else place.reseeded(seed_of(place.seed))
            for place in self._places
        ]
        return Twin(places, self.is_empty)


def of_model(model) -> Twin:
    """Returns the twin that holds all values of a new model."""
    return _with_values(all_variables(model))


# Twins that can be redrawn with other seeds. By layer: its configs when it was
# built, the twin, and the position of each seed in the config.
_KEPT = weakref.WeakKeyDictionary()


def of_layer(layer, address: tuple) -> Twin:
    """Returns a twin of the variables that a layer itself holds.

    A Keras layer that uses only Keras' own initializers is built once. It is
    then redrawn with other seeds, which yields the same values as another
    build.
    """
    kept = _KEPT.get(layer)
    if kept is not None:
        key, twin, places = kept
        if key == _key(layer):
            return twin.reseeded(
                lambda seed: seeds.derive(*address, *places[seed])
            )
        del _KEPT[layer]
    twin = _built(layer, address, ownership.own_variables)
    if _is_of_keras(layer):
        found = list(_seed_places(layer.get_config()))
        places = {seeds.derive(*address, *place): place for place in found}
        if len(places) == len(found) and twin.is_drawn_by(places):
            _KEPT[layer] = _key(layer), twin, places
    return twin


def _is_of_keras(layer) -> bool:
    """Whether Keras alone determines a new build of a layer.

    A user's `build` may use a seed in any way, or draw without a seed.
    """
    return all(
        getattr(type(layer), name).__module__.startswith("keras.")
        for name in (
            "__init__",
            "build",
            "get_config",
            "from_config",
            "get_build_config",
            "build_from_config",
        )
    )


def _key(layer) -> str:
    """Returns a key that identifies the build of a Keras layer."""
    return repr((layer.get_config(), layer.get_build_config()))


def of_whole_layer(layer, address: tuple) -> Twin:
    """Returns a twin of all variables of a layer and its sublayers."""
    return _built(layer, address, all_variables)


def all_variables(layer) -> list:
    """Returns the variables of a layer and its sublayers."""
    variables.check_built(layer)
    return [variable for variable, _ in ownership.located(layer)]


def _built(layer, address: tuple, listed: Callable) -> Twin:
    try:
        scope = keras.StatelessScope(initialize_variables=False)
        with scope:
            found = listed(_rebuilt(layer, address))
        return Twin([_without_value(v, scope) for v in found], is_empty=True)
    except Exception:  # the class creates or reads values in `build`
        return _with_values(listed(_rebuilt(layer, address)))


def _without_value(variable, scope: keras.StatelessScope) -> _Place:
    # The scope holds the values that `build` has assigned.
    value = scope.get_current_value(variable)
    initializer = _keras.initializer(variable)
    if value is None and initializer is None:  # created elsewhere
        value = variable.value
    shape = tuple(variable.shape)
    return _Place(shape, variable.dtype, initializer, value)


def _with_values(found: list) -> Twin:
    places = [_Place(tuple(v.shape), v.dtype, None, v.value) for v in found]
    return Twin(places, is_empty=False)


def _rebuilt(layer, address: tuple):
    config = _reseeded(layer.get_config(), address)
    with keras.device("cpu:0"):
        twin = layer.__class__.from_config(config)
        if not twin.built:
            twin.build_from_config(layer.get_build_config() or {})
    return twin


def _reseeded(config: Any, address: tuple) -> Any:
    """Replaces each seed in a config by one derived from its position."""
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
    """Yields the positions of the seeds that `_reseeded` replaces."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key == "seed":
                yield (*place, str(key))
            else:
                yield from _seed_places(value, (*place, str(key)))
    elif isinstance(config, (list, tuple)):
        for index, value in enumerate(config):
            yield from _seed_places(value, (*place, index))
