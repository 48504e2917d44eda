"""The data that `ws-retrain` is given, as the model takes them."""

import importlib
import os

import numpy as np

from ws_keras.data import datasets
from ws_keras.data import features
from ws_keras.data import inputs
from ws_keras.data import merged
from ws_keras.data import named
from ws_keras.data import parts
from ws_keras.data import repeats
from ws_keras.data import roles
from ws_keras.data import scales
from ws_keras.data import tables

from . import held_out
from . import retrain_flags as given


def read(model, past):
    """Returns the data of `--data`.

    Args:
        model: The model, whose inputs say what is read.
        past: Its `History`, `None` if it is not known.

    Returns:
        A `roles.Given`.

    Raises:
        ValueError: If the data are not there, or not what the model takes.
    """
    if given.files():
        found = roles.read(merged.read(given.files()), model, _roles(past))
        _warn_of_rounds(found, model)
        return found
    source = given.DATA.value
    if tables.is_file(source):
        return roles.read(source, model, _roles(past))
    _check_no_names(source)
    found = datasets.load(
        source,
        given.DATA_DIR.value and os.path.expanduser(given.DATA_DIR.value),
        download=given.DOWNLOAD.value,
        with_test=True,
    )
    samples = [
        inputs.arranged("--data", x, features.struct(model))
        for x in (found.x, found.x_test)
    ]
    return roles.Given(source, samples[0], found.y, samples[1], found.y_test)


def framed(data: roles.Given, pair: tuple) -> tuple:
    """Returns samples and targets as data frames, if they are of a table.

    The columns name the features in warnings.

    Args:
        data: The data that the pair is a part of.
        pair: Samples and targets.
    """
    columns = _columns(data)
    return tuple(
        _framed(part, columns.get((key,), ()))
        for key, part in zip("xy", pair, strict=True)
    )


def _framed(part, columns):
    is_table = isinstance(part, np.ndarray) and part.ndim == 2
    if not is_table or part.shape[1] != len(columns):
        return part
    pandas = importlib.import_module("pandas")  # which read the table
    return pandas.DataFrame(part, columns=columns, copy=False)


def _columns(data: roles.Given) -> dict[tuple, list]:
    """Returns the columns of a table that its arrays were read from."""
    if data.table is None or not data.table.is_frame:
        return {}
    return {("x",): list(data.features), ("y",): list(given.TARGET.value)}


def _warn_of_rounds(found: roles.Given, model) -> None:
    """Warns if the file of a round repeats another one, or has other units."""
    if isinstance(found.table, merged.Merged):
        both = found.x, found.y
        if found.order is not None:
            both = parts.take(both, np.argsort(found.order))
        ends = np.cumsum(np.bincount(found.table.of_files(len(found))))
        repeats.check(parts.samples(both[0]), ends, given.files())
        words = named.Words(model, _columns(found))
        scales.check(words.arrays(*both), ends, given.files())


def other(source: str, model, features=()):
    """Returns samples and targets of another file, such as `--held_out`.

    `features` are the columns of `--data`, in order.
    """
    found = roles.read(source, model, _roles(None, features))
    return found.x, found.y


def _roles(past, last=()):
    rule = held_out.rule(past)
    others = [rule.id, rule.groups]
    others += [n for n in given.ROUNDS.value if not n.isdigit()]
    return roles.Roles(
        tuple(given.TARGET.value),
        tuple(given.FEATURES.value),
        rule.order_by,
        tuple(filter(None, others)),
        last or (past.features if past else ()),
    )


def _check_no_names(source: str) -> None:
    flags = (given.TARGET, given.FEATURES, given.ORDER_BY)
    named = [f"--{f.name}={f.value}" for f in flags if f.value]
    if named:
        raise ValueError(
            "Columns and arrays are those of a file, npz:PATH, csv:PATH or "
            f"parquet:PATH. Received: {', '.join(named)} with --data={source}."
        )
