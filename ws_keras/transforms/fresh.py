"""A new draw of a layer's weights from the initializers it was made with."""

import contextlib
from collections.abc import Callable

import keras
import numpy as np

from ws_keras import seeds
from ws_keras.transforms import errors
from ws_keras.transforms import isolation
from ws_keras.transforms import ownership
from ws_keras.transforms import reinitialize
from ws_keras.transforms import variables


class Fresh:
    """Draws variables as a newly built model would have them.

    Keras' initializer objects return the same values at each call, and a
    variable does not keep its initializer; so the owner of a variable is
    built once more from its config, with every seed in that config replaced
    by one that is derived from the address of the draw. This twin has no
    values, if its class allows, so that memory holds one variable at a time.
    That of one of Keras' own layers is kept for the next draw.

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

    def __call__(
        self, entry: variables.Entry, value: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns a new value for a variable, whatever its value is now.

        Raises:
            ValueError: If the variable's initializer cannot be known.
        """
        return self._value(entry, *self._find(entry))

    def _find(self, entry: variables.Entry) -> tuple:
        """Returns the twin that holds a variable, and the place there."""
        if self._build_fn:
            twin = self._twin(entry, None)
            reason = _mismatch(twin, entry, entry.index)
            if reason:
                raise _wrong_build(reason)
            return twin, entry.index
        reason = None
        # Some parts have no config to be built from, such as the cell of a
        # ConvLSTM; a layer around them has.
        for layer in [entry.owner, *entry.layers[-2:0:-1]]:
            place = entry.position
            if layer is not entry.owner:
                ids = list(map(id, reinitialize.all_variables(layer)))
                place = ids.index(id(entry.variable))
            try:
                twin = self._twin(entry, layer)
                found = _mismatch(twin, entry, place)
                if found:
                    raise _error(entry, found)
                return twin, place
            except ValueError as error:
                reason = reason or error  # the innermost says the most
        raise reason

    def _twin(self, entry: variables.Entry, layer) -> reinitialize.Twin:
        known = self._twins.get(id(layer))
        if known is not None:
            return known
        address = (self._seed, "fresh", entry.index)
        # One with values is kept for its own variables only.
        self._twins = {k: t for k, t in self._twins.items() if t.is_empty}
        try:
            with isolation.isolated(seeds.derive(*address)):
                if layer is None:
                    twin = _build(self._build_fn, entry)
                elif layer is entry.owner:
                    twin = reinitialize.of_layer(layer, address)
                else:
                    twin = reinitialize.of_whole_layer(layer, address)
        except _WrongBuild:
            raise
        except Exception as error:  # a user's class fails in many ways
            raise _error(entry, errors.reason(error)) from error
        self._twins[id(layer)] = twin
        return twin

    def _value(
        self, entry: variables.Entry, twin: reinitialize.Twin, place: int
    ) -> np.ndarray:
        isolated = contextlib.nullcontext()
        if not twin.is_known(place):
            address = (self._seed, "fresh", entry.index)
            isolated = isolation.isolated(seeds.derive(*address))
        try:
            with isolated:
                value = twin.value(place)
        except Exception as error:
            raise _error(entry, errors.reason(error)) from error
        if value.shape != tuple(entry.variable.shape):
            raise _error(entry, f"a new build has shape {value.shape}")
        return value


class _WrongBuild(ValueError):
    """`build_fn` does not build such a model."""


def _build(build_fn: Callable, entry: variables.Entry) -> reinitialize.Twin:
    """Returns the twin of what a user's function builds."""
    try:
        model = build_fn()
    except Exception as error:
        raise _wrong_build(f"it raised {errors.described(error)}") from error
    if not isinstance(model, keras.layers.Layer):
        raise _wrong_build(f"it returned {type(model).__name__}")
    if any(variable is entry.variable for variable in model.variables):
        # Its values would be the noise.
        raise _wrong_build("it returned the model itself")
    if not ownership.is_built(model):
        raise _wrong_build(f"it returned {model.name!r}, which is not built")
    return reinitialize.of_model(model)


def _wrong_build(reason: str) -> _WrongBuild:
    return _WrongBuild(
        "`build_fn` must be a function without arguments that builds the "
        "whole model anew, with the same layers in the same order. Received: "
        f"one that does not ({reason})."
    )


def _mismatch(
    twin: reinitialize.Twin, entry: variables.Entry, place: int
) -> str:
    """Returns what another build has in the place of a variable, if wrong."""
    shape, wanted = twin.shape(place), tuple(entry.variable.shape)
    if shape == wanted:
        return ""
    found = "nothing" if shape is None else f"shape {shape}"
    return (
        f"a new build has {found} in the place of {entry.path!r} of shape "
        f"{wanted}"
    )


def _error(entry: variables.Entry, reason: str) -> ValueError:
    return ValueError(
        f"The initializer of {entry.path!r} cannot be known: its layer "
        f"{entry.owner.name!r} ({type(entry.owner).__name__}) could not be "
        f"built from its config ({reason}). Pass `build_fn=`, a function "
        "that builds the whole model, or another `noise`, or leave the layer "
        "out with `exclude=`."
    )
