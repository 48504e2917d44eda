"""How far two arms differ, in numbers that a statistician would sign.

A difference of accuracies is uncertain for two reasons: other seeds would
give other networks, and other held-out samples would give other accuracies.
An interval over seeds alone leaves the second out, which all seeds share.
"""

import math
from collections.abc import Mapping

import numpy as np

from ws_keras.report import statistics

Effect = statistics.Effect


def of(values: Mapping[int, np.ndarray], largest: float = 0.0) -> Effect:
    """Returns the mean of values of samples, over seeds and samples.

    The standard errors of both are added as if they were independent, which
    is a little more than they are together; their degrees of freedom follow
    Welch and Satterthwaite. Where values are right or wrong, the error of the
    samples is that of Agresti & Min (2005, matched pairs): half a sample is
    added in which one arm is right, and half of one for the other. So twenty
    samples on which two arms agree do not count as certainty.

    Args:
        values: Seed to a value for each held-out sample, such as 1 or 0 for
            right or wrong, or the difference of two arms; an array of one
            value stands for a measure that has none for single samples.
        largest: Value of a sample on which the arms differ, such as 100;
            0 where values are not right or wrong. Defaults to 0.

    Returns:
        An `Effect`.
    """
    found = np.stack([values[seed] for seed in sorted(values)]).astype(float)
    num_seeds, num_samples = found.shape
    of_seeds = _error(found.mean(1)) if num_seeds > 1 else math.nan
    of_samples = 0.0
    if num_samples > 1:
        of_samples = _error_of_samples(found.mean(0), largest)
    parts = [(of_seeds, num_seeds - 1), (of_samples, num_samples - 1)]
    # Of one seed there is no error: freedom is then that of the samples.
    free = statistics.freedom(parts)
    return Effect(float(found.mean()), of_seeds, of_samples, free, num_seeds)


def difference(
    ours: Mapping[int, np.ndarray],
    theirs: Mapping[int, np.ndarray],
    largest: float = 0.0,
) -> Effect | None:
    """Returns the paired difference `ours - theirs` over common seeds.

    Args:
        ours: Seed to a value for each held-out sample.
        theirs: Likewise, of the same samples.
        largest: See `of`. Defaults to 0.

    Returns:
        An `Effect`, or `None` without a common seed.
    """
    common = ours.keys() & theirs.keys()
    if not common:
        return None
    pairs = {seed: ours[seed] - theirs[seed] for seed in common}
    return of(pairs, largest)


def _error_of_samples(means: np.ndarray, largest: float) -> float:
    if not largest:
        return _error(means)
    squares = np.sum((means - means.mean()) ** 2) + largest**2
    return math.sqrt(squares) / (len(means) + 2)


def _error(means: np.ndarray) -> float:
    return float(means.std(ddof=1)) / math.sqrt(len(means))
