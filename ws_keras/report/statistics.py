"""Means, paired differences and ratios over seeds, with their intervals.

A mean over seeds may be uncertain for two reasons: other seeds would give
other networks, and other held-out samples would give other accuracies. All
seeds share the samples, so an interval over seeds alone leaves these out.
"""

import dataclasses
import math
from collections.abc import Iterable
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from scipy import special

CONFIDENCE = 0.95
# Two seeds may agree by chance, so they decide nothing.
MIN_SEEDS = 3
T = TypeVar("T", float, np.ndarray)


@dataclasses.dataclass(frozen=True)
class Effect:
    """A mean over seeds with its uncertainty, in the unit of the values.

    Whether a mean is a level or a difference is up to the caller. `of_seeds`
    and `of_samples` are the standard errors that seeds and held-out samples
    contribute, `freedom` the degrees of freedom of both together. One seed
    has no error: it is nan.
    """

    mean: float
    of_seeds: float
    of_samples: float
    freedom: float
    count: int  # seeds

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return math.hypot(self.of_seeds, self.of_samples)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval; nan for fewer than two seeds."""
        return self.interval()[0] if self.count > 1 else math.nan

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval; nan for fewer than two seeds."""
        return self.interval()[1] if self.count > 1 else math.nan

    @property
    def decides(self) -> bool:
        """Whether there are enough seeds to decide anything."""
        return self.count >= MIN_SEEDS

    @property
    def sign(self) -> int:
        """1 or -1 where the 95 % interval decides the sign, else 0."""
        return self.decides * ((self.low > 0) - (self.high < 0))

    def times(self, factor: float) -> "Effect":
        """Returns the effect on values that are multiplied by a factor."""
        return dataclasses.replace(
            self,
            mean=factor * self.mean,
            of_seeds=abs(factor) * self.of_seeds,
            of_samples=abs(factor) * self.of_samples,
        )

    def interval(self) -> tuple[float, float]:
        """Returns the two-sided 95 % t interval."""
        reach = self._reach((1 + CONFIDENCE) / 2)
        return self.mean - reach, self.mean + reach

    def is_above(self, bound: float) -> bool:
        """Whether it exceeds a bound, by a one-sided t test (5 %)."""
        return self.mean - self._reach(CONFIDENCE) > bound

    def is_within(self, margin: float) -> bool:
        """Whether it is equivalent to 0, by two one-sided t tests (5 %)."""
        return (
            self.decides
            and self.is_above(-margin)
            and self.times(-1).is_above(-margin)
        )

    def _reach(self, probability: float) -> float:
        if self.error == 0:
            return 0.0
        if math.isnan(self.error):
            return math.inf
        return float(special.stdtrit(self.freedom, probability)) * self.error


@dataclasses.dataclass(frozen=True)
class Ratio:
    """Geometric mean of paired ratios, and its 95 % interval.

    The interval is the t interval of the logarithms; its ends are nan for
    fewer than two pairs.
    """

    mean: float
    low: float
    high: float
    count: int


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


def summarize(values: Iterable[float]) -> Effect:
    """Returns the mean of one number per seed, without nan and infinity."""
    found = np.array([v for v in values if math.isfinite(v)], float)
    mean = float(found.mean()) if found.size else math.nan
    return Effect(mean, _error(found), 0.0, found.size - 1, found.size)


def level(values: Mapping[int, float]) -> Effect:
    """Returns the mean of seed to number."""
    return summarize(values.values())


def difference(ours: Mapping[int, T], theirs: Mapping[int, T]) -> dict[int, T]:
    """Returns seed to `ours - theirs`, for the seeds that both have."""
    seeds = sorted(ours.keys() & theirs.keys())
    return {seed: ours[seed] - theirs[seed] for seed in seeds}


def paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Effect:
    """Returns the mean of `ours - theirs` over the seeds that both have."""
    return level(difference(ours, theirs))


def ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Ratio:
    """Returns `ours / theirs` over the seeds of which both are positive."""
    found = summarize(
        math.log(ours[seed] / theirs[seed])
        for seed in ours.keys() & theirs.keys()
        if ours[seed] > 0 and theirs[seed] > 0
    )
    ends = (math.exp(v) for v in (found.mean, found.low, found.high))
    return Ratio(*ends, found.count)


def against(ours: Effect, mean: float, std: float, runs: int) -> Effect:
    """Returns ours minus the mean of other runs, with the errors of both.

    Args:
        ours: Our mean.
        mean: Theirs.
        std: The standard deviation of theirs, nan where it is not known.
        runs: The number of their runs.

    Returns:
        An `Effect` whose degrees of freedom follow Welch and Satterthwaite.
    """
    error = 0.0 if math.isnan(std) else std / math.sqrt(runs)
    free = _freedom((ours.error, ours.count - 1), (error, runs - 1))
    total = math.hypot(ours.error, error)
    return Effect(ours.mean - mean, total, 0.0, free, ours.count)


def over_samples(
    values: Mapping[int, np.ndarray], largest: float = 0.0
) -> Effect:
    """Returns the mean over seeds and held-out samples.

    The standard errors of both are added as if they were independent, which
    makes the interval a little too wide; their degrees of freedom follow
    Welch and Satterthwaite. For values that are right or wrong, the error of
    the samples is that of Agresti & Min (2005, matched pairs): it adds half a
    sample on which one arm is right, and half a sample on which the other is.
    Twenty samples on which two arms agree are then no certainty.

    Args:
        values: Seed to a value of each held-out sample, such as 100 or 0 for
            right or wrong, or the difference of two arms. An array of one
            value stands for a measure without values of single samples.
        largest: Value of a sample on which the arms differ, such as 100; 0
            where values are not right or wrong. Defaults to 0.
    """
    found = np.stack([values[seed] for seed in sorted(values)]).astype(float)
    num_seeds, num_samples = found.shape
    of_seeds, of_samples = _error(found.mean(1)), 0.0
    if num_samples > 1 and largest:
        means = found.mean(0)
        count = num_samples + 2
        squares = np.sum(means**2) + largest**2 - means.sum() ** 2 / count
        of_samples = math.sqrt(squares) / count
    elif num_samples > 1:
        of_samples = _error(found.mean(0))
    free = _freedom((of_seeds, num_seeds - 1), (of_samples, num_samples - 1))
    return Effect(float(found.mean()), of_seeds, of_samples, free, num_seeds)


def paired_samples(
    ours: Mapping[int, np.ndarray],
    theirs: Mapping[int, np.ndarray],
    largest: float = 0.0,
) -> Effect | None:
    """Returns `over_samples` of `ours - theirs`; `None` without a pair."""
    common = difference(ours, theirs)
    return over_samples(common, largest) if common else None


def correlate(x: Iterable[float], y: Iterable[float]) -> Correlation:
    """Returns the `Correlation` of pairs of which neither part is nan."""
    from scipy import stats  # which takes a second to import

    pairs = np.array(list(zip(x, y, strict=True)), float).reshape(-1, 2)
    left, right = pairs[~np.isnan(pairs).any(1)].T
    count = len(left)
    if count < 2 or not np.ptp(left) or not np.ptp(right):
        return Correlation(*[math.nan] * 4, count)
    pearson = stats.pearsonr(left, right)
    spearman = float(stats.spearmanr(left, right).statistic)
    ends = (math.nan, math.nan)
    # Fisher's transform is infinite at one, and needs four runs.
    if count > 3 and abs(pearson.statistic) < 1:
        ends = map(float, pearson.confidence_interval(CONFIDENCE))
    return Correlation(float(pearson.statistic), spearman, *ends, count)


def _error(values: np.ndarray) -> float:
    if len(values) < 2:
        return math.nan
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def _freedom(*parts: tuple[float, float]) -> float:
    """Returns Welch's and Satterthwaite's degrees of freedom.

    Args:
        parts: Standard errors and their degrees of freedom, 0 for none.
    """
    known = [(error, count) for error, count in parts if count > 0]
    weight = sum(error**4 / count for error, count in known)
    total = sum(error**2 for error, _ in known)
    return (
        total**2 / weight if weight else max((c for _, c in known), default=0)
    )
