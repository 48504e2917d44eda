"""Verdicts follow the band of a number: deviations, points or a share."""

import numpy as np
import pytest
from scipy import stats

from ws_keras.report import bands
from ws_keras.report import statistics


def _summary(mean, std=0.0, count=3):
    return statistics.Summary(mean, std, std / count**0.5, count)


@pytest.mark.parametrize(
    ("printed", "ours", "expected"),
    [
        # Far, but so uncertain that nothing can be said.
        ((80.0, 0.5), (68.0, 76.0, 72.0), "inconclusive"),
        ((80.0, 0.5), (78.4, 78.5, 78.6), "differs"),
        ((80.0, 0.5), (79.9, 80.0, 80.1), "match"),
        ((80.0, 0.5), (79.2, 79.3, 79.4), "inconclusive"),
        ((80.0, 2.5), (79.9, 80.0, 80.1), "inconclusive"),
        ((80.0, 0.0), (80.5, 80.5), "match"),
        ((80.0, 0.0), (81.5, 81.5), "differs"),
        ((80.0, 0.5), (80.0,), "inconclusive"),
        ((80.0,), (68.0,), "inconclusive"),
        ((80.0,), (79.4, 79.5, 79.6), "match"),
        ((80.0,), (77.4, 77.5, 77.6), "differs"),
        # Not 0, and not more than the two points of a figure.
        ((80.0,), (78.0, 78.2, 78.6), "inconclusive"),
    ],
)
def test_equivalence_within_a_margin(printed, ours, expected):
    summary = statistics.summarize(ours)
    assert bands.verdict(summary, bands.Printed(*printed)) == expected


@pytest.mark.parametrize(
    ("printed", "ours", "expected"),
    [
        (bands.Printed(50.0, points=3.0), 47.1, "match"),
        (bands.Printed(50.0, points=3.0), 46.9, "differs"),
        (bands.Printed(0.5, share=0.3), 0.64, "match"),
        (bands.Printed(0.5, share=0.3), 0.66, "differs"),
        (bands.Printed(50.0, 0.0, least=2.0), 51.9, "match"),
    ],
)
def test_margins(printed, ours, expected):
    assert bands.verdict(_summary(ours), printed) == expected


def test_error_is_that_of_both():
    """Welch's test on samples with these means and deviations."""
    ours = statistics.summarize([78.0, 79.0, 80.5, 79.5])
    theirs = np.array([77.0, 78.0, 79.0, 80.0, 81.0])
    number = bands.Printed(theirs.mean(), theirs.std(ddof=1))
    found = number.difference(ours)
    reference = stats.ttest_ind(
        [78.0, 79.0, 80.5, 79.5], theirs, equal_var=False
    ).confidence_interval(0.95)
    assert found.interval() == pytest.approx(tuple(reference))


def test_what_cannot_be_compared_has_no_verdict():
    printed, nothing = bands.Printed(50.0), statistics.summarize([])
    assert bands.verdict(_summary(50.0), None) == "—"
    assert bands.verdict(None, printed) == "not run"
    assert bands.verdict(nothing, printed) == "not run"
    assert bands.verdict(nothing, printed, begun=True) == "unfinished"
    found = bands.verdict(_summary(50.0), printed, other_protocol=True)
    assert found == "other protocol"


def test_numbers_are_shown_as_printed():
    assert bands.Printed(16.9, 0.18).text == "16.9 (0.18)"
    assert bands.Printed(-7.0).text == "−7.0"
    assert bands.Printed(1.118, share=0.3, decimals=2).text == "1.12"
