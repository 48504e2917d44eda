"""The samples, targets and sample weights of one part of a user's data."""

import itertools
from collections.abc import Iterator
from collections.abc import Mapping

import keras
import numpy as np

from ws_keras import callers
from ws_keras import checks
from ws_keras.data import doubts
from ws_keras.data import frames
from ws_keras.data import inputs
from ws_keras.data import masked
from ws_keras.data import repeats
from ws_keras.data import streams


class OtherOrder(doubts.DoubtfulData):
    """Frames and series have the same index in another order."""


class Reader:
    """Reads all parts of the data of a comparison in one form.

    `struct` is the structure of the model's inputs, `None` if it is unknown.

    Args:
        model: Model, or `None`.
        steps: Number of batches to read from a pipeline; `None` reads all.
    """

    def __init__(self, model: keras.Model | None, steps: int | None):
        if steps is not None:
            checks.check_positive("steps", steps)
        self.struct = inputs.structure(model)
        self._steps, self._columns = steps, frames.Columns()

    def triple(self, what: str, part) -> tuple:
        """Returns samples, targets and weights as arrays.

        Args:
            what: Name of the part in error messages.
            part: `(x, y)`, `(x, y, sample_weight)`, or a pipeline of batches.

        Returns:
            A tuple `(x, y, sample_weight)`; the last one may be `None`.

        Raises:
            ValueError: If they do not match each other or the model.
        """
        part = self.arrays(what, part)
        try:
            x, y, *weights = part
            if len(weights) > 1:
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(
                f"`{what}` must be a pair (x, y) of arrays, or (x, y, "
                f"sample_weight). Received: {type(part).__name__}."
            ) from None
        _check_index(what, part)
        x = inputs.arranged(what, self._ordered(what, x), self.struct)
        y = self._columns.ordered(f"{what} y", y, ("y",))
        y = _targets(what, y)
        weights = [_weights(what, w) for w in weights if w is not None]
        _check(what, x, y, weights)
        return x, y, weights[0] if weights else None

    @property
    def columns(self) -> dict[tuple, list]:
        """The columns of data frames; see `frames.Columns.names`."""
        return self._columns.names

    def arrays(self, what: str, part):
        """Returns the arrays of a pipeline, or other data unchanged.

        If the pipeline yields data frames, the arrays keep their columns.
        """
        if not streams.is_stream(part):
            return part
        columns = self._columns
        found = streams.read(what, part, self._steps, self.struct, columns)
        return tuple(
            columns.framed(array, (place,))
            for place, array in zip("xyw", found, strict=False)
        )

    def _ordered(self, what: str, x):
        """Returns samples with the columns of frames in one order."""
        has_several = len(keras.tree.flatten(self.struct)) > 1
        if has_several and inputs.is_frame(x):
            return x  # each input is the column of its name
        return self._columns.ordered(what, x, ("x",))


def _check_index(what: str, part: tuple) -> None:
    """Warns if frames or series have the same index in another order.

    Rows are paired by their position, so each sample would get the target of
    another one.
    """
    for first, other in itertools.pairwise(_indices(part)):
        if first.equals(other) or len(first) != len(other):
            continue
        if first.nlevels != other.nlevels:  # pandas cannot compare them
            continue
        if first.isin(other).all() and other.isin(first).all():
            callers.warn(
                f"The frames or series of `{what}` have the same index in "
                "another order. Rows are paired by position, not by index, so "
                "samples may get the targets of others. Sort them alike, for "
                "example by `y = y.loc[x.index]`; if the order is meant, give "
                "`y.to_numpy()`.",
                OtherOrder,
            )
            return


def _indices(part: tuple) -> Iterator:
    """Yields the index of each frame and series."""
    for one in part:
        if isinstance(one, Mapping) and not inputs.is_frame(one):
            one = tuple(one.values())
        for array in one if isinstance(one, tuple) else [one]:
            index = getattr(array, "index", None)
            # In other kinds of columns, it is a method that finds a value.
            if hasattr(array, "to_numpy") and hasattr(index, "equals"):
                yield index


def _check(what: str, x, y, weights: list) -> None:
    """Raises a ValueError unless there is all of each sample."""
    leaves = keras.tree.flatten((x, y, *weights))
    shapes = [leaf.shape for leaf in leaves]
    if not all(shapes) or len({s[0] for s in shapes}) > 1 or not shapes[0][0]:
        names = [f"x of shape {leaf.shape}" for leaf in keras.tree.flatten(x)]
        names += [f"y of shape {leaf.shape}" for leaf in keras.tree.flatten(y)]
        names += [f"weights of shape {w.shape}" for w in weights]
        raise ValueError(
            f"`{what}` must have the same number of labels and samples, at "
            "least one. "
            f"Received: {', '.join(names)}."
        )
    if weights and (weights[0].ndim > 1 or not np.isfinite(weights[0]).all()):
        raise ValueError(
            f"`{what}` must have a finite weight for each sample. Received: "
            f"weights of shape {weights[0].shape}."
        )


def are_equal(part: tuple, other: tuple) -> bool:
    """Whether two results of `Reader.triple` are equal."""
    leaves = [keras.tree.flatten(value) for value in (part, other)]
    return len(leaves[0]) == len(leaves[1]) and all(
        repeats.are_equal(*pair) for pair in zip(*leaves, strict=True)
    )


def _weights(what: str, given) -> np.ndarray:
    if isinstance(given, Mapping) and not inputs.is_frame(given):
        raise ValueError(
            f"`{what}` must have one weight for each sample, which applies to "
            f"all outputs. Received: a dictionary of {sorted(given)}. To weigh "
            "outputs against each other, compile with `loss_weights`."
        )
    return np.asarray(masked.filled(given), "float32")


def _targets(what: str, y):
    """Converts targets to arrays; their values are checked later."""

    def convert(part):
        if inputs.is_frame(part):
            part = inputs.array(f"{what} y", part)
        elif hasattr(part, "to_numpy"):
            part = part.to_numpy()
        elif hasattr(part, "detach"):
            part = part.detach().cpu().numpy()
        return masked.filled(part)

    if isinstance(y, Mapping) and not inputs.is_frame(y):
        return {name: convert(part) for name, part in y.items()}
    is_list = isinstance(y, list | tuple) and len(y) > 0
    if is_list and all(hasattr(part, "shape") and part.shape for part in y):
        return tuple(map(convert, y))
    return convert(y)
