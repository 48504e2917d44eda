"""Intervals hold what seeds and held-out samples contribute."""

import math

import numpy as np
import pytest
from scipy import stats

from ws_keras.report import statistics


def constant(*means):
    return {seed: np.array([mean]) for seed, mean in enumerate(means)}


def test_over_seeds_alone_it_is_the_t_interval():
    values = [1.0, 2.5, 4.0, 2.0]
    effect = statistics.over_samples(constant(*values))
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert effect.interval() == pytest.approx(tuple(reference))
    assert effect.freedom == 3


def test_over_samples_it_covers_as_often_as_it_says():
    """Seeds and samples of known spread, 2,000 times."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        seeds = rng.normal(0, 1, (4, 1))
        samples = rng.normal(0, 10, (1, 100))
        both = 3 + seeds + samples + rng.normal(0, 5, (4, 100))
        low, high = statistics.over_samples(dict(enumerate(both))).interval()
        inside.append(low < 3 < high)
    # Conservative by little: 95 to 98 %.
    assert 0.945 < np.mean(inside) < 0.985


def test_errors_of_seeds_and_samples_are_added():
    """Welch and Satterthwaite, of 4 seeds and 30 samples, written out."""
    values = np.random.default_rng(2).normal(size=(4, 30)) + np.arange(30)
    effect = statistics.over_samples(dict(enumerate(values)))
    a = values.mean(1).std(ddof=1) / math.sqrt(4)
    b = values.mean(0).std(ddof=1) / math.sqrt(30)
    assert (effect.of_seeds, effect.of_samples) == pytest.approx((a, b))
    free = (a**2 + b**2) ** 2 / (a**4 / 3 + b**4 / 29)
    reach = stats.t.ppf(0.975, free) * math.sqrt(a**2 + b**2)
    middle = values.mean()
    assert effect.interval() == pytest.approx((middle - reach, middle + reach))


def test_seeds_that_agree_do_not_hide_the_spread_of_samples():
    """On noise all seeds may miss the truth alike."""
    right = np.random.default_rng(1).integers(0, 2, 100) * 100.0
    effect = statistics.paired_samples(
        dict.fromkeys(range(5), right),
        dict.fromkeys(range(5), np.roll(right, 1)),
        100.0,
    )
    assert effect.of_seeds == 0
    # Agresti & Min: as many samples each way, and one more of 102.
    unequal = np.sum(right != np.roll(right, 1))
    assert effect.of_samples == pytest.approx(
        100 * math.sqrt(unequal + 1) / 102
    )
    assert not effect.is_within(1.0)


def test_agreement_on_few_samples_is_no_certainty():
    same = dict.fromkeys(range(3), np.full(20, 100.0))
    effect = statistics.paired_samples(same, same, 100.0)
    # Agresti & Min: sqrt(1) / 22 of 100 points.
    assert effect.error == pytest.approx(100 / 22)
    assert not effect.is_within(1.0)
    many = dict.fromkeys(range(3), np.full(2000, 100.0))
    assert statistics.paired_samples(many, many, 100.0).is_within(1.0)


@pytest.mark.parametrize(("better", "worse"), [(20, 0), (7, 3), (0, 1)])
def test_the_error_of_matched_pairs_is_that_of_agresti_and_min(better, worse):
    """Half a sample is added to each of the four cells of the table."""
    ours = np.repeat([100.0, 0.0], [20 - worse, worse])
    theirs = np.repeat([0.0, 100.0], [better, 20 - better])
    effect = statistics.paired_samples({0: ours}, {0: theirs}, 100.0)
    b, c, n = better + 0.5, worse + 0.5, 20 + 2
    error = 100 * math.sqrt(b + c - (b - c) ** 2 / n) / n
    assert effect.of_samples == pytest.approx(error)


def test_equivalence_is_two_one_sided_tests():
    values = [0.2, -0.1, 0.3, 0.0, 0.1]
    effect = statistics.over_samples(constant(*values))
    # At 0.27 only the test at 5 %, not at 2.5 %, finds them equivalent.
    for margin in (0.2, 0.25, 0.27, 0.5):
        above = stats.ttest_1samp(values, -margin, alternative="greater")
        below = stats.ttest_1samp(values, margin, alternative="less")
        both = max(above.pvalue, below.pvalue) < 0.05
        assert effect.is_within(margin) == both
        assert effect.is_above(-margin) == (above.pvalue < 0.05)


def test_one_seed_decides_nothing():
    effect = statistics.over_samples(constant(7.0))
    assert math.isnan(effect.error)
    assert not effect.is_above(-100) and not effect.is_within(100)


def test_pairs_are_those_of_both():
    effect = statistics.paired_samples(constant(1.0, 2.0), {1: np.array([0.5])})
    assert (effect.mean, effect.count) == (1.5, 1)
    assert (
        statistics.paired_samples(constant(1.0), {5: np.array([0.5])}) is None
    )
