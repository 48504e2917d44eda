"""Finds rounds whose values have another scale, such as another unit."""

import warnings
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ws_keras import callers
from ws_keras.data import doubts
from ws_keras.data import named

_FACTOR = 100  # pixels in 0..255 and in 0..1 differ by 255
_FEW = 10  # fewer values may be small or large by chance
_VALUES = 1_000_000  # number of values of a round that are looked at
_SHOWN = 3


class OtherScale(doubts.DoubtfulData):
    """The values of a round have another scale than those of the others."""


def check(
    arrays: Sequence[named.Named], ends: Sequence[int], names: Sequence[str]
) -> str:
    """Warns if a feature of a round has another scale than in other rounds.

    The typical and the largest magnitude of a feature must both differ by a
    factor of 100. A few extreme values or a slow drift are no other scale.
    Integers are not checked, because they may be ids.

    Example:

    >>> arrays = named.Words().arrays(np.ones((40, 1)), np.arange(40))
    >>> check(arrays, [20, 40], ["week 1", "week 2"])
    ''

    Args:
        arrays: Arrays `(n, ...)` of the samples and targets.
        ends: End of each round.
        names: Name of each round.

    Returns:
        The text of the warning, or `""`.
    """
    found = [
        text
        for own in arrays
        if own.array.dtype.kind == "f"
        for text in _unlike(own, ends, names)
    ]
    if not found:
        return ""
    more = f"; and {len(found) - _SHOWN:,} more" * (len(found) > _SHOWN)
    text = (
        "Features and targets must have one unit in all rounds and in the "
        f"held-out part. Received: {'; '.join(found[:_SHOWN])}{more}. Convert "
        "them to one unit, unless the values have really changed so much."
    )
    callers.warn(text, OtherScale)
    return text


def _unlike(
    own: named.Named, ends: Sequence[int], names: Sequence[str]
) -> Iterator[str]:
    """Describes each feature that has two scales."""
    parts = np.split(own.array[: ends[-1]], ends[:-1])
    parts = [_thinned(part) for part in parts]
    measured = np.array([_magnitudes(part) for part in parts])
    for feature in range(measured.shape[2]):
        typical, largest = measured[:, :, feature].T
        order = np.argsort(typical)
        order = order[typical[order] > 0]  # 0: unknown
        low, high = order[:-1], order[1:]
        jumps = np.minimum(
            typical[high] / typical[low], largest[high] / largest[low]
        )
        if jumps.size and jumps.max() >= _FACTOR:
            cut = jumps.argmax() + 1
            few, many = sorted((order[cut:], order[:cut]), key=len)
            odd, other = max(few), min(many)
            yield (
                f"{own.feature(feature)} of {names[odd]} from "
                f"{_range(parts[odd], feature)}, but of {names[other]} from "
                f"{_range(parts[other], feature)}"
            )


def _thinned(part: np.ndarray) -> np.ndarray:
    """Returns some samples of a round as rows of features."""
    size = max(1, part[:1].size)
    count = max(_FEW, _VALUES // size)
    rows = part[:: max(1, len(part) // count)]
    return rows.reshape(-1, rows.shape[-1] if rows.ndim > 1 else 1)


def _magnitudes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the typical and the largest magnitude of each feature."""
    sizes = np.abs(rows.astype("float64"))
    sizes[~np.isfinite(sizes)] = 0
    largest = sizes.max(0, initial=0)
    sizes[sizes == 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of zeros
        typical = np.nanmedian(sizes, 0)
    is_known = np.isfinite(sizes).sum(0) >= _FEW
    return np.where(is_known, typical, 0), largest


def _range(rows: np.ndarray, feature: int) -> str:
    column = rows[:, feature]
    column = column[np.isfinite(column)]
    return f"{column.min():.4g} to {column.max():.4g}"
