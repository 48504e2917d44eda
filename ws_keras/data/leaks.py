"""Finds features that give the target away."""

from collections.abc import Mapping

import numpy as np

from ws_keras import callers
from ws_keras.data import doubts

_FEW = 30  # fewer samples may agree by chance
_VALUES = 1_000_000  # number of values of an array that are looked at
_CORRELATION = 1 - 1e-9
_SHOWN = 3


class TargetLeak(doubts.DoubtfulData):
    """A feature equals the target."""


def check(arrays: Mapping[str, np.ndarray], count: int) -> str:
    """Warns if a feature equals the target, except for its unit.

    A model with a single feature is not checked.

    Example:

    >>> check({"feature": np.ones((40, 2)), "target": np.arange(40)}, 40)
    ''

    Args:
        arrays: Arrays `(n, ...)` of the samples and targets, as
            `scales.named` returns them.
        count: Number of training samples, which come first.

    Returns:
        The text of the warning, or `""`.
    """
    tables = {
        name: array[:count].reshape(count, -1)
        for name, array in arrays.items()
        if array.dtype.kind in "biuf" and array.ndim <= 2
    }
    widest = max((a.shape[1] for a in tables.values()), default=1)
    step = -(-count // max(_FEW, _VALUES // max(1, widest)))
    parts = {n: a[::step].astype("float64") for n, a in tables.items()}
    targets = {n: a for n, a in parts.items() if n.endswith("target")}
    features = {n: a for n, a in parts.items() if n not in targets}
    if sum(a.shape[1] for a in features.values()) < 2 or count < _FEW:
        return ""
    found = [
        f"{name} {place}"
        for target in targets.values()
        if target.shape[1] == 1
        for name, array in features.items()
        for place in np.flatnonzero(_agreeing(array, target))
    ]
    if not found:
        return ""
    more = f" and {len(found) - _SHOWN} more" * (len(found) > _SHOWN)
    text = (
        f"The target equals {', '.join(found[:_SHOWN])}{more} of the samples "
        "(features are counted from 0), except for a factor and an offset. "
        "Remove this feature, unless it is really known before the target is."
    )
    callers.warn(text, TargetLeak)
    return text


def _agreeing(array: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Returns which columns are a linear function of the target."""
    x, y = array - array.mean(0), target - target.mean(0)
    size = np.sqrt((x**2).sum(0) * (y**2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs((x * y).sum(0)) / size > _CORRELATION
