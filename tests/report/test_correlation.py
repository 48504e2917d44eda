"""Coefficients of small samples with closed forms."""

import math

import pytest

from ws_keras.report import correlation


def test_line_and_curve():
    line = correlation.correlate([1, 2, 3], [4, 2, 0])
    assert (line.pearson, line.spearman, line.count) == (-1, -1, 3)
    assert math.isnan(line.low)
    # Ranks agree where values do not lie on a line.
    curve = correlation.correlate([1, 2, 3, 4], [1, 8, 27, 64])
    assert curve.spearman == pytest.approx(1)
    assert curve.pearson == pytest.approx(104 / math.sqrt(5 * 2390))
    reach = 1.96 / math.sqrt(1)
    assert curve.low == pytest.approx(
        math.tanh(math.atanh(curve.pearson) - reach)
    )


def test_ties_share_their_rank():
    found = correlation.correlate([1, 1, 2, 3], [1, 2, 3, 4])
    # Ranks 0.5, 0.5, 2, 3 against 0, 1, 2, 3.
    assert found.spearman == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_what_has_no_spread_has_no_correlation():
    assert math.isnan(correlation.correlate([1, 1], [1, 2]).pearson)
    assert math.isnan(correlation.correlate([], []).pearson)
    found = correlation.correlate([1, math.nan, 2], [1, 5, 2])
    assert found.count == 2
