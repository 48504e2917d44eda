"""Ours and a paper's number: equivalent, different, or neither."""

import pytest

from ws_keras.report import comparison
from ws_keras.report import statistics


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        # Far, but so uncertain that nothing can be said.
        ((80.0, 0.5), (68.0, 76.0, 72.0), "inconclusive"),
        ((80.0, 0.5), (78.4, 78.5, 78.6), "differs"),
        ((80.0, 0.5), (79.9, 80.0, 80.1), "match"),
        ((80.0, 0.5), (79.2, 79.3, 79.4), "inconclusive"),
        ((80.0, 2.5), (79.9, 80.0, 80.1), "inconclusive"),
        ((80.0, 0.0), (80.5, 80.5, 80.5), "match"),
        ((80.0, 0.0), (81.5, 81.5, 81.5), "differs"),
        # Two seeds may agree by chance.
        ((80.0, 0.0), (80.0, 80.0), "inconclusive"),
        ((80.0, 0.0), (70.0, 70.0), "inconclusive"),
        ((80.0, 0.5), (80.0,), "inconclusive"),
        ((80.0,), (68.0,), "inconclusive"),
        ((80.0, 0.5), (), "unfinished"),
    ],
)
def test_equivalence_within_a_point(theirs, ours, expected):
    found = comparison.compare(statistics.summarize(ours), *theirs)
    assert found.value == expected


@pytest.mark.parametrize(
    ("tolerance", "level", "expected"),
    [
        (2.0, 51.9, "match"),
        (2.0, 52.1, "differs"),
        (3.0, 47.1, "match"),
        (3.0, 46.9, "differs"),
        (15.0, 64.0, "match"),
    ],
)
def test_margins(tolerance, level, expected):
    ours = statistics.summarize([level] * 3)
    found = comparison.compare(ours, 50.0, tolerance=tolerance)
    assert found.value == expected
