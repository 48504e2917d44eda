"""Reads a user's `.npz`, CSV or Parquet file as named arrays."""

import functools
import importlib.util
import os
import pathlib
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence

import numpy as np

from ws_keras import checks
from ws_keras.data import delimited
from ws_keras.data import masked
from ws_keras.data import npz
from ws_keras.storage import memory

PREFIXES = ("npz:", "csv:", "parquet:")
_SHOWN = 30  # maximum number of names in an error


def is_file(source: str) -> bool:
    """Returns whether a data name refers to a user's file."""
    return source.startswith(PREFIXES)


def path_of(source: str) -> pathlib.Path:
    """Returns the path of a user's file, with `~` expanded."""
    return pathlib.Path(source.partition(":")[2]).expanduser()


class Table:
    """Named arrays of one file.

    Args:
        path: Path of the file.
        names: All names in the file.
        load: Function of a name that returns its array.
        is_frame: Whether the arrays are the columns of one table.
        as_written: Function of a name that returns the texts of a file that
            does not store the kind of its values. Defaults to `None`.
        zoned: Names of columns whose times have a time zone. They are read in
            UTC. Defaults to none.
    """

    def __init__(
        self,
        path: pathlib.Path,
        names: Sequence[str],
        load: Callable[[str], np.ndarray],
        is_frame: bool,
        as_written: Callable[[str], np.ndarray] | None = None,
        zoned: Collection[str] = (),
    ):
        self.path, self.names = path, list(names)
        self.is_frame, self.zoned = is_frame, frozenset(zoned)
        self._load, self._as_written = load, as_written

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns an array.

        Texts have dtype object, with `None` for missing values. Other missing
        values are NaN.

        Raises:
            ValueError: If the array does not exist or is damaged.
        """
        if name not in self.names:
            raise self.lacking(name)
        return masked.filled(self._load(name))

    def texts(self, name: str) -> np.ndarray:
        """Returns an array for an input of texts.

        A CSV file does not tell the postcode 01234 from the number 1234. Its
        values are returned as they are written. Arrays of other files are
        returned as `table[name]` returns them.

        Raises:
            ValueError: If the array does not exist or is damaged.
        """
        found = self[name]
        if self._as_written is None or found.dtype.kind == "O":
            return found
        return self._as_written(name)

    def lacking(self, *names: str, way: str = "") -> ValueError:
        """Returns an error that lists the names in the file."""
        wanted = " and ".join(f"`{name}`" for name in names)
        kind = "columns" if self.is_frame else "arrays"
        held = self.names[:_SHOWN]
        more = len(self.names) - len(held)
        guesses = [
            f" Did you mean {near!r}?"
            for name in names
            if (near := _nearest(name, self.names)) is not None
        ]
        return ValueError(
            f"{self.path} must hold {wanted}. Received: {kind} {held}"
            f"{f' and {more} more' if more else ''}.{''.join(guesses)}"
            f"{f' {way}' * bool(way)}"
        )


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """Returns the known name that is most like an unknown one, if one is."""
    small = {other.lower(): other for other in known}
    return small.get(checks.nearest(name.lower(), small))


def read(
    source: str, available: Callable[[], float] = memory.available
) -> Table:
    """Reads a file.

    Example:

    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/today.npz"
    >>> np.savez(path, x=np.eye(3), city=np.array(["a", "b", "c"]))
    >>> read(f"npz:{path}").names
    ['x', 'city']

    Args:
        source: `"npz:PATH"`, `"csv:PATH"` (with a header line; separated by
            commas, semicolons or tabs) or `"parquet:PATH"`. CSV and Parquet
            require pandas, from the extra `tables`.
        available: Function that returns the available bytes of memory. Defaults
            to the memory of the machine or the control group.

    Returns:
        A `Table`.

    Raises:
        ValueError: If the file does not exist, is damaged or empty, or does not
            fit into memory, or if pandas is missing.
    """
    path = path_of(source)
    if source.startswith("npz:"):
        names = npz.names(path)
        return Table(
            path, names, lambda n: npz.array(path, n, available), False
        )
    check(source)
    frame = _frame(source, path, available)
    names = list(map(str, frame.columns))

    def as_written(name: str) -> np.ndarray:
        pandas = importlib.import_module("pandas")
        return delimited.as_written(pandas, path, names.index(name))

    is_csv = source.startswith("csv:")
    load = functools.partial(_values, frame)
    zoned = [str(name) for name in frame.columns if _has_zone(frame[name])]
    return Table(path, names, load, True, as_written if is_csv else None, zoned)


def check(source: str) -> None:
    """Checks that a CSV or Parquet file exists, and can be read by pandas.

    Args:
        source: As in `read`. The content is not read.

    Raises:
        ValueError: If it does not exist, or if pandas is missing.
    """
    path = path_of(source)
    if not path.is_file():
        raise ValueError(f"{path} must be a file. Received: no such file.")
    if importlib.util.find_spec("pandas") is None:
        raise ValueError(
            f"Data as {source.partition(':')[0]} require pandas. Received: a "
            "Python without it. Install it by pip install 'ws_keras[tables]', "
            "or give the data as npz:PATH."
        )


def _frame(source: str, path: pathlib.Path, available):
    kind = source.partition(":")[0]
    size, room = os.path.getsize(path), available()
    if size > room:
        raise ValueError(
            f"{path} must fit into the available memory, "
            f"{room / 2**30:.2f} GiB. Received: {size / 2**30:.2f} GiB."
        )
    pandas = importlib.import_module("pandas")
    try:
        read = {"csv": delimited.read, "parquet": _parquet}[kind]
        frame = read(pandas, path)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in UTF-8. Received: byte "
            f"0x{error.object[error.start]:02x}, which is not. Save the file "
            "as UTF-8."
        ) from None
    except Exception as error:  # damaged files raise many types
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{path} must be a table as {kind} with a name for each column. "
            f"Received: {reason or type(error).__name__}."
        ) from None
    frame.columns = [str(name).strip() for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice) or not len(frame):
        received = f"the name {twice[0]!r} twice" if len(twice) else "no row"
        raise ValueError(
            f"{path} must have rows, and a different name for each column. "
            f"Received: {received}."
        )
    return frame


def _parquet(pandas, path):
    # An index is not a column of the data.
    return pandas.read_parquet(path).reset_index(drop=True)


def _values(frame, name: str) -> np.ndarray:
    series = frame[name]
    if delimited.is_text(series) and delimited.is_flags(series):
        series = series.astype("boolean")
    if delimited.is_text(series):
        values = series.astype(object)
        return values.where(series.notna(), None).to_numpy()
    if _has_zone(series):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    if series.dtype.kind in "iufb" and series.isna().any():
        return series.to_numpy(dtype="float64", na_value=np.nan)
    if series.dtype.kind in "iufb":
        return series.to_numpy(dtype=_plain(series.dtype))
    return series.to_numpy()


def _has_zone(series) -> bool:
    return getattr(series.dtype, "tz", None) is not None


def _plain(dtype) -> str:
    """Returns NumPy's name of a dtype that may belong to pandas."""
    return getattr(dtype, "numpy_dtype", dtype).name.lower()
