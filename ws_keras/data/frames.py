"""Keeps the columns of data frames in one order over all rounds."""

from collections.abc import Mapping

from ws_keras.data import inputs


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
