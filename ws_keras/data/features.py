"""Reads the samples of a user's file as inputs of a model."""

import warnings

import keras
import numpy as np
from keras import tree

from ws_keras import callers
from ws_keras.data import delimited
from ws_keras.data import doubts
from ws_keras.data import inputs
from ws_keras.data import tables

TEST = "_test"
_TRIED = 64  # number of samples with missing values to try on the model
_SHOWN, _MOST = 5, 30
_UNNAMED = "Unnamed: "  # how pandas begins the name of a column without one


class UnnamedColumn(doubts.DoubtfulData):
    """A feature has no name, as the index of a frame in a CSV file."""


def input_names(model) -> list[str] | None:
    """Returns the names of a model's inputs, or `None`."""
    found = struct(model)
    if found is None:
        return None
    if isinstance(found, dict):
        return list(found)
    return [tensor.name for tensor in tree.flatten(found)]


def struct(model):
    """Returns the structure of a model's inputs, or `None`."""
    try:
        return model.input
    except (AttributeError, ValueError):
        # A `Sequential` model may have tensors but no `input` before its
        # first call. A subclassed model has neither.
        tensors = getattr(model, "inputs", None)
        return tensors[0] if tensors and len(tensors) == 1 else None


def is_split(table, model) -> bool:
    """Whether samples are named `x_train`, as in Keras' `mnist.npz`."""
    return not set(_wanted(model, "")) & set(table.names) and bool(
        set(_wanted(model, "_train")) & set(table.names)
    )


def _wanted(model, suffix: str) -> list[str]:
    names = input_names(model) or []
    return [f"{name}{suffix}" for name in ("x", *names)]


def has_test(table, model, roles) -> bool:
    """Whether a file contains samples to measure on."""
    if roles.features:
        wanted = [f"{name}{TEST}" for name in roles.features]
    else:
        wanted = _wanted(model, TEST)
    return bool(set(wanted) & set(table.names))


def read(
    table: tables.Table, model: keras.Model, roles, suffix: str, notes: list
):
    """Returns the samples of a file as arrays of a model's inputs.

    Args:
        table: Table of the file.
        model: Built model.
        roles: The `roles.Roles`.
        suffix: Suffix of each name, such as `"_test"`.
        notes: List to which sentences about conversions are appended.

    Returns:
        An array, or a dictionary or tuple of arrays.

    Raises:
        ValueError: If the file lacks an array or if the model does not accept
            the samples.
    """
    arrays = names(table, model, roles, suffix)
    if not roles.features and next(iter(arrays)).startswith(_UNNAMED):
        callers.warn(
            f"The first column of {table.path} has no name and is used as a "
            "feature. If it is the index of a pandas frame, write the file "
            "with `to_csv(index=False)`, or name the features with "
            "--features.",
            UnnamedColumn,
        )
    texts = _texts(model, list(arrays))
    named = {
        name: table.texts(array) if name in texts else table[array]
        for name, array in arrays.items()
    }
    for name, array in named.items():
        if array.dtype.kind == "O":
            if name not in texts and input_names(model) is not None:
                delimited.check_point(table.path, arrays[name], array)
            named[name] = _text(name, array, notes)
    x = _joined(table, model, named)
    with warnings.catch_warnings():
        # `_check_missing` reports missing values.
        warnings.simplefilter("ignore", inputs.MissingValues)
        x = inputs.arranged(str(table.path), x, struct(model))
    x = tree.map_structure(_single, x)
    _check_missing(table, model, named, x, notes)
    return x


def _single(array: np.ndarray) -> np.ndarray:
    """Converts floats to single precision, in which samples are compared."""
    return array.astype("float32") if array.dtype == np.float64 else array


def names(table, model, roles, suffix: str = "") -> dict[str, str]:
    """Returns the array of each feature, by the name of the feature.

    Args:
        table: Table of the file.
        model: Built model.
        roles: The `roles.Roles`.
        suffix: Suffix of the names of arrays. Defaults to `""`.

    Raises:
        ValueError: If the file lacks an array, or has too many columns.
    """
    if roles.features:
        return {name: f"{name}{suffix}" for name in roles.features}
    known = input_names(model) or ["x"]
    if len(known) > 1 or (table.is_frame and set(known) <= set(table.names)):
        missing = [n for n in known if f"{n}{suffix}" not in table]
        if missing:
            raise table.lacking(
                *[f"{name}{suffix}" for name in missing],
                way="The model has inputs of these names. Use --features to "
                "name other columns.",
            )
        return {name: f"{name}{suffix}" for name in known}
    if not table.is_frame:
        found = [n for n in _wanted(model, suffix) if n in table]
        if not found:
            raise table.lacking(
                f"x{suffix}",
                way="Name the inputs of the model with --features.",
            )
        return {known[0]: found[0]}
    return {name: name for name in _columns(table, model, roles)}


def _columns(table, model, roles) -> list[str]:
    """Returns the columns of a table, in the order of a model's one input."""
    if roles.last:
        missing = [name for name in roles.last if name not in table]
        if missing:
            raise table.lacking(
                *missing,
                way="These are columns that the model was trained on. Name "
                "the columns of this file with --features, in the order "
                f"{', '.join(roles.last)}.",
            )
        return list(roles.last)
    rest = [name for name in table.names if name not in roles.taken]
    _check_rest(table, model, rest)
    return rest


def _check_rest(table, model, rest: list[str]) -> None:
    """Raises a ValueError unless the number of columns matches the model."""
    found = struct(model)
    if found is None:
        return
    (tensor,) = tree.flatten(found)
    shape = tensor.shape[1:]
    width = shape[-1] if len(shape) else 1
    if len(shape) > 1 or width not in (None, len(rest)):
        more = f" and {len(rest) - _MOST} more" * (len(rest) > _MOST)
        others = [n for n in rest if table[n].dtype.kind not in "biuf"]
        notes = f" No numbers are in {others[:_SHOWN]}." if others else ""
        raise ValueError(
            f"{table.path} must hold one column for each number of the "
            f"model's input of shape {tuple(shape)}. Received: {len(rest)} "
            f"columns without a role, {rest[:_MOST]}{more}.{notes} Name the "
            "input columns with --features, in the order of the model."
        )


def _texts(model, given: list[str]) -> set[str]:
    """Returns the features for which the model has an input of texts."""
    found, known = struct(model), input_names(model)
    if known is None:
        return set()
    tensors = found.values() if isinstance(found, dict) else tree.flatten(found)
    kinds = [tensor.dtype for tensor in tensors]
    if len(known) == 1:
        kinds = kinds * len(given)
    elif set(known) == set(given):
        given = known
    # Otherwise `_joined` assigns features to inputs in this order.
    pairs = zip(given, kinds, strict=False)
    return {name for name, kind in pairs if kind == "string"}


def _joined(table, model, named: dict):
    """Returns samples in a form that `inputs.arranged` accepts."""
    names = input_names(model)
    if names is not None and len(names) > 1:
        if set(named) == set(names):
            return named
        if len(named) != len(names):
            raise ValueError(
                f"`--features` must name an array for each input, {names}. "
                f"Received: {list(named)}."
            )
        return dict(zip(names, named.values(), strict=True))
    if len(named) == 1:
        (array,) = named.values()
        rank = 1
        if names is not None:
            rank = len(tree.flatten(struct(model))[0].shape)
        return array[:, None] if rank == 2 and array.ndim == 1 else array
    return _stacked(table, named)


def _stacked(table, named: dict) -> np.ndarray:
    """Stacks columns that are numbers, or that are all texts."""
    texts = [name for name, a in named.items() if a.dtype.kind in "US"]
    dates = [name for name, a in named.items() if a.dtype.kind in "mM"]
    for name in texts:
        if found := delimited.odd(named[name]):
            word, count = next(iter(found.items()))
            raise ValueError(
                f"{table.path} must hold `{name}` as numbers. Received: "
                f"{word!r} in {count:,} row{'s' * (count > 1)}. If it stands "
                "for a missing value, leave it empty."
            )
    if dates or (texts and len(texts) < len(named)):
        what = [*texts, *dates][:_SHOWN]
        raise ValueError(
            f"{table.path} must hold numbers in all columns of one input. "
            f"Received: {'dates' if dates else 'texts'} in {what}. Give the "
            "model an input of strings with a StringLookup for each such "
            "column, named like the column; or replace the columns by numbers, "
            "such as one column per category, or the hour and the weekday of "
            "a date; or choose other columns with --features."
        )
    parts = [a[:, None] if a.ndim == 1 else a for a in named.values()]
    return np.concatenate(parts, -1)


def _text(name: str, array: np.ndarray, notes: list) -> np.ndarray:
    missing = int(sum(value is None for value in array.tolist()))
    if missing:
        notes.append(
            f"{missing:,} missing texts of {name!r} are replaced by empty "
            "texts, which a lookup layer treats as unknown words."
        )
    texts = ["" if value is None else str(value) for value in array.tolist()]
    return np.array(texts)


def _check_missing(table, model, named: dict, x, notes: list) -> None:
    """Raises a ValueError for missing values that the model cannot handle."""
    found = {}
    for name, array in named.items():
        if array.dtype.kind == "f":
            rows = ~np.isfinite(array.reshape(len(array), -1)).all(1)
            if rows.any():
                found[name] = rows
    if not found:
        return
    some = np.flatnonzero(np.any(list(found.values()), axis=0))[:_TRIED]
    received = ", ".join(
        f"`{name}` ({int(rows.sum()):,} rows)"
        for name, rows in list(found.items())[:_SHOWN]
    )
    if _takes(model, tree.map_structure(lambda a: a[some], x)):
        notes.append(
            f"Values are missing or infinite in {received}; the model takes "
            "them as they are."
        )
        return
    raise ValueError(
        f"{table.path} must not hold missing or infinite values, because the "
        f"model returns NaN for them. Received: {received}. Fill them, for "
        "example by table.fillna(table.median()) with a column that marks "
        "them; remove the rows; or let a layer of the model fill them."
    )


def _takes(model, x) -> bool:
    try:
        found = model.predict(x, verbose=0)
    except Exception:  # layers raise many types
        return False
    return all(np.isfinite(part).all() for part in tree.flatten(found))
