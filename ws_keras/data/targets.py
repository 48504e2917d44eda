"""Checks whether targets match the losses of a model, before training.

Each error says what was found, and suggests code that converts the targets.
"""

from collections.abc import Callable
from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np

from ws_keras import _keras
from ws_keras.data import labels

# Kind of loss: names of losses, both of functions and of classes.
_KINDS = {
    "sparse": ("sparse_categorical_crossentropy", "confidence_penalty"),
    "categorical": (
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "categorical_hinge",
    ),
    "binary": ("binary_crossentropy", "binary_focal_crossentropy"),
    "regression": (
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "huber",
        "log_cosh",
        "poisson",
    ),
}


class Output(NamedTuple):
    """An output of a model.

    `units` is the size of its last axis, or `None` if unknown. The `kind` of
    its loss is `"sparse"`, `"categorical"`, `"binary"`, `"regression"`, or
    `None` for any other loss. `ignored` is the label of samples that a sparse
    loss ignores.
    """

    name: str
    shape: tuple[int | None, ...] | None
    kind: str | None
    ignored: int | None = None

    @property
    def units(self) -> int | None:
        return self.shape[-1] if self.shape else None


def fitted(model: keras.Model, y, what: str = "y"):
    """Converts targets to the form that the losses of a model accept.

    Only unambiguous conversions are done: classes that are given as floats
    without a fraction or as booleans become integers. Targets of custom losses
    are not checked.

    Example:

    ```python
    from ws_keras.data import targets

    y = targets.fitted(model, y)
    ```

    Args:
        model: Compiled model.
        y: Array of all targets, or one array per output, in a list or in a
            dictionary by the names of the outputs.
        what: Name of the targets in error messages. Defaults to `"y"`.

    Returns:
        The same structure of arrays.

    Raises:
        ValueError: If the model's losses do not accept the targets.
    """
    found = outputs(model)
    parts = _parts(y, found, what)
    if len(found) < 2:
        return _one(model, parts[0], found[0], what)
    named = [
        _one(model, part, output, f"{what} of the output {output.name!r}")
        for part, output in zip(parts, found, strict=True)
    ]
    if isinstance(y, dict):
        # Targets without an output have no loss.
        return {o.name: part for o, part in zip(found, named, strict=True)}
    return type(y)(named)


def outputs(model: keras.Model) -> list[Output]:
    """Returns the outputs of a compiled model, in Keras' order."""
    loss = getattr(model, "loss", None)
    names, shapes = output_names(model), _shapes(model)
    if not shapes:  # for example a subclassed model: one loss for each output
        names = sorted(loss) if isinstance(loss, dict) else ["output"]
        count = len(loss) if isinstance(loss, list | tuple) else len(names)
        shapes = [None] * count
    if len(names) != len(shapes):
        names = [f"output_{i}" for i in range(len(shapes))]
    losses = [loss] * len(names)
    if isinstance(loss, dict):
        losses = [loss.get(name) for name in names]
    elif isinstance(loss, list | tuple):
        losses = [*loss, *[None] * len(names)][: len(names)]
    return [
        Output(name, shape, kind_of(loss), _ignored(loss))
        for name, shape, loss in zip(names, shapes, losses, strict=True)
    ]


def output_names(model) -> list[str]:
    """Returns the names by which losses, targets and metrics mean the outputs.

    They are the keys of a dictionary of outputs, and otherwise the names of the
    layers. The list is empty if they are unknown.
    """
    found = _output(model)
    is_flat = isinstance(found, Mapping) and not any(
        keras.tree.is_nested(tensor) for tensor in found.values()
    )
    if is_flat:
        # In the order of `flatten`, which sorts the keys of a plain `dict`.
        return keras.tree.flatten(type(found)((key, key) for key in found))
    return list(getattr(model, "output_names", None) or [])


def _ignored(loss) -> int | None:
    return _keras.options(loss).get("ignore_class")


def kind_of(loss) -> str | None:
    """Returns the kind of a loss; see `Output`."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return None
    function = getattr(loss, "fn", loss)
    names = [getattr(function, "__name__", "")]
    names += [parent.__name__ for parent in type(loss).__mro__]
    plain = {name.replace("_", "").lower() for name in names}
    for kind, known in _KINDS.items():
        if plain & {name.replace("_", "") for name in known}:
            return kind
    return None


def _output(model):
    """Returns the tensors of the outputs, or `None` if they are unknown."""
    try:
        return model.output
    except (AttributeError, ValueError):
        # `Sequential` has these, and a subclassed model has neither.
        return getattr(model, "outputs", None)


def _shapes(model) -> list:
    found = _output(model)
    if found is None:
        return []
    return [tensor.shape for tensor in keras.tree.flatten(found)]


def _parts(y, found: list[Output], what: str) -> list:
    names = [output.name for output in found]
    count = len(names)
    if isinstance(y, dict):
        if set(names) <= y.keys():
            return [y[name] for name in names]
        received = f"{what} with the names {sorted(map(str, y))}"
    elif isinstance(y, list | tuple):
        if len(y) == count:
            return list(y)
        received = f"{len(y)} arrays in {what}"
    else:
        if count == 1:
            return [y]
        received = f"one array in {what}"
    raise labels.wrong(
        f"one array for each of {count} outputs, {', '.join(map(repr, names))}"
        if count > 1
        else f"one array, because the model has 1 output, {names[0]!r}",
        received,
        f"Give {{{', '.join(f'{name!r}: ...' for name in names)}}}."
        if count > 1
        else "Give its array alone.",
    )


def _one(model, y, output: Output, what: str) -> np.ndarray:
    y = np.asarray(y)
    if output.kind is None:
        return y
    y = labels.numbers(y, what)
    fit: Callable = {
        "sparse": _sparse,
        "categorical": _categorical,
        "binary": _binary,
        "regression": _regression,
    }[output.kind]
    y = fit(y, output, what)
    if output.kind == "regression":
        _check_accuracy(model, y, what)
    return y


def _sparse(y: np.ndarray, output: Output, what: str) -> np.ndarray:
    units = output.units
    # Keras infers a wrong rank for some layers, such as those of text.
    if output.shape is not None and not _is_plain(y):
        free = len(output.shape) - 1
        is_one = y.ndim == free + 1 and y.shape[-1] == 1
        if y.ndim != free and not is_one:
            raise labels.wrong(
                "one integer label for each sample, as the loss "
                "`sparse_categorical_crossentropy` requires",
                f"{what} of shape {y.shape}",
                labels.one_hot_way(y),
            )
    y = labels.whole(y, what)
    labels.check_range(y[y != output.ignored], units, what)
    return y


def _is_plain(y: np.ndarray) -> bool:
    """Whether there is one target for each sample."""
    return y.ndim == 1 or y.shape[1:] == (1,)


def _categorical(y: np.ndarray, output: Output, what: str) -> np.ndarray:
    units = output.units
    rank = len(output.shape) if output.shape is not None else y.ndim
    if y.ndim < rank or y.ndim < 2 or (y.shape[-1] == 1 and units != 1):
        number = units or "num_classes"
        raise labels.wrong(
            "one-hot rows, as the loss `categorical_crossentropy` requires",
            f"{what} of shape {y.shape}",
            "Compile with the loss 'sparse_categorical_crossentropy', or map "
            f"them: `y = keras.utils.to_categorical(y, {number})`.",
        )
    _check_shape(y, output, what)
    sums = y.astype(float).sum(-1)
    if not np.allclose(sums, 1, atol=1e-3):
        raise labels.wrong(
            "one-hot rows, each of which sums to 1",
            f"rows in {what} that sum to {sums.min():g} to {sums.max():g}",
            "For several labels per sample, give the model sigmoid outputs "
            "and the loss 'binary_crossentropy'.",
        )
    return y.astype("float32") if y.dtype.kind == "b" else y


def _binary(y: np.ndarray, output: Output, what: str) -> np.ndarray:
    units = output.units
    is_flat = output.shape is not None and y.ndim < len(output.shape)
    if is_flat and units not in (None, 1):
        raise labels.wrong(
            f"{units} zeros and ones for each sample, one for each output",
            f"{what} of shape {y.shape}",
            "If each sample belongs to one class, compile with the loss "
            "'sparse_categorical_crossentropy' and a softmax; otherwise use "
            "rows "
            "of zeros and ones.",
        )
    if not is_flat:
        _check_shape(y, output, what)
    low, high = float(y.min()), float(y.max())
    if low < 0 or high > 1:
        raise labels.wrong(
            "numbers in [0, 1], as the loss `binary_crossentropy` requires",
            labels.span(y, what),
            _binary_way(y),
        )
    return y.astype("int32") if y.dtype.kind == "b" else y


def _binary_way(y: np.ndarray) -> str:
    some = np.unique(y)
    if len(some) == 2:
        return f"Map them: `y = (y == {some[1]:g}).astype('int32')`."
    return (
        f"There are {len(some):,} different numbers. For classes, give the "
        f"last layer {len(some):,} units and the loss "
        "'sparse_categorical_crossentropy'; to predict a number, the loss "
        "'mse'."
    )


def _regression(y: np.ndarray, output: Output, what: str) -> np.ndarray:
    shape = output.shape
    if shape is not None:
        if y.ndim == len(shape) - 1 and shape[-1] not in (None, 1):
            raise labels.wrong(
                f"{shape[-1]} numbers for each sample, one for each output",
                f"{what} of shape {y.shape}",
                "Give the model one output, or, for classes, the loss "
                "'sparse_categorical_crossentropy'.",
            )
        is_one = _is_plain(y) and shape[-1] in (None, 1)
        if y.ndim != len(shape) - 1 and not is_one:
            _check_shape(y, output, what)
    return y.astype("float32") if y.dtype.kind == "b" else y


def _check_shape(y: np.ndarray, output: Output, what: str) -> None:
    shape = output.shape
    if shape is None:
        return
    pairs = zip(y.shape[1:], shape[1:], strict=False)
    fits = all(theirs in (None, ours) for ours, theirs in pairs)
    if y.ndim != len(shape) or not fits:
        raise labels.wrong(
            f"targets of the output's shape {tuple(shape[1:])}",
            f"{what} of shape {y.shape}",
            "Give the last layer one unit for each target of a sample.",
        )


def _check_accuracy(model, y: np.ndarray, what: str) -> None:
    """Raises a ValueError if accuracy is meaningless for a regression."""
    # A threshold at one half can separate zeros and ones.
    if np.isin(y, (0, 1)).all() or not has_accuracy(model):
        return
    raise ValueError(
        "A model with a regression loss needs a metric of numbers. "
        "Received: the metric 'accuracy', which counts "
        f"outputs that equal their target, and {labels.span(y, what)}. "
        "Compile with `metrics=['mae']`; or, for classes, with the loss "
        "'sparse_categorical_crossentropy'."
    )


def has_accuracy(model) -> bool:
    """Returns whether a model with one output is compiled with an accuracy."""
    if len(outputs(model)) > 1:
        return False  # each output may have its own metrics
    given = _keras.given_metrics(model)
    names = {getattr(metric, "name", metric) for metric in given}
    return bool(names & {"accuracy", "acc"})
