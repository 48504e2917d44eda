"""Several files of a user as one table, such as one file a week."""

import functools
from collections.abc import Sequence

import numpy as np

from ws_keras.data import repeats
from ws_keras.data import tables

_TEST = "_test"


class Merged(tables.Table):
    """Several tables below each other.

    If all files hold the same test set, it is used once. Otherwise each of its
    samples would count several times, and intervals would be too narrow.

    Args:
        sources: Names of the files, the oldest first.
        parts: Their tables, with the same names.
    """

    def __init__(self, sources: Sequence[str], parts: list[tables.Table]):
        first = parts[0]
        more = len(parts) - 1
        path = f"{first.path} and {more} more file{'s' * (more > 1)}"
        super().__init__(path, first.names, self._joined, first.is_frame)
        self._sources, self._parts = list(sources), parts

    def of_files(self, count: int) -> np.ndarray:
        """Returns the number of the file of each sample, from 0.

        Args:
            count: Number of samples.

        Raises:
            ValueError: If no array has a row for each sample.
        """
        for name in self.names:
            if self._is_test(name):
                continue
            sizes = [len(part[name]) for part in self._parts]
            if sum(sizes) == count:
                return np.repeat(np.arange(len(sizes)), sizes)
        raise ValueError(
            f"{self.path} must hold an array with a row for each of the "
            f"{count:,} samples. Received: {self.names}."
        )

    @functools.cached_property
    def _has_one_test_set(self) -> bool:
        first, *others = self._parts
        return all(
            repeats.are_equal(first[name], other[name])
            for name in filter(self._is_test, self.names)
            for other in others
        )

    def _is_test(self, name: str) -> bool:
        """Whether an array is one of a test set, which no column of a table is.

        In a table, `blood_test` is a feature like others.
        """
        return not self.is_frame and name.endswith(_TEST)

    def texts(self, name: str) -> np.ndarray:
        """Returns an array of all files for an input of texts."""
        return self._joined(name, tables.Table.texts)

    def _joined(self, name: str, read=tables.Table.__getitem__) -> np.ndarray:
        if self._is_test(name) and self._has_one_test_set:
            return self._parts[0][name]
        found = [read(part, name) for part in self._parts]
        first = found[0]
        is_zoned = name in self._parts[0].zoned
        for source, part, array in zip(
            self._sources, self._parts, found, strict=True
        ):
            if (name in part.zoned) != is_zoned:
                kinds = map(_times, (not is_zoned, is_zoned))
                raise self._unlike(source, name, *kinds)
            if _kind(array) != _kind(first):
                raise self._unlike(source, name, array.dtype, first.dtype)
            if array.shape[1:] != first.shape[1:]:
                shapes = array.shape[1:], first.shape[1:]
                raise self._unlike(source, name, *shapes)
        return np.concatenate(found)

    def _unlike(self, source: str, name: str, received, first) -> ValueError:
        return ValueError(
            f"{source} must hold `{name}` like the first file, "
            f"{self._sources[0]}. Received: {received} instead of {first}."
        )


def _times(is_zoned: bool) -> str:
    return f"times {'with' if is_zoned else 'without'} a time zone"


def read(sources: Sequence[str]) -> tables.Table:
    """Reads files that hold the same arrays or columns.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> for week in (1, 2):
    ...     np.savez(f"{folder}/{week}.npz", x=np.zeros((week, 4)))
    >>> read([f"npz:{folder}/{week}.npz" for week in (1, 2)])["x"].shape
    (3, 4)

    Args:
        sources: Names as for `tables.read`, the oldest file first.

    Returns:
        A table with the rows of all files in this order.

    Raises:
        ValueError: If a file cannot be read, or holds other names than the
            first one.
    """
    parts = [tables.read(source) for source in sources]
    if len(parts) == 1:
        return parts[0]
    first = set(parts[0].names)
    for source, part in zip(sources, parts, strict=True):
        if set(part.names) != first:
            lacking = sorted(first - set(part.names))
            more = sorted(set(part.names) - first)
            raise ValueError(
                f"{source} must hold the same arrays or columns as "
                f"{sources[0]}. Received: without {lacking}, and with {more} "
                "that the first file lacks."
            )
    return Merged(sources, parts)


def _kind(array: np.ndarray) -> str:
    # Texts and numbers together would all become texts.
    return "number" if array.dtype.kind in "biuf" else array.dtype.kind
