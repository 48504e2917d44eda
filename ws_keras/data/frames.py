"""Keeps the columns of data frames in one order over all rounds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from ws_keras.data import inputs


class Frame:
    """An array whose columns have names, in the form of a data frame.

    Args:
        array: Array, `(n, ...)`.
        columns: Names along the second axis. Defaults to none, for a column.
    """

    def __init__(self, array: np.ndarray, columns: Sequence = ()):
        self._array, self.columns = array, list(columns)
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, name) -> Frame:
        """Returns a column."""
        return Frame(self._array[:, self.columns.index(name)])

    def __len__(self) -> int:
        return len(self._array)

    def to_numpy(self) -> np.ndarray:
        """Returns the array."""
        return self._array


class Columns:
    """The columns of the first frame, in whose order all others are read.

    A model with one input knows columns only by their position. Without this,
    a round whose columns are in another order would be learned wrongly, without
    an error.
    """

    def __init__(self):
        self._first = {}

    def ordered(self, what: str, part, place: tuple = ()):
        """Returns data with the columns of each frame in the first order.

        Args:
            what: Name of the data in error messages.
            part: Data frame, or a mapping, list or tuple of data frames. Other
                data are returned unchanged.
            place: Key of the data. Data with equal keys are compared. Defaults
                to `()`.

        Raises:
            ValueError: If a frame has other columns than the first one, or two
                columns of one name.
        """
        if inputs.is_frame(part):
            return self._one(what, part, place)
        if isinstance(part, Mapping):
            return {
                name: self.ordered(what, value, (*place, name))
                for name, value in part.items()
            }
        if isinstance(part, list | tuple) and any(map(inputs.is_frame, part)):
            return tuple(
                self.ordered(what, value, (*place, number))
                for number, value in enumerate(part)
            )
        return part

    def framed(self, part, place: tuple = ()):
        """Returns data whose arrays are frames, where their columns are known.

        Args:
            part: Array, or a mapping or tuple of arrays.
            place: Key of the data, as in `ordered`. Defaults to `()`.
        """
        if isinstance(part, Mapping):
            return {n: self.framed(v, (*place, n)) for n, v in part.items()}
        if isinstance(part, tuple):
            pairs = enumerate(part)
            return tuple(self.framed(v, (*place, n)) for n, v in pairs)
        names = self._first.get(place, ("", ()))[1]
        return Frame(part, names) if names else part

    @property
    def names(self) -> dict[tuple, list]:
        """The columns of the frames by their key."""
        return {place: names for place, (_, names) in self._first.items()}

    def _one(self, what: str, frame, place: tuple):
        names = list(frame.columns)
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(
                f"`{what}` must have a different name for each column. "
                f"Received: the name {twice[0]!r} twice."
            )
        where, wanted = self._first.setdefault(place, (what, names))
        if set(names) != set(wanted):
            lacking = [name for name in wanted if name not in names]
            more = [name for name in names if name not in wanted]
            raise ValueError(
                "All rounds and the held-out part must have the same columns. "
                f"Received: {what} without {lacking[:5]} and with {more[:5]}, "
                f"unlike {where}. Rename the columns; or, if they are in the "
                "same order, give `frame.to_numpy()` of each."
            )
        return frame if names == wanted else frame[wanted]
