"""Lists the variables of a model, with their owners and kinds."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras import callers
from ws_keras.transforms import arrays
from ws_keras.transforms import errors
from ws_keras.transforms import ownership
from ws_keras.transforms import updates

WEIGHT = "weight"  # trained by the optimizer
STATISTIC = "statistic"  # float that the layer updates during training
BUFFER = "buffer"  # other float that is not trained: a table, a projection
ADAPTED = "adapted"  # learned by `adapt`, not by training
OTHER = "other"  # integers, booleans, seeds
_SHOWN = 5  # paths in an error message


@dataclasses.dataclass(frozen=True)
class Entry:
    """One variable of a model.

    `layers` holds the enclosing layers, outermost first; the last one is the
    owner. `position` is the index among the owner's own variables, `index` the
    index in the whole model. A tied variable has several `owners`. `around`
    holds the layers that enclose any of them.
    """

    index: int
    variable: Any
    layers: tuple
    position: int
    kind: str
    frozen: bool
    owners: tuple
    around: tuple

    @property
    def owner(self):
        return self.layers[-1]

    @property
    def path(self) -> str:
        return self.variable.path

    def value(self) -> np.ndarray:
        """Returns the value (of replica 0) as a read-only array.

        The array is a view if the backend permits. It does not change when the
        variable is assigned.
        """
        return host(self.variable)


def host(variable) -> np.ndarray:
    """Returns a Keras variable or tensor as an array, as a view if possible.

    Keras' own conversion copies, which takes longer than mixing the values.
    """
    value = getattr(variable, "value", variable)
    try:
        # First read a TensorFlow variable into a tensor, which is constant.
        value = getattr(value, "read_value", lambda: value)()
        return np.asarray(memoryview(value))
    except (BufferError, TypeError, ValueError):
        # There is no buffer, several devices, or no such dtype.
        # A copy, because PyTorch would change the array with the variable.
        return np.array(ops.convert_to_numpy(variable))


def entries(model: keras.Model) -> list[Entry]:
    """Returns all variables of a built model, each once.

    A tied variable is listed under the layer that is visited first.

    Args:
        model: Built `keras.Model` or layer.

    Returns:
        List of `Entry` in the order of the layers.

    Raises:
        ValueError: If the model is not built or has no variables yet.
    """
    check_built(model)
    places = ownership.located(model)
    holding = ownership.Around(model)
    measured = _measured(model, places)
    found = []
    for index, (variable, layers) in enumerate(places):
        owners, around = holding.of(variable)
        own = ownership.own_variables(layers[-1])
        position = ownership.place(variable, own)
        kind, frozen = _kind(variable, layers[-1], measured)
        is_frozen = frozen or not model.trainable
        what = (layers, position, kind, is_frozen, owners, around)
        found.append(Entry(index, variable, *what))
    return found


def check_built(model) -> None:
    """Raises a ValueError unless the weights of a model exist."""
    if not isinstance(model, keras.layers.Layer):
        raise ValueError(
            "`model` must be a Keras model or layer. Received: "
            f"model={model!r}."
        )
    if not ownership.is_built(model):
        raise ValueError(
            "`model` must be built, so that its weights exist. Received: "
            f"{model.name!r}, which is not built. Give it an `Input`, call "
            "`model.build(input_shape)`, or call it once on a batch."
        )
    missing = [layer.name for layer in ownership.unbuilt(model)]
    if missing:
        callers.warn(
            f"Layers of {model.name!r} have no weights yet, so they cannot be "
            f"changed: {', '.join(missing[:5])}. If the model uses these "
            "layers, call it once on a batch first.",
        )


def check_plain(
    chosen: Iterable[Entry], way_out: str = "Leave it out with `exclude=`"
) -> None:
    """Raises a ValueError if a layer is quantized or has LoRA weights.

    Args:
        chosen: Variables to change.
        way_out: What to do with such a layer, for the error message.
    """
    for entry in chosen:
        for layer in entry.layers:
            lora = getattr(layer, "lora_enabled", False)
            quantized = getattr(layer, "quantization_mode", None)
            if lora or quantized:
                what = "LoRA weights" if lora else f"{quantized} weights"
                raise ValueError(
                    "Layers must have plain float weights to be changed. "
                    f"Received: layer {layer.name!r} with {what}. {way_out}, "
                    "or transform before quantizing."
                )


def check_finite(chosen: Iterable[Entry]) -> None:
    """Raises a `NotFinite` that names weights with NaN or infinity."""
    found = [e for e in chosen if not arrays.is_finite(e.value())]
    if found:
        raise errors.NotFinite(
            "The weights must be finite to be changed. Received: NaN or "
            f"infinity in {some_paths(found)}. The training has diverged: "
            "load an earlier model, or draw new weights with `cold_start`."
        )


def reason(entry: Entry, considered=(), unsuited: str = "") -> str:
    """Returns a short reason why a variable is kept.

    Args:
        entry: Variable.
        considered: Indices of the selected variables. Defaults to none.
        unsuited: Reason why selected variables are kept. Defaults to `""`.
    """
    if entry.index in considered:
        return unsuited
    if entry.frozen and entry.kind != OTHER:
        return "frozen"
    return {
        WEIGHT: "not selected",
        STATISTIC: "a statistic",
        BUFFER: "not updated in training",
        ADAPTED: "learned by adapt",
        OTHER: "not a float",
    }[entry.kind]


def constrained(variable, value: np.ndarray) -> np.ndarray:
    """Applies the constraint of a variable to a value, if there is one.

    Keras applies constraints after each training step. A loss that relies on
    one (a root, a logarithm) must not see a value that violates it.
    """
    if variable.constraint is None:
        return value
    with keras.device("cpu:0"):
        projected = variable.constraint(ops.convert_to_tensor(value))
        return host(projected).astype(value.dtype, copy=False)


def _measured(model, places: list[tuple]) -> set[int]:
    """Returns the `id` of each float that layers update during training.

    Variables of a layer that also has a flag are not included. A flag says, for
    example, whether a codebook has had its first batch. Since the flag is kept,
    the values that it describes must be kept too.
    """
    candidates = [
        (variable, layers)
        for variable, layers in places
        if keras.backend.is_float_dtype(variable.dtype)
        and ownership.place(variable, _keras.own_weights(layers[-1])) is None
        and not hasattr(layers[-1], "adapt")
    ]
    found = updates.updated(model, [variable for variable, _ in candidates])
    return {
        id(variable)
        for variable, layers in candidates
        if id(variable) in found
        and not any(
            _has_flag(layer)
            for layer in layers
            if layer is layers[-1] or not ownership.is_model(layer)
        )
    }


def _has_flag(layer) -> bool:
    """Whether a layer stores an integer, or a single float that is 1."""
    return any(
        not keras.backend.is_float_dtype(variable.dtype)
        or (len(variable.shape) == 0 and host(variable) == 1)
        for variable in _keras.own_others(layer)
    )


def _kind(variable, owner, measured: set[int]) -> tuple[str, bool]:
    """Returns the kind of a variable and whether it is frozen."""
    if not keras.backend.is_float_dtype(variable.dtype):
        return OTHER, not owner.trainable
    if ownership.place(variable, _keras.own_weights(owner)) is not None:
        return WEIGHT, not variable.trainable
    if hasattr(owner, "adapt"):
        # `adapt` learned it from data; training did not.
        return ADAPTED, not owner.trainable
    kind = STATISTIC if id(variable) in measured else BUFFER
    return kind, not owner.trainable


def some_paths(candidates: list[Entry]) -> str:
    """Returns the first paths of some variables, for an error message."""
    paths = [entry.path for entry in candidates]
    more = len(paths) - _SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return f"{paths[:_SHOWN]}{rest}"
