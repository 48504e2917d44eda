"""Converts samples from common formats to the inputs of a model."""

from collections.abc import Mapping

import keras
import numpy as np

from ws_keras import callers
from ws_keras.data import doubts
from ws_keras.data import masked

_MODULES = {"scipy": "x.toarray()", "tensorflow": "tf.sparse.to_dense(x)"}


class MissingValues(doubts.DoubtfulData):
    """Samples have missing or infinite values."""


def structure(model: keras.Model):
    """Returns the structure of a model's inputs, or `None` if unknown."""
    try:
        return model.input
    except (AttributeError, ValueError):
        found = getattr(model, "inputs", None) or ()  # for `Sequential`
        return found[0] if len(found) == 1 else None


def arranged(what: str, x, struct):
    """Converts samples to the arrays that a model accepts.

    Args:
        what: Name of the samples in error messages.
        x: Array or data frame; or several, in a list or in a dictionary by the
            names of the model's inputs.
        struct: Result of `structure`.

    Returns:
        An array `(n, ...)`, or a dictionary or tuple of arrays.

    Raises:
        ValueError: If the samples do not match the model.
    """
    if struct is None:
        return _unknown(what, x)
    if isinstance(struct, Mapping):
        names = list(struct)
        parts = _named(what, x, names)
        return {
            name: arranged(f"{what} {name!r}", part, struct[name])
            for name, part in zip(names, parts, strict=True)
        }
    if isinstance(struct, list | tuple) and len(struct) > 1:
        names = [getattr(t, "name", i) for i, t in enumerate(struct)]
        parts = _listed(what, x, names)
        return tuple(
            arranged(f"{what} {name!r}", part, own)
            for name, own, part in zip(names, struct, parts, strict=True)
        )
    (tensor,) = keras.tree.flatten(struct)
    if isinstance(x, Mapping) and not is_frame(x):
        (x,) = _named(what, x, [tensor.name])
    elif _is_structure(x) and len(x) == 1:
        (x,) = x
    return array(what, x, tensor)


def array(what: str, values, tensor=None) -> np.ndarray:
    """Converts values to an array for an input of a model.

    Ragged rows of token ids or words are padded at the end, with 0 or with
    empty words.

    Args:
        what: Name of the values in error messages.
        values: Array, tensor, series, frame or list.
        tensor: Keras tensor of the input. Defaults to `None`, unknown.

    Raises:
        ValueError: If the values cannot be converted.
    """
    found = masked.filled(_converted(what, values))
    if found.dtype.kind == "O":
        found = _of_objects(what, found)
    if found.dtype.kind not in "biufUS":
        raise ValueError(
            f"`{what}` must hold numbers, booleans or strings. Received: "
            f"dtype {found.dtype}. Convert it. For dates, use numbers such as "
            "the hour and the weekday."
        )
    if tensor is not None:
        _check_fits(what, found, tensor)
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        count = int((~np.isfinite(found.reshape(len(found), -1))).any(1).sum())
        callers.warn(
            f"{count:,} of {len(found):,} samples in `{what}` have missing "
            "values (NaN) or infinite ones, for which most networks return "
            "NaN. Fill them, or remove these samples.",
            MissingValues,
        )
    return found


def is_frame(x) -> bool:
    """Returns whether `x` is a pandas frame or a similar object."""
    return hasattr(x, "columns") and hasattr(x, "to_numpy")


def _unknown(what: str, x):
    if isinstance(x, Mapping) and not is_frame(x):
        return {name: array(f"{what} {name!r}", x[name]) for name in x}
    if _is_structure(x):
        return tuple(array(f"{what}[{i}]", part) for i, part in enumerate(x))
    return array(what, x)


def _is_structure(x) -> bool:
    """Whether `x` is a list of arrays, not a list of numbers or rows."""
    is_list = isinstance(x, list | tuple) and len(x) > 0
    return is_list and all(np.ndim(_shaped(part)) > 0 for part in x)


def _shaped(part):
    return part if hasattr(part, "shape") else 0


def _named(what: str, x, names: list[str]) -> list:
    has_names = isinstance(x, Mapping) or is_frame(x)
    known = list(x.columns) if is_frame(x) else list(x if has_names else ())
    missing = [name for name in names if name not in known]
    if not has_names or missing:
        received = f"one without {missing}" if has_names else _kind(x)
        raise ValueError(
            f"`{what}` must have an array for each input of the model, by "
            f"name: {names}. Received: {received}."
        )
    return [x[name] for name in names]


def _listed(what: str, x, names: list[str]) -> list:
    if isinstance(x, list | tuple):
        if len(x) == len(names):
            return list(x)
        raise ValueError(
            f"`{what}` must have an array for each input of the model, "
            f"{names}. Received: {len(x)} arrays."
        )
    return _named(what, x, names)


def _converted(what: str, values) -> np.ndarray:
    kind = type(values)
    module = kind.__module__.partition(".")[0]
    if "sparse" in f"{kind.__module__}.{kind.__name__}".lower() and (
        module in _MODULES
    ):
        raise ValueError(
            f"`{what}` must be dense. Received: {_kind(values)}. Give "
            f"`{_MODULES[module]}`."
        )
    if is_frame(values):
        return _of_frame(what, values)
    if hasattr(values, "to_numpy"):  # a series
        return _of_series(values)
    if kind.__name__ == "RaggedTensor":
        values = values.to_tensor()
    if hasattr(values, "detach"):  # a PyTorch tensor
        values = values.detach().cpu()
    if hasattr(values, "numpy"):
        values = values.numpy()
    try:
        return np.asanyarray(values)  # it may be masked
    except ValueError:
        return _ragged(what, values)


def _of_series(series) -> np.ndarray:
    found = series.to_numpy()
    if found.dtype.kind != "O":
        return found
    if str(series.dtype).lower().startswith(("int", "uint", "float", "bool")):
        # Types that support missing values.
        return series.to_numpy(dtype="float64", na_value=np.nan)
    return found


def _of_frame(what: str, frame) -> np.ndarray:
    columns = [_of_series(frame[name]) for name in frame.columns]
    kinds = {column.dtype.kind for column in columns}
    if kinds <= set("OUS") and len(columns) > 0:
        return np.stack([_of_objects(what, c) for c in columns], 1)
    bad = [
        str(name)
        for name, column in zip(frame.columns, columns, strict=True)
        if column.dtype.kind not in "biuf"
    ]
    if bad:
        raise ValueError(
            f"`{what}` must have columns of numbers. Received: other columns, "
            f"{', '.join(bad[:5])}. Encode them, for example by "
            "`pd.get_dummies(frame, columns=[...])`, for the frames of "
            "all rounds together, or give the model an input for each, by its "
            "name. For dates, use numbers such as the hour and the weekday."
        )
    return np.stack(columns, 1) if columns else np.empty((len(frame), 0))


def _of_objects(what: str, values: np.ndarray) -> np.ndarray:
    flat = values.ravel().tolist()
    if all(isinstance(value, str | bytes) for value in flat):
        return np.array(
            [
                v.decode("utf8", "replace") if isinstance(v, bytes) else v
                for v in flat
            ]
        ).reshape(values.shape)
    if all(isinstance(v, list | tuple | np.ndarray) for v in flat):
        return _ragged(what, flat)
    if any(isinstance(value, str | bytes) for value in flat):
        others = sum(not isinstance(value, str | bytes) for value in flat)
        raise ValueError(
            f"`{what}` must hold a text for each sample. Received: "
            f"{others:,} of {len(flat):,} that are not texts, such as missing "
            "values. Fill them: `x.fillna('')`."
        )
    try:
        numbers = [np.nan if value is None else value for value in flat]
        return np.array(numbers, float).reshape(values.shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{what}` must be an array of numbers or texts. Received: "
            f"objects such as {flat[0]!r:.60}."
        ) from None


def _ragged(what: str, values) -> np.ndarray:
    """Pads rows of token ids or words at the end."""
    rows = [np.asarray(row) for row in values]
    kinds = {row.dtype.kind for row in rows if row.size}
    if any(row.ndim != 1 for row in rows) or not (
        kinds <= set("biu") or kinds <= set("US")
    ):
        raise ValueError(
            f"`{what}` must have samples of equal shape. Received: rows of "
            "different lengths that are neither token ids nor words. Cut "
            "or pad them: `keras.utils.pad_sequences(x, dtype='float32')`."
        )
    longest = max(map(len, rows))
    kind = np.result_type(*(row.dtype for row in rows if row.size))
    found = np.zeros((len(rows), longest), kind)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found


def _check_fits(what: str, found: np.ndarray, tensor) -> None:
    shape = tuple(tensor.shape[1:])
    own = found.shape[1:]
    if found.ndim == len(shape) and shape[-1:] == (1,):
        own = (*own, 1)  # Keras adds this axis
    if own[-1:] == (1,) and len(own) == len(shape) + 1:
        own = own[:-1]  # Keras removes this axis
    fits = len(own) == len(shape) and all(
        theirs in (None, ours) for ours, theirs in zip(own, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Samples must have the input shape of the model, {shape}. "
            f"Received: {what} with {found.shape[1:]}."
        )
    is_text, wants_text = found.dtype.kind in "US", tensor.dtype == "string"
    if is_text != wants_text:
        way = (
            "Convert texts to numbers with `keras.layers.TextVectorization` "
            "or `StringLookup`, in the model or before it."
        )
        if wants_text:
            way = (
                "Convert numbers to texts as in the training, such as "
                "`x.astype(str)`."
            )
        raise ValueError(
            f"`{what}` must hold {'texts' if wants_text else 'numbers'} for "
            f"the model's input {tensor.name!r}. Received: dtype "
            f"{found.dtype}. {way}"
        )
    if is_text and keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"`{what}` must hold numbers on the backend "
            f"{keras.backend.backend()!r}, which has no strings. Received: "
            f"dtype {found.dtype}. Convert texts to numbers before, or set "
            "KERAS_BACKEND=tensorflow."
        )


def _kind(x) -> str:
    module = type(x).__module__.partition(".")[0]
    return f"{module} {type(x).__name__}".removeprefix("builtins ")


def evened(names, arrays, is_filled: bool = False) -> list[np.ndarray]:
    """Converts arrays to one dtype and to shapes that differ in axis 0 only.

    If some are `(n, 1)` and some `(n,)`, all become `(n,)`.

    Args:
        names: Names of the arrays in error messages, or one for all.
        arrays: Arrays.
        is_filled: Whether to pad rows of token ids or words to the longest row,
            with 0 or with empty words. Defaults to `False`.

    Raises:
        ValueError: If the conversion would change the meaning.
    """
    arrays = list(arrays)
    if isinstance(names, str):
        names = [names] * len(arrays)
    flat = [a[:, 0] if a.shape[1:] == (1,) else a for a in arrays]
    if any(a.ndim == 1 for a in arrays):
        arrays = flat
    first = arrays[0]
    for what, own in zip(names, arrays, strict=True):
        kinds = _family(own), _family(first)
        # Pixels in 0..255 and in 0..1 must not be mixed.
        is_scaled = {own.dtype.kind, first.dtype.kind} == {"f", "u"}
        fits = own.shape[1:] == first.shape[1:] or (
            is_filled
            and own.ndim == first.ndim > 1
            and own.shape[2:] == first.shape[2:]
            and own.dtype.kind in "iuUS"
        )
        if not fits or kinds[0] != kinds[1] or is_scaled:
            raise ValueError(
                "All rounds and the held-out part must have samples and "
                "labels of equal shape and kind of dtype. Received: "
                f"{what} with {own.shape[1:]} {own.dtype}, the first with "
                f"{first.shape[1:]} {first.dtype}."
            )
    dtype = np.result_type(*(own.dtype for own in arrays))
    longest = max((own.shape[1] for own in arrays if own.ndim > 1), default=0)
    return [_filled(own.astype(dtype, copy=False), longest) for own in arrays]


def _family(values: np.ndarray) -> str:
    return "text" if values.dtype.kind in "US" else "numbers"


def _filled(values: np.ndarray, longest: int) -> np.ndarray:
    if values.ndim < 2 or values.shape[1] == longest:
        return values
    wider = np.zeros((len(values), longest, *values.shape[2:]), values.dtype)
    wider[:, : values.shape[1]] = values
    return wider
