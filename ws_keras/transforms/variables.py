"""The variables of a model: each once, with the layer that owns it."""

import dataclasses
import re
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import arrays
from ws_keras.transforms import errors
from ws_keras.transforms import ownership
from ws_keras.transforms import updates

WEIGHT = "weight"  # for the optimizer to train
STATISTIC = "statistic"  # a float that the layer itself updates in training
BUFFER = "buffer"  # another float that is not trained: a table, a projection
ADAPTED = "adapted"  # learned by `adapt`, not by training
OTHER = "other"  # integers, booleans, seeds


@dataclasses.dataclass(frozen=True)
class Entry:
    """One variable of a model.

    `layers` holds the layers around the variable, outermost first; the last
    one owns it. `position` is its place among the owner's own variables,
    `index` its place in the whole model. A tied variable has several
    `owners`, and `around` holds the layers around any of them.
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
        """Returns the value as an array (of replica 0), not to be written to.

        Where the backend can, without a copy; it stays as it is when the
        variable is assigned another one.
        """
        return host(self.variable)


def host(variable) -> np.ndarray:
    """Returns a Keras variable or a tensor as an array, by preference a view.

    Keras' own way copies, which takes longer than mixing the values.
    """
    value = getattr(variable, "value", variable)
    try:
        # A TensorFlow variable is read first, into a tensor that stays.
        value = getattr(value, "read_value", lambda: value)()
        return np.asarray(memoryview(value))
    except (BufferError, TypeError, ValueError):
        # No buffer, one on each of several devices, or a dtype without one.
        # A copy: PyTorch would change the array with the variable.
        return np.array(ops.convert_to_numpy(variable))


def entries(model: keras.Model) -> list[Entry]:
    """Returns all variables of a built model, each once.

    A tied variable belongs first of all to the layer that is reached first.

    Args:
        model: Built `keras.Model` or layer.

    Returns:
        List of `Entry` in the order of the layers.

    Raises:
        ValueError: If the model is not built, or has no variables yet.
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
        what = (layers, position, kind, frozen, owners, around)
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
        warnings.warn(
            f"Layers of {model.name!r} have no weights yet and will keep those "
            f"that they are built with: {', '.join(missing[:5])}. If the model "
            "uses them, call it once on a batch before you change it.",
            stacklevel=2,
        )


def predicate(pattern) -> Callable[[Entry], bool]:
    """Returns a function that says whether a pattern means a variable.

    Args:
        pattern: A regular expression that is searched in the variable's
            path, a layer or model (all that lies in it), a layer class, or a
            function of `(layer, variable)`, which is asked for each of the
            layers that share a tied variable.

    Returns:
        A function of an `Entry`.
    """
    if isinstance(pattern, str):
        return lambda entry: re.search(pattern, entry.path) is not None
    if isinstance(pattern, keras.layers.Layer):
        # By its variables: a layer may lie in several models.
        ids = {id(variable) for variable in pattern.variables}
        return lambda entry: id(entry.variable) in ids
    if isinstance(pattern, type):
        return lambda entry: any(isinstance(la, pattern) for la in entry.around)
    return lambda entry: any(
        pattern(owner, entry.variable) for owner in entry.owners
    )


def selector(
    name: str, patterns, candidates: Iterable[Entry]
) -> Callable[[Entry], bool]:
    """Returns a function that says whether any of the patterns matches.

    Args:
        name: Argument that holds the patterns, for the error.
        patterns: One pattern or a list of patterns; see `predicate`.
        candidates: Variables of which each pattern must match at least one.

    Returns:
        A function of an `Entry`.

    Raises:
        ValueError: If a pattern matches nothing or is none.
    """
    patterns = listed(patterns)
    candidates, predicates = list(candidates), []
    for pattern in patterns:
        check_pattern(name, pattern)
        predicates.append(predicate(pattern))
        if not any(map(predicates[-1], candidates)):
            raise ValueError(
                f"Each pattern of `{name}` must match a variable. Received: "
                f"{pattern!r}, which matches none of "
                f"{_some_paths(candidates)}."
            )
    return lambda entry: any(matches(entry) for matches in predicates)


def selected(
    found: list[Entry], kind: str, include, exclude, frozen: bool
) -> list[Entry]:
    """Returns the variables of a kind that are meant.

    Args:
        found: All variables of the model.
        kind: Kind of variable, such as `WEIGHT`.
        include: Pattern or patterns of those that are meant, `None` for all.
        exclude: Pattern or patterns of those that are not, or `None`.
        frozen: Whether variables of frozen layers may be meant.

    Returns:
        List of `Entry`.

    Raises:
        ValueError: If a pattern matches nothing or is none.
    """
    candidates = [
        e for e in found if e.kind == kind and (frozen or not e.frozen)
    ]
    if include is not None:
        among = selector("include", include, found)
        candidates = [entry for entry in candidates if among(entry)]
    if exclude is not None:
        among = selector("exclude", exclude, found)
        candidates = [entry for entry in candidates if not among(entry)]
    return candidates


def check_any(chosen: list) -> None:
    """Raises a ValueError if the whole selection is empty."""
    if not chosen:
        raise ValueError(
            "There must be at least one weight to change. Received: a "
            "selection that leaves none. Unfreeze a layer, pass "
            "`frozen=True`, or widen `include` and `exclude`."
        )


def check_pattern(name: str, pattern) -> None:
    """Raises a ValueError for what is no pattern; see `predicate`."""
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"`{name}` must hold regular expressions. Received: "
                f"{pattern!r} ({error})."
            ) from None
    elif not callable(pattern):  # layers and classes are callable
        raise ValueError(
            "A pattern must be a regular expression for variable paths, a "
            "layer, a layer class or a function of (layer, variable). "
            f"Received: {name}={pattern!r}."
        )


def check_plain(chosen: Iterable[Entry]) -> None:
    """Raises a ValueError that names a quantized layer, or one with LoRA."""
    for entry in chosen:
        for layer in entry.layers:
            lora = getattr(layer, "lora_enabled", False)
            quantized = getattr(layer, "quantization_mode", None)
            if lora or quantized:
                what = "LoRA weights" if lora else f"{quantized} weights"
                raise ValueError(
                    "Layers must have plain float weights to be changed. "
                    f"Received: layer {layer.name!r} with {what}. Leave it "
                    "out with `exclude=`, or transform before quantizing."
                )


def check_finite(chosen: Iterable[Entry]) -> None:
    """Raises a `NotFinite` that names the weights that are nan or infinite."""
    found = [e for e in chosen if not arrays.is_finite(e.value())]
    if found:
        raise errors.NotFinite(
            "The weights must be finite to be kept in part. Received: nan or "
            f"infinity in {_some_paths(found)}. The training has diverged: "
            "load an earlier model, or make a new one with `cold_start`."
        )


def reason(entry: Entry, considered=(), unsuited: str = "") -> str:
    """Returns why a variable stays, in a few words.

    Args:
        entry: The variable.
        considered: Indices of those that were selected. Defaults to none.
        unsuited: Why one of these stays. Defaults to `""`.
    """
    if entry.index in considered:
        return unsuited
    if entry.frozen:
        return "frozen"
    return {
        WEIGHT: "not selected",
        STATISTIC: "a statistic",
        BUFFER: "not updated in training",
        ADAPTED: "learned by adapt",
        OTHER: "not a float",
    }[entry.kind]


def constrained(variable, value: np.ndarray) -> np.ndarray:
    """Returns a value as the constraint of its variable wants it, if any.

    Keras applies constraints after each step of training; a loss that relies
    on one (a root, a logarithm) must not see a value that breaks it before.
    """
    if variable.constraint is None:
        return value
    with keras.device("cpu:0"):
        projected = variable.constraint(ops.convert_to_tensor(value))
        return host(projected).astype(value.dtype, copy=False)


def listed(patterns) -> list:
    """Returns one pattern, several or none (`None`) as a list."""
    if patterns is None:
        return []
    if isinstance(patterns, (list, tuple, set)):
        return list(patterns)
    return [patterns]


def _measured(model, places: list[tuple]) -> set[int]:
    """Returns the `id` of each float that the layers update in training.

    Without those of a layer that also has a flag, such as one that says
    whether a codebook has had its first batch: the flag stays, and what it
    speaks of has to stay with it.
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
    """Whether a layer keeps a whole number, or a single float that is 1."""
    return any(
        not keras.backend.is_float_dtype(variable.dtype)
        or (len(variable.shape) == 0 and host(variable) == 1)
        for variable in _keras.own_others(layer)
    )


def _kind(variable, owner, measured: set[int]) -> tuple[str, bool]:
    """Returns the kind of a variable and whether it is frozen."""
    if not keras.backend.is_float_dtype(variable.dtype):
        return OTHER, False
    if ownership.place(variable, _keras.own_weights(owner)) is not None:
        return WEIGHT, not variable.trainable
    if hasattr(owner, "adapt"):
        # What `adapt` learned from data is no result of training.
        return ADAPTED, not owner.trainable
    kind = STATISTIC if id(variable) in measured else BUFFER
    return kind, not owner.trainable


def _some_paths(candidates: list[Entry], shown: int = 5) -> str:
    paths = [entry.path for entry in candidates]
    rest = f" and {len(paths) - shown} more" if len(paths) > shown else ""
    return f"{paths[:shown]}{rest}"
