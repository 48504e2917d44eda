"""Statistics agree with numbers computed by hand and with printed tables."""

import math

import numpy as np
import pytest
from scipy import stats

from ws_keras.report import statistics


def test_summary_of_three_seeds():
    summary = statistics.summarize([1.0, 2.0, 6.0])
    assert summary.count == 3
    assert summary.mean == pytest.approx(3.0)
    assert summary.error == pytest.approx(math.sqrt(7.0 / 3.0))


def test_one_seed_has_no_error_and_none_has_no_mean():
    one = statistics.summarize([5.0, math.nan])
    assert (one.mean, one.count) == (5.0, 1)
    assert math.isnan(one.error)
    none = statistics.summarize([])
    assert none.count == 0
    assert math.isnan(none.mean)


def test_paired_difference_uses_common_seeds_only():
    ours = {0: 50.0, 1: 54.0, 2: 57.0, 9: 0.0}
    theirs = {0: 51.0, 1: 52.0, 2: 54.0, 8: 99.0}
    gap = statistics.paired(ours, theirs)
    assert gap.count == 3
    assert gap.mean == pytest.approx(4 / 3)
    error = math.sqrt(13 / 3) / math.sqrt(3)
    assert gap.error == pytest.approx(error)
    assert gap.low == pytest.approx(4 / 3 - 4.30265273 * error)
    assert gap.high == pytest.approx(4 / 3 + 4.30265273 * error)


def test_paired_difference_of_one_seed_has_no_interval():
    gap = statistics.paired({0: 2.0}, {0: 1.0})
    assert (gap.mean, gap.count) == (1.0, 1)
    assert math.isnan(gap.low)


@pytest.mark.parametrize(
    ("values", "decides"), [((5.0, 5.1), False), ((5.0, 5.1, 5.05), True)]
)
def test_two_seeds_that_agree_decide_nothing(values, decides):
    found = statistics.level(dict(enumerate(values)))
    assert found.low > 0  # whatever the interval says
    assert found.decides == decides
    assert found.sign == found.times(-2).sign * -1 == decides
    assert found.is_within(10.0) == decides
    assert not found.is_within(5.0)


@pytest.mark.parametrize(
    ("values", "sign"),
    # The t interval of three seeds reaches 4.3 standard errors, here 0.248.
    [((0.1, 0.2, 0.3), 0), ((0.2, 0.3, 0.4), 1)],
)
def test_a_sign_is_decided_where_the_interval_leaves_out_0(values, sign):
    found = statistics.summarize(values)
    assert (found.sign, found.times(-1).sign) == (sign, -sign)


def test_interval_is_scipys():
    values = [1.0, 2.5, 4.0, 2.0]
    found = statistics.level(dict(enumerate(values)))
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(reference))


def test_ratio_has_the_interval_of_its_logarithm():
    ours, theirs = {0: 55.0, 1: 60.0, 2: 52.0}, {0: 100.0, 1: 98.0, 2: 103.0}
    found = statistics.ratio({**ours, 7: 1.0}, {**theirs, 8: 1.0})
    logs = [math.log(ours[s] / theirs[s]) for s in ours]
    reference = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert found.count == 3
    assert found.mean == pytest.approx(math.exp(np.mean(logs)))
    assert (found.low, found.high) == pytest.approx(
        tuple(map(math.exp, reference))
    )


def test_ratio_to_nothing_is_none():
    found = statistics.ratio({0: 1.0, 1: 0.0}, {0: 0.0, 1: 5.0})
    assert found.count == 0 and math.isnan(found.mean)


def test_error_against_other_runs_is_that_of_both():
    """Welch's test on samples with these means and deviations."""
    ours = [78.0, 79.0, 80.5, 79.5]
    theirs = np.array([77.0, 78.0, 79.0, 80.0, 81.0])
    found = statistics.against(
        statistics.summarize(ours), theirs.mean(), theirs.std(ddof=1), 5
    )
    reference = stats.ttest_ind(
        ours, theirs, equal_var=False
    ).confidence_interval(0.95)
    assert found.interval() == pytest.approx(tuple(reference))


def test_correlation_of_known_pairs():
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 7.0]
    found = statistics.correlate([*x, math.nan], [*y, 9.0])
    assert found.count == 5
    assert found.pearson == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found.spearman == pytest.approx(0.8)
    reach = 1.959964 / math.sqrt(2)
    middle = math.atanh(found.pearson)
    assert found.low == pytest.approx(math.tanh(middle - reach), rel=1e-5)
    assert found.high == pytest.approx(math.tanh(middle + reach), rel=1e-5)


@pytest.mark.parametrize("x", [[], [1.0], [1.0, 1.0, 1.0]])
def test_what_does_not_vary_has_no_correlation(x):
    found = statistics.correlate(x, x)
    assert math.isnan(found.pearson) and math.isnan(found.low)


def test_an_interval_of_a_correlation_takes_four_pairs_and_a_spread():
    few = statistics.correlate([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
    assert (few.pearson, few.count) == (pytest.approx(0.5), 3)
    line = statistics.correlate(range(5), range(0, 10, 2))
    assert line.pearson == pytest.approx(1.0)
    for found in (few, line):
        assert math.isnan(found.low) and math.isnan(found.high)
