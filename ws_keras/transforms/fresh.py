"""A new draw of a layer's weights from the initializers it was made with."""

import contextlib
import random
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

# Keras has no public way to draw from `keras.random` without a trace.
from keras.src.backend.common import global_state

from ws_keras import seeds
from ws_keras.transforms import errors
from ws_keras.transforms import variables

_GENERATOR = "global_seed_generator"
_UNINITIALIZED = "uninitialized_variables"
_CONSTANTS = (
    keras.initializers.Zeros,
    keras.initializers.Ones,
    keras.initializers.Constant,
)


class Fresh:
    """Draws variables as a newly built model would have them.

    Keras' initializer objects return the same values at each call, and a
    variable does not keep its initializer; so the owner of a variable is
    built once more from its config, with every seed in that config replaced
    by one that is derived from the address of the draw. This twin has no
    values, if its class allows, so that memory holds one variable at a time.

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
        self._twins = {}

    def check(self, entry: variables.Entry) -> None:
        """Raises a ValueError if a variable cannot be drawn.

        What Keras itself draws is known to succeed, because it did when the
        model was built, and is not drawn.

        Raises:
            ValueError: If the variable's initializer cannot be known.
        """
        twin, place = self._find(entry)
        if not twin.is_known(place):
            self._value(entry, twin, place)

    def __call__(self, entry: variables.Entry) -> np.ndarray:
        """Returns a new value for a variable.

        Raises:
            ValueError: If the variable's initializer cannot be known.
        """
        return self._value(entry, *self._find(entry))

    def _find(self, entry: variables.Entry) -> tuple:
        """Returns the twin that holds a variable, and the place there."""
        if self._build_fn:
            twin = self._twin(entry, None)
            twin.check(entry, entry.index)
            return twin, entry.index
        reason = None
        # Some parts have no config to be built from, such as the cell of a
        # ConvLSTM; a layer around them has.
        for layer in [entry.owner, *entry.layers[-2:0:-1]]:
            place = entry.position
            if layer is not entry.owner:
                ids = list(map(id, _all_variables(layer)))
                place = ids.index(id(entry.variable))
            try:
                twin = self._twin(entry, layer)
                twin.check(entry, place)
                return twin, place
            except ValueError as error:
                reason = reason or error  # the innermost says the most
        raise reason

    def _twin(self, entry: variables.Entry, layer) -> "_Twin":
        known = self._twins.get(id(layer))
        if known is not None:
            return known
        address = (self._seed, "fresh", entry.index)
        # One with values is kept for its own variables only.
        self._twins = {k: t for k, t in self._twins.items() if t.is_empty}
        try:
            with _isolated(seeds.derive(*address)):
                if layer is None:
                    twin = _Twin(_all_variables(self._build_fn()))
                else:
                    twin = _built(layer, entry, address)
        except Exception as error:  # a user's class fails in many ways
            raise _error(entry, errors.reason(error)) from error
        self._twins[id(layer)] = twin
        return twin

    def _value(self, entry, twin: "_Twin", place: int) -> np.ndarray:
        isolated = contextlib.nullcontext()
        if not twin.is_known(place):
            isolated = _isolated(seeds.derive(self._seed, "fresh", entry.index))
        try:
            with isolated:
                value = twin.value(place)
        except Exception as error:
            raise _error(entry, errors.reason(error)) from error
        if value.shape != tuple(entry.variable.shape):
            raise _error(entry, f"a new build has shape {value.shape}")
        return value


class _Twin:
    """Variables of a new build, without values where `scope` is given."""

    def __init__(self, found: list, scope: keras.StatelessScope | None = None):
        self._variables, self._scope = found, scope

    @property
    def is_empty(self) -> bool:
        return self._scope is not None

    @property
    def is_constant(self) -> bool:
        """Whether each variable starts with one number of Keras' choice."""
        return self.is_empty and all(
            type(variable._initializer) in _CONSTANTS
            and self._scope.get_current_value(variable) is None
            for variable in self._variables
        )

    def check(self, entry: variables.Entry, place: int) -> None:
        shape = None
        if place < len(self._variables):
            shape = tuple(self._variables[place].shape)
        if shape != tuple(entry.variable.shape):
            found = "nothing" if shape is None else f"shape {shape}"
            raise _error(entry, f"a new build has {found} in its place")

    def is_known(self, place: int) -> bool:
        """Whether Keras draws the value, and not a user's function."""
        if not self.is_empty:
            return False
        initializer = self._variables[place]._initializer
        return getattr(initializer, "__module__", "").startswith("keras.")

    def value(self, place: int) -> np.ndarray:
        variable, value = self._variables[place], None
        if self.is_empty:  # what `build` itself has assigned lies there
            value = self._scope.get_current_value(variable)
        with keras.device("cpu:0"):
            # That of an empty variable is a new draw.
            return variables.host(variable.value if value is None else value)


# Twins that are the same at each draw, such as those of batch norm, by layer:
# its config and shapes when it was built, and the twin.
_CONSTANT = weakref.WeakKeyDictionary()


def _built(layer, entry: variables.Entry, address: tuple) -> _Twin:
    if layer is not entry.owner:
        return _newly_built(layer, address, _all_variables)
    shapes = [tuple(v.shape) for v in variables.own_variables(layer)]
    key = repr((layer.get_config(), shapes))
    known_key, twin = _CONSTANT.get(layer, (None, None))
    if key != known_key:
        twin = _newly_built(layer, address, variables.own_variables)
        if twin.is_constant:
            _CONSTANT[layer] = key, twin
    return twin


def _newly_built(layer, address: tuple, listed: Callable) -> _Twin:
    try:
        scope = keras.StatelessScope(initialize_variables=False)
        with scope:
            return _Twin(listed(_rebuilt(layer, address)), scope)
    except Exception:  # a class that makes or reads values in `build`
        return _Twin(listed(_rebuilt(layer, address)))


def _rebuilt(layer, address: tuple):
    config = _reseeded(layer.get_config(), address)
    with keras.device("cpu:0"):
        twin = layer.__class__.from_config(config)
        if not twin.built:
            twin.build_from_config(layer.get_build_config() or {})
    return twin


@contextlib.contextmanager
def _isolated(seed: int):
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


def _error(entry: variables.Entry, reason: str) -> ValueError:
    return ValueError(
        f"The initializer of {entry.path!r} cannot be known: its layer "
        f"{entry.owner.name!r} ({type(entry.owner).__name__}) could not be "
        f"built from its config ({reason}). Pass `build_fn=`, a function "
        "that builds the whole model, or another `noise`, or leave the layer "
        "out with `exclude=`."
    )
