"""Cells keep their types, and are shown as a reader expects them."""

import enum
import math

import pytest

from ws_keras.report import formatting
from ws_keras.report import sections
from ws_keras.report import statistics


class Word(enum.Enum):
    MATCH = "match"


CELLS = [
    (None, "—", math.nan),
    ("cold", "cold", math.nan),
    (241333, "241,333", 241333),
    (0.5, "0.5", 0.5),
    (Word.MATCH, "match", math.nan),
    (sections.Number(51.42), "51.4", 51.42),
    (sections.Number(math.nan), "—", math.nan),
    (sections.Number(51.42, 0.61), "51.4 ± 0.6", 51.42),
    (sections.Number(-8.0, 0.9, is_signed=True), "−8.0 ± 0.9", -8.0),
    (sections.Number(3.7, is_signed=True), "+3.7", 3.7),
    (sections.Number(1234.5, decimals=0), "1,234", 1234.5),
    (sections.Number(62.3, 0.5, before="~"), "~62.3 ± 0.5", 62.3),
    (sections.Number(3, decimals=0, after=" (+1 x)"), "3 (+1 x)", 3),
    (sections.Interval(-2.0, 4.0), "−2.0 to +4.0", 1.0),
    (sections.Interval(86.0, 105.0, 0, False), "86 to 105", 95.5),
    # Two seeds are no small thing to overlook.
    (sections.Interval(-2.0, 4.0, count=2), "n = 2: −2.0 to +4.0", 1.0),
    (sections.Interval(-2.0, 4.0, count=3), "−2.0 to +4.0", 1.0),
]


@pytest.mark.parametrize(("cell", "text", "order"), CELLS)
def test_cells(cell, text, order):
    assert formatting.text(cell) == text
    assert formatting.order(cell) == pytest.approx(order, nan_ok=True)


def test_a_cell_of_another_type_is_refused():
    with pytest.raises(TypeError, match="Received"):
        formatting.text(object())


def test_column_of_numbers_may_have_gaps():
    assert formatting.is_numeric([sections.Number(1.0), None, 3])
    assert not formatting.is_numeric([3, "3.11.7"])
    assert not formatting.is_numeric([Word.MATCH])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (51.42, "51.42"),
        (-8.0, "−8"),
        (241333.0, "241,333"),
        (1e-5, "1e−05"),
        (0, "0"),
        (100.0, "100"),
        (math.nan, "—"),
        (-math.inf, "—"),
    ],
)
def test_number_beside_a_chart(value, text):
    assert formatting.shown(value) == text
    assert formatting.shown(51.42, 0.6) == "51.42 ± 0.6"


def test_heat_maps_share_their_decimals():
    found = formatting.heat([[5, 51.26], [math.nan, -1]])
    assert found == [["5.0", "51.3"], ["", "−1.0"]]


def test_statistics_as_cells():
    gap = statistics.paired({0: 1.0, 1: 2.0, 2: 3.0}, {0: 0.0, 1: 0.0})
    assert formatting.text(formatting.difference(gap)) == "+1.5 ± 0.5"
    cell = formatting.difference(gap, seeds=3)
    assert formatting.text(cell) == "+1.5 ± 0.5 (n = 2)"
    one = statistics.paired({0: 1.0}, {0: 0.0})
    assert formatting.interval(one) is None
    assert formatting.difference(statistics.paired({}, {})) is None
    half = statistics.ratio({0: 1.0, 1: 2.0}, {0: 2.0, 1: 4.0})
    assert formatting.text(formatting.percent(half)) == "50"
    ends = formatting.interval(half)
    assert formatting.text(ends) == "n = 2: 50 to 50"


def test_intervals_in_sentences():
    gap = statistics.level({0: -1.0, 1: -2.0, 2: -3.0})
    assert formatting.in_words(gap.times(-1)) == "95 % interval −0.5 to 4.5"
    two = statistics.level({0: -1.0, 1: -1.0})
    assert formatting.in_words(two) == "n = 2, 95 % interval −1.0 to −1.0"
    one = statistics.level({0: 1.0})
    assert formatting.in_words(one) == "one seed, no interval"
