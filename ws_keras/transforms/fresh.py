"""Draws a layer's weights anew from the layer's own initializers."""

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
    """Draws variables as a newly built model would draw them.

    Keras' initializer objects return the same values at each call, and a
    variable does not keep its initializer. Therefore the layer that owns the
    variable is built once more from its config. Each seed in this config is
    replaced by a seed that is derived from the address of the draw. If the
    class of the layer permits, the new layer (the twin) has no values, so that
    memory holds one drawn variable at a time. The twin of a Keras layer is
    cached for the next draw.

    Args:
        seed: Non-negative integer. Another seed yields other values, even if
            the user's initializers have seeds.
        build_fn: Function without arguments that builds the whole model, for
            models with layers that cannot be built from their config. Integer
            seeds within it are kept. Defaults to `None`.
    """

    def __init__(self, seed: int, build_fn: Callable | None = None):
        self._seed = seed
        self._build_fn = build_fn
        self._twins = {}

    def check(self, entry: variables.Entry) -> None:
        """Raises a ValueError if a variable cannot be drawn.

        Keras' own initializers are not called here: they succeeded when the
        model was built.

        Raises:
            ValueError: If the initializer of the variable is unknown.
        """
        twin, place = self._find(entry)
        if not twin.is_known(place):
            self._value(entry, twin, place)

    def __call__(
        self, entry: variables.Entry, value: np.ndarray | None = None
    ) -> np.ndarray:
        """Draws a new value for a variable, independent of its old value.

        Raises:
            ValueError: If the initializer of the variable is unknown.
        """
        return self._value(entry, *self._find(entry))

    def _find(self, entry: variables.Entry) -> tuple:
        """Returns the twin that holds a variable, and its index in the twin."""
        if self._build_fn:
            twin = self._twin(entry, None)
            reason = _mismatch(twin, entry, entry.index)
            if reason:
                raise _wrong_build(reason)
            return twin, entry.index
        reason = None
        # Some parts cannot be built from a config, such as the cell of a
        # ConvLSTM, but a layer around them can.
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
                reason = reason or error  # the innermost is most specific
        raise reason

    def _twin(self, entry: variables.Entry, layer) -> reinitialize.Twin:
        known = self._twins.get(id(layer))
        if known is not None:
            return known
        address = (self._seed, "fresh", entry.index)
        # A twin with values is cached for its own variables only.
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
        except Exception as error:  # custom classes raise many types
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
    """`build_fn` does not build the same model."""


def _build(build_fn: Callable, entry: variables.Entry) -> reinitialize.Twin:
    """Returns the twin of the model that the user's function builds."""
    try:
        model = build_fn()
    except Exception as error:
        raise _wrong_build(f"it raised {errors.described(error)}") from error
    if not isinstance(model, keras.layers.Layer):
        raise _wrong_build(f"it returned {type(model).__name__}")
    if any(variable is entry.variable for variable in model.variables):
        # Otherwise the noise would be the model's own values.
        raise _wrong_build("it returned the model itself")
    if not ownership.is_built(model):
        raise _wrong_build(f"it returned {model.name!r}, which is not built")
    return reinitialize.of_model(model)


def _wrong_build(reason: str) -> _WrongBuild:
    return _WrongBuild(
        "`build_fn` must be a function without arguments that builds the "
        "whole model anew, with the same layers in the same order. Received: "
        f"a function that does not ({reason})."
    )


def _mismatch(
    twin: reinitialize.Twin, entry: variables.Entry, place: int
) -> str:
    """Describes the mismatch between a variable and another build, if any."""
    shape, wanted = twin.shape(place), tuple(entry.variable.shape)
    if shape == wanted:
        return ""
    found = "nothing" if shape is None else f"shape {shape}"
    return (
        f"a new build has {found} in place of {entry.path!r} of shape {wanted}"
    )


def _error(entry: variables.Entry, reason: str) -> ValueError:
    return ValueError(
        f"The initializer of {entry.path!r} must be known. Received: layer "
        f"{entry.owner.name!r} ({type(entry.owner).__name__}), which cannot be "
        f"built from its config ({reason}). Pass `build_fn=`, a function "
        "that builds the whole model, choose another `noise`, or leave it "
        "out with `exclude=`."
    )
