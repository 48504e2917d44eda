"""Finds copies of samples whose numbers were rounded."""

import numpy as np

_TOLERANCE = 2e-3  # of a magnitude; half precision rounds by 0.0005
_LOOKED_AT = 200  # number of samples that are compared
_FEW = 20
_VALUES = 1_000_000  # number of values that scales are measured on
_NEAR = 500  # number of neighbours on each side


def share(held_out: np.ndarray, trained: np.ndarray) -> float:
    """Estimates the fraction of samples that are rounded copies of others.

    Where the others are themselves about as close to each other, as in a table
    of few numbers or in overlapping windows, closeness means nothing, and the
    result is 0. Exact copies do not count.

    Example:

    >>> x = np.random.default_rng(0).normal(size=(100, 5))
    >>> share(x[:50].round(3), x), share(x[:50], x[50:])
    (1.0, 0.0)

    Args:
        held_out: Array of numbers `(n, features)`.
        trained: The others, `(m, features)`.

    Returns:
        A number in [0, 1].
    """
    if min(len(held_out), len(trained)) < _FEW:
        return 0.0
    count = max(_FEW, _VALUES // max(1, trained.shape[1]))
    some = trained[:: -(-len(trained) // count)]
    scale = np.where(np.isfinite(some), some, 0).std(0, dtype=float)
    with np.errstate(all="ignore"):  # missing and infinite values
        found = _fraction(held_out, trained, scale)
        usual = _fraction(trained, trained, scale) if found else 0.0
    return found if usual < found / 5 else 0.0


def _fraction(some: np.ndarray, others: np.ndarray, scale) -> float:
    """Returns the fraction of `some` that are close, but not equal, to others.

    Close samples have close projections on any direction, so that only
    neighbours in a sorted list need to be compared.
    """
    some = some[:: max(1, len(some) // _LOOKED_AT)]
    direction = np.random.default_rng(0).normal(size=others.shape[1])
    direction = np.where(scale > 0, direction / scale, 0)
    direction = direction.astype(others.dtype)  # saves a copy of the others
    projected = others @ direction
    order = np.argsort(projected)
    projected = projected[order]
    close = 0
    for sample in some:
        limit = _TOLERANCE * (np.abs(sample) + scale)
        around = sample @ direction
        reach = np.abs(direction) @ limit / np.sqrt(len(limit)) * 2
        bounds = [around - reach, around, around + reach]
        first, here, last = np.searchsorted(projected, bounds)
        chosen = order[max(first, here - _NEAR) : min(last, here + _NEAR)]
        gaps = np.abs(others[chosen] - sample)
        close += bool(((gaps <= limit).all(1) & gaps.any(1)).any())
    return close / len(some)
