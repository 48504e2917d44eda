"""Text is cleaned of what cannot be shown, and shortened."""

import pytest

from ws_keras.report import plain


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
