"""Verdicts follow the band of a number: deviations, points or a share."""

import math

import pytest

from ws_keras.results import bands
from ws_keras.results import statistics


def _summary(mean, std=math.nan, count=3):
    return statistics.Summary(mean, std, std / 3**0.5, count)


@pytest.mark.parametrize(
    ("printed", "ours", "expected"),
    [
        # 2 * hypot(0.3, 0.4) is 1.
        (bands.Printed(50.0, 0.4), _summary(51.0, 0.3), "match"),
        (bands.Printed(50.0, 0.4), _summary(51.1, 0.3), "differs"),
        # At least half a point.
        (bands.Printed(50.0, 0.0), _summary(50.5, 0.0), "match"),
        (bands.Printed(50.0), _summary(52.0), "match"),
        (bands.Printed(50.0), _summary(52.1), "differs"),
        (bands.Printed(50.0, points=3.0), _summary(47.0), "match"),
        (bands.Printed(0.5, share=0.3), _summary(0.65), "match"),
        (bands.Printed(0.5, share=0.3), _summary(0.66), "differs"),
    ],
)
def test_bands(printed, ours, expected):
    assert bands.verdict(ours, printed) == expected


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
