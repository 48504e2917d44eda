"""Finds features that give the target away."""

from collections.abc import Sequence

import numpy as np

from ws_keras import callers
from ws_keras.data import doubts
from ws_keras.data import named

_FEW = 30  # fewer samples may agree by chance
_VALUES = 1_000_000  # number of values of an array that are looked at
_CORRELATION = 1 - 1e-9
_SHOWN = 3


class TargetLeak(doubts.DoubtfulData):
    """A feature equals the target."""


def check(arrays: Sequence[named.Named], count: int) -> str:
    """Warns if a feature equals the target, except for its unit.

    A model with a single feature is not checked.

    Example:

    >>> check(named.Words().arrays(np.ones((40, 2)), np.arange(40)), 40)
    ''

    Args:
        arrays: Arrays `(n, ...)` of the samples and targets.
        count: Number of training samples, which come first.

    Returns:
        The text of the warning, or `""`.
    """
    tables = [
        (own, own.array[:count].reshape(count, -1))
        for own in arrays
        if own.array.dtype.kind in "biuf" and own.array.ndim <= 2
    ]
    widest = max((table.shape[1] for _, table in tables), default=1)
    step = -(-count // max(_FEW, _VALUES // max(1, widest)))
    parts = [(own, table[::step].astype("float64")) for own, table in tables]
    targets = [table for own, table in parts if own.is_target]
    features = [(own, table) for own, table in parts if not own.is_target]
    if sum(table.shape[1] for _, table in features) < 2 or count < _FEW:
        return ""
    found = [
        (own, place)
        for target in targets
        if target.shape[1] == 1
        for own, table in features
        for place in np.flatnonzero(_agreeing(table, target)).tolist()
    ]
    if not found:
        return ""
    shown = ", ".join(own.feature(place) for own, place in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" * (len(found) > _SHOWN)
    are_counted = any(own.columns is None for own, _ in found[:_SHOWN])
    text = (
        f"The target equals {shown}{more} of the samples"
        f"{' (features are counted from 0)' * are_counted}, except for a "
        "factor and an offset. Remove this feature, unless it is really known "
        "before the target is."
    )
    callers.warn(text, TargetLeak)
    return text


def _agreeing(array: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Returns which columns are a linear function of the target.

    Missing and infinite values of a column are left out.
    """
    known = np.isfinite(array)
    x, y = _centered(array, known), _centered(target, known)
    size = np.sqrt((x**2).sum(0) * (y**2).sum(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        is_equal = np.abs((x * y).sum(0)) / size > _CORRELATION
    return is_equal & (known.sum(0) >= _FEW)


def _centered(array: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Returns values minus the mean of the known ones, 0 for the others."""
    values = np.where(known, array, 0)
    return np.where(known, values - values.sum(0) / known.sum(0).clip(1), 0)
