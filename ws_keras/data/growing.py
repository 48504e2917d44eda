"""Data that arrive in rounds, and a part that is held out of all of them."""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from ws_keras.data import aligned
from ws_keras.data import digests

_SHARED = 0.1  # share of the held-out samples that makes accuracies void


@dataclasses.dataclass(frozen=True)
class Data:
    """All samples and targets, held-out ones last, and where rounds end."""

    x: np.ndarray
    y: np.ndarray
    ends: list[int]

    @property
    def held_out(self) -> np.ndarray:
        """Indices of the held-out samples."""
        return np.arange(self.ends[-1], len(self.x))


def join(rounds: Sequence[tuple], held_out: tuple) -> Data:
    """Returns the data of all rounds and the held-out part in one.

    Args:
        rounds: Pairs `(x, y)` of arrays, the new data of each round.
        held_out: A pair `(x, y)`.

    Returns:
        A `Data`.

    Raises:
        ValueError: If a pair is none, or its arrays do not fit the others.
    """
    if not rounds:
        raise ValueError(
            "`rounds` must hold at least one pair (x, y). Received: none."
        )
    named = [(f"rounds[{i}]", pair) for i, pair in enumerate(rounds)]
    named.append(("held_out", held_out))
    pairs = [_pair(*named_pair) for named_pair in named]
    for (what, _), pair in zip(named, pairs, strict=True):
        for array, first in zip(pair, pairs[0], strict=True):
            if array.shape[1:] != first.shape[1:] or array.dtype != first.dtype:
                raise ValueError(
                    "All rounds and the held-out part must have samples and "
                    "labels of one shape and dtype. Received: "
                    f"{what} with {array.shape[1:]} {array.dtype}, the first "
                    f"round with {first.shape[1:]} {first.dtype}."
                )
    xs, ys = zip(*pairs, strict=True)
    ends = np.cumsum([len(y) for y in ys[:-1]]).tolist()
    return Data(aligned.concatenate(xs), np.concatenate(ys), ends)


def _pair(what: str, pair) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, y = map(np.asarray, pair)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{what}` must be a pair (x, y) of arrays. "
            f"Received: {type(pair).__name__}."
        ) from None
    if not x.ndim or not y.ndim or not len(x) or len(x) != len(y):
        raise ValueError(
            f"`{what}` must have as many labels as samples, at least one. "
            f"Received: x of shape {x.shape}, y of shape {y.shape}."
        )
    return x, y


def shared(data: Data) -> tuple[str, bool]:
    """Warns of held-out samples that are in the rounds as well.

    Returns:
        A sentence about them, if there are any, and whether they are so many
        that accuracies mean nothing.
    """
    found, end = digests.samples(data.x), data.ends[-1]
    size = len(found) - end
    count = int(np.isin(found[end:], found[:end]).sum())
    if not count:
        return "", False
    text = (
        f"{count:,} of {size:,} held-out samples ({100 * count / size:.1f} %) "
        "are in the rounds as well, so that accuracies are too high"
    )
    warnings.warn(f"{text}. Leave them out of one side.", stacklevel=3)
    return f"{text}.", count / size > _SHARED
