"""Names the features of samples and targets as a user knows them."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from ws_keras.data import inputs
from ws_keras.data import targets


class Named(NamedTuple):
    """An array of samples or targets, with words for its last axis.

    `where` names the input or output of a model with several; otherwise it is
    empty. `columns` are the columns of a data frame, in the order of the last
    axis, or `None` if the features have no names.
    """

    array: np.ndarray
    is_target: bool
    where: str = ""
    columns: Sequence | None = None

    def feature(self, number: int) -> str:
        """Returns the words for a feature, such as `"feature 'age'"`."""
        what = "target" if self.is_target else "feature"
        name = number if self.columns is None else repr(self.columns[number])
        return f"{self.where}{what} {name}"


class Words:
    """Words for the arrays of a comparison.

    Example:

    >>> (x, y) = Words(None, {("x",): ["age", "size"]}).arrays(
    ...     np.ones((3, 2)), np.ones(3)
    ... )
    >>> x.feature(1), y.feature(0)
    ("feature 'size'", 'target 0')

    Args:
        model: Model, whose inputs and outputs have names, or `None`.
        columns: Columns of data frames by the key of their array: `("x",)` or
            `("y",)`, followed by the name or number of an input or output.
            Defaults to none.
    """

    def __init__(
        self,
        model: keras.Model | None = None,
        columns: Mapping[tuple, Sequence] | None = None,
    ):
        self._columns = columns or {}
        tensors = keras.tree.flatten(inputs.structure(model))
        self._inputs = [t.name for t in tensors if t is not None]
        self._outputs = targets.output_names(model)

    def arrays(self, x, y) -> list[Named]:
        """Returns all arrays of samples and targets with their words.

        Args:
            x: Samples: an array, or a dictionary or tuple of arrays.
            y: Targets, likewise.
        """
        return [
            *self._named("x", x, self._inputs),
            *self._named("y", y, self._outputs),
        ]

    def _named(self, key: str, part, known: list) -> Iterator[Named]:
        is_target = key == "y"
        if isinstance(part, np.ndarray):
            yield self._one(part, is_target, "", [(key,)])
            return
        kind = "output" if is_target else "input"
        pairs = part.items() if isinstance(part, Mapping) else enumerate(part)
        for name, array in pairs:
            keys = [(key, name)]
            if isinstance(name, int) and len(known) == len(part):
                name = known[name]
                keys.append((key, name))
            yield self._one(array, is_target, f"{kind} {name!r}, ", keys)

    def _one(self, array, is_target: bool, where: str, keys: list) -> Named:
        width = array.shape[1] if array.ndim == 2 else None
        found = (self._columns.get(key, ()) for key in keys)
        columns = next((c for c in found if len(c) == width), None)
        return Named(array, is_target, where, columns)
