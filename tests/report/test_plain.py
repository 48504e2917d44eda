"""Numbers are read as they are written."""

import math

import pytest

from ws_keras.report import plain


@pytest.mark.parametrize(
    "text, value",
    [
        ("51.4 ± 0.6", 51.4),
        ("241,333", 241333),
        ("−8.0 ± 0.9", -8),
        ("+3.7 ± 0.8", 3.7),
        ("3 (+1 unfinished)", 3),
        ("1e-05", 1e-5),
        ("1.2e+03 s", 1200),
        (".5", 0.5),
        ("0", 0),
        ("93 %", 93),
        ("93%", 93),
        ("7(2)", 7),
        ("+1.6 to +15.2", 1.6),
        ("0, 1, 2", 0),
    ],
)
def test_number_that_a_text_begins_with(text, value):
    assert plain.number(text) == value


@pytest.mark.parametrize(
    "text",
    ["—", "", "nan", "cold 3", "± 4", "-", "4e95c80", "2.21.0", "1.5+cpu"],
)
def test_text_without_a_number(text):
    assert math.isnan(plain.number(text))


def test_column_of_numbers_may_have_gaps():
    assert plain.is_numeric(["51.4 ± 0.6", "—", ""])
    assert not plain.is_numeric(["51.4", "threshold"])
    assert not plain.is_numeric(["45", "0.08", "4e95c80a", "3.11.7"])


@pytest.mark.parametrize(
    "value, text",
    [
        (51.42, "51.42"),
        (-8.0, "−8"),
        (241333.0, "241,333"),
        (0.5, "0.5"),
        (1e-5, "1e−05"),
        (0, "0"),
        (math.nan, "—"),
        (-math.inf, "—"),
    ],
)
def test_number_beside_a_chart(value, text):
    assert plain.shown(value) == text


def test_number_with_its_error():
    assert plain.shown(51.42, 0.6) == "51.42 ± 0.6"
    assert plain.shown(51.42, math.nan) == "51.42"


def test_cells_share_their_decimals():
    assert plain.cells([[5, 51.26], [math.nan, -1]]) == [
        ["5.0", "51.3"],
        ["", "−1.0"],
    ]


def test_clean_text_can_be_written():
    text = plain.clean("a\x00\x1b\ud800\r\nb\rc\t🔥")
    assert text == "a\ufffd\ufffd\ufffd\nb\nc\t🔥"
    text.encode("utf8")


def test_a_long_text_loses_its_middle():
    assert plain.one_line("a b", 3) == "a b"
    found = plain.one_line("a" * 50 + "b" * 50, 21)
    assert found == "a" * 9 + " … " + "b" * 9
    for longest in range(5, 30):
        assert len(plain.one_line("x" * 40, longest)) == longest
    assert len(plain.wrapped("word " * 10_000, 40)) <= 220
    assert len(plain.name("x" * 10_000)) < len(plain.cell("x" * 10_000)) < 1000


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\x9b", "\x00"])
def test_what_turns_a_text_or_steers_a_terminal_is_replaced(sign):
    assert plain.clean(f"a{sign}b") == "a\ufffdb"
