"""Reads CSV files as frames of pandas."""

import bz2
import collections
import csv
import gzip
import itertools
import lzma
import os
import re
import warnings

from ws_keras import callers

_SEPARATORS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")
_QUOTED = re.compile(r'"[^"]*"')
# As pandas does by these endings.
_OPENED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SHOWN = 3
_ADD = "add a line with the names of the columns above it"


class NoNames(UserWarning):
    """The first line of a file seems to hold data instead of names."""


def read(pandas, path: str | os.PathLike):
    """Reads a CSV file.

    Texts such as "NA" remain texts. Empty texts become `None`.

    Args:
        pandas: The module.
        path: Path of a file with a header line, in UTF-8.

    Returns:
        A frame.

    Raises:
        ValueError: If a name occurs twice, or if a row is longer than the
            header line.
    """
    names, form = _form(path)
    twice = [name for name in names if names.count(name) > 1]
    if twice:  # pandas would append numbers
        raise ValueError(
            f"the name {twice[0]!r} twice. If the first line is a row of data, "
            f"{_ADD}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame = pandas.read_csv(path, low_memory=False, **form)
    except pandas.errors.ParserWarning:
        raise ValueError(
            f"rows with more values than the {len(names)} names of the first "
            "line. Name each column, and write 1.5, not 1,5"
        ) from None
    texts = [
        name
        for name in frame.columns
        if is_text(frame[name]) or frame[name].isna().all()
    ]
    if frame[texts].isna().any(axis=None):
        _keep_words(pandas, path, form, frame, texts)
    _warn_of_no_names(path, frame)
    return frame


def as_written(pandas, path: str | os.PathLike, place: int):
    """Reads a column as the texts that the file holds, such as `01234`.

    Args:
        pandas: The module.
        path: Path of the file.
        place: Position of the column, from 0.

    Returns:
        An array of objects, with `None` for missing values.
    """
    _, form = _form(path)
    column = _texts(pandas, path, form, [place]).iloc[:, 0].astype(object)
    return column.where(column != "", None).to_numpy()


def is_text(series) -> bool:
    """Returns whether a column holds objects, such as texts."""
    kind = getattr(series.dtype, "kind", "O")
    return kind == "O" or str(series.dtype).startswith(("str", "category"))


def is_flags(series) -> bool:
    """Returns whether a column holds only True, False and missing values."""
    found = series.dropna().unique()
    return bool(len(found)) and all(isinstance(v, bool) for v in found)


def check_point(path, name: str, values) -> None:
    """Raises a ValueError if numbers of a column have a decimal comma.

    Such a column holds texts, but to encode these as categories would be wrong.

    Args:
        path: Path of the file.
        name: Name of the column.
        values: Array of its values as objects, with `None` for missing ones.
    """
    known = (value for value in values.tolist() if value is not None)
    texts = [str(value).strip() for value in known]
    commas = [text for text in texts if _COMMA.fullmatch(text)]
    if commas and all(t in commas or _NUMBER.fullmatch(t) for t in texts):
        raise ValueError(
            f"{path} must hold `{name}` as numbers with a decimal point. "
            f"Received: {commas[0]!r}. Write the file with points, for example "
            "by pandas: `pd.read_csv(path, sep=None, engine='python', "
            "decimal=',').to_csv(new, index=False)`. If the comma separates "
            "thousands, give `thousands=','` instead of `decimal=','`."
        )


def odd(values) -> dict[str, int]:
    """Returns texts among numbers, with the number of their rows.

    Other programs write a missing number as a text such as "?" or "N/A".

    Example:

    >>> import numpy as np
    >>> odd(np.array(["5.1", "?", "4.9", "6", "?", ""]))
    {'?': 2}

    Args:
        values: Array of texts.

    Returns:
        The texts, the most frequent ones first; none if most texts are none of
        numbers.
    """
    texts = [text for v in values.ravel().tolist() if (text := str(v).strip())]
    others = [text for text in texts if not _NUMBER.fullmatch(text)]
    if 2 * len(others) >= len(texts):
        return {}
    return dict(collections.Counter(others).most_common())


def _form(path) -> tuple[list[str], dict]:
    """Returns the names in the first line, and arguments of pandas."""
    opened = _OPENED.get(os.path.splitext(path)[1], open)
    with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
        head = file.readline()
    # A quoted name may hold any of them.
    separator = max(_SEPARATORS, key=_QUOTED.sub("", head).count)
    rows = csv.reader([head], delimiter=separator, skipinitialspace=True)
    names = [name.strip() for name in next(rows, [])]
    # A blank after a separator would hide the quotes of a text. By default,
    # pandas shifts all names if rows have more values than there are names.
    form = {"sep": separator, "skipinitialspace": True, "index_col": False}
    return names, form


def _texts(pandas, path, form: dict, columns: list):
    # By default, pandas reads words such as "NA" and "null" as missing
    # values, even in columns of texts.
    return pandas.read_csv(
        path, usecols=columns, dtype=str, keep_default_na=False, **form
    )


def _keep_words(pandas, path, form: dict, frame, texts: list) -> None:
    """Replaces missing values of a frame by words that the file holds."""
    again = _texts(pandas, path, form, texts)
    for name in texts:
        if again[name].any() and not is_flags(frame[name]):
            frame[name] = again[name].where(again[name] != "", None)


def _warn_of_no_names(path, frame) -> None:
    """Warns if the first line seems to be a row of data."""
    names = [str(name).strip() for name in frame.columns]
    numbers = [name for name in names if _NUMBER.fullmatch(name)]
    others = [name for name in names if name not in numbers]
    recur = bool(others) and all(
        (frame.iloc[:, names.index(name)] == name).any() for name in others
    )
    if recur or (numbers and not _is_count(numbers)):
        shown = ", ".join(map(repr, (numbers or others)[:_SHOWN]))
        callers.warn(
            f"The first line of {path} is read as the names of the columns, "
            f"but seems to be a row of data: it holds {shown}. If it is one, "
            f"{_ADD}. Otherwise the row is lost.",
            NoNames,
        )


def _is_count(names: list[str]) -> bool:
    """Whether names count columns or years, as in 0, 1, 2 or 2019, 2020."""
    values = list(map(float, names))
    if len(values) == 1:
        return values == [0]
    steps = {b - a for a, b in itertools.pairwise(values)}
    is_even = len(steps) == 1 and min(steps) >= 1
    return is_even and (steps == {1} or len(values) > 2) and values[0] % 1 == 0
