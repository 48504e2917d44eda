"""How two measurements of runs go together."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Correlation:
    """Pearson's and Spearman's coefficients over runs.

    `low` and `high` are Fisher's 95 % interval of Pearson's; what cannot be
    computed is nan.
    """

    pearson: float
    spearman: float
    low: float
    high: float
    count: int


def correlate(x: Iterable[float], y: Iterable[float]) -> Correlation:
    """Returns the `Correlation` of pairs of which neither part is nan."""
    pairs = [
        pair
        for pair in zip(x, y, strict=True)
        if not any(map(math.isnan, pair))
    ]
    x, y = np.array(pairs, float).reshape(-1, 2).T
    pearson = _pearson(x, y)
    low = high = math.nan
    # At one the transform is infinite, and so few runs have no spread.
    if len(pairs) > 3 and abs(pearson) < 1:
        reach = 1.96 / math.sqrt(len(pairs) - 3)
        middle = math.atanh(pearson)
        low, high = math.tanh(middle - reach), math.tanh(middle + reach)
    spearman = _pearson(_ranks(x), _ranks(y))
    return Correlation(pearson, spearman, low, high, len(pairs))


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) < 2 or not x.std() or not y.std():
        return math.nan
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values share the mean of theirs."""
    below = (values[:, None] > values).sum(1)
    equal = (values[:, None] == values).sum(1)
    return below + (equal - 1) / 2
