"""Statistics over seeds: means, paired differences, ratios, equivalence."""

import dataclasses
import math
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np
from scipy import special

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Summary:
    """Mean over seeds; std and error are nan for fewer than two seeds."""

    mean: float
    std: float
    error: float  # standard error of the mean
    count: int


@dataclasses.dataclass(frozen=True)
class Effect:
    """A mean difference with its uncertainty, in the unit of the values.

    `of_seeds` and `of_samples` are the standard errors that seeds and
    held-out samples contribute, `freedom` the degrees of freedom of both
    together. With one seed nothing can be decided: `error` is nan.
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
        """Lower end of the 95 % interval; nan where there is none."""
        return self.interval()[0] if self.count > 1 else math.nan

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval; nan where there is none."""
        return self.interval()[1] if self.count > 1 else math.nan

    def times(self, factor: float) -> "Effect":
        """Returns the effect on values that are so many times these."""
        return dataclasses.replace(
            self,
            mean=factor * self.mean,
            of_seeds=abs(factor) * self.of_seeds,
            of_samples=abs(factor) * self.of_samples,
        )

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Returns the two-sided t interval."""
        reach = self._reach((1 + confidence) / 2)
        return self.mean - reach, self.mean + reach

    def is_above(self, bound: float) -> bool:
        """Whether the difference exceeds a bound, by a one-sided t test."""
        return self.mean - self._reach(CONFIDENCE) > bound

    def is_within(self, margin: float) -> bool:
        """Whether it lies within a margin, by two one-sided t tests."""
        reach = self._reach(CONFIDENCE)
        return -margin < self.mean - reach and self.mean + reach < margin

    def _reach(self, probability: float) -> float:
        if self.error == 0:
            return 0.0
        if math.isnan(self.error):
            return math.inf
        return float(special.stdtrit(self.freedom, probability)) * self.error


@dataclasses.dataclass(frozen=True)
class Ratio:
    """Geometric mean of paired ratios and its 95 % interval.

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


def summarize(values: Iterable[float]) -> Summary:
    """Returns mean, standard deviation and standard error over seeds.

    Args:
        values: One number per seed; nan stands for no number.

    Returns:
        A `Summary` of the numbers that are not nan.
    """
    found = np.array([v for v in values if not math.isnan(v)], float)
    mean = float(found.mean()) if found.size else math.nan
    std = float(found.std(ddof=1)) if found.size > 1 else math.nan
    return Summary(mean, std, std / max(found.size, 1) ** 0.5, found.size)


def paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Effect:
    """Returns the difference `ours - theirs` over the seeds of both.

    Args:
        ours: Seed to number.
        theirs: Seed to number.

    Returns:
        An `Effect`, nan without a common seed.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    found = summarize(ours[seed] - theirs[seed] for seed in seeds)
    return Effect(found.mean, found.error, 0.0, found.count - 1, found.count)


def level(values: Mapping[int, float]) -> Effect:
    """Returns the mean of a number of each seed, as an `Effect` against 0."""
    return paired(values, dict.fromkeys(values, 0.0))


def ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Ratio:
    """Returns `ours / theirs` over the seeds of which both are positive."""
    logs = {
        seed: math.log(ours[seed] / theirs[seed])
        for seed in ours.keys() & theirs.keys()
        if ours[seed] > 0 and theirs[seed] > 0
    }
    found = level(logs)
    ends = (math.exp(v) for v in (found.mean, found.low, found.high))
    return Ratio(*ends, found.count)


def against(ours: Summary, mean: float, std: float, runs: int) -> Effect:
    """Returns ours minus a mean of other runs, with the error of both.

    Args:
        ours: Our `Summary`.
        mean: Theirs.
        std: Its standard deviation, nan where none is known.
        runs: How many runs it is of.

    Returns:
        An `Effect` whose degrees of freedom follow Welch and Satterthwaite.
    """
    error = 0.0 if math.isnan(std) else std / math.sqrt(runs)
    parts = [(ours.error, ours.count - 1), (error, runs - 1)]
    total = math.hypot(ours.error, error)
    free = freedom(parts)
    return Effect(ours.mean - mean, total, 0.0, free, ours.count)


def freedom(parts: Iterable[tuple[float, float]]) -> float:
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


def correlate(x: Iterable[float], y: Iterable[float]) -> Correlation:
    """Returns the `Correlation` of pairs of which neither part is nan."""
    from scipy import stats  # which takes a second to import

    pairs = [
        pair
        for pair in zip(x, y, strict=True)
        if not any(map(math.isnan, pair))
    ]
    x, y = np.array(pairs, float).reshape(-1, 2).T
    count = len(pairs)
    if count < 2 or not np.ptp(x) or not np.ptp(y):
        return Correlation(*[math.nan] * 4, count)
    pearson = stats.pearsonr(x, y)
    spearman = float(stats.spearmanr(x, y).statistic)
    ends = (math.nan, math.nan)
    # At one Fisher's transform is infinite; so few runs have no spread.
    if count > 3 and abs(pearson.statistic) < 1:
        ends = map(float, pearson.confidence_interval(CONFIDENCE))
    return Correlation(float(pearson.statistic), spearman, *ends, count)
