"""Claims are decided by intervals, and never by one seed."""

import pytest

from ws_keras.report import signs

# Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), interval 4.303 of
# them to each side.
OURS = {0: 11.0, 1: 12.0, 2: 13.0}
THEIRS = {0: 10.0, 1: 10.0, 2: 10.0}
WORDS = "difference +2.0, 95 % interval −0.5 to +4.5, n = 3"


@pytest.mark.parametrize(
    ("least", "verdict"),
    [(-1.0, "holds"), (0.0, "not decided"), (5.0, "does not hold")],
)
def test_above(least, verdict):
    sign = signs.above("x", OURS, THEIRS, least)
    assert (sign.verdict, sign.because) == (verdict, WORDS)


def test_between():
    assert signs.between("x", OURS, THEIRS, -1, 5).answer is True
    assert signs.between("x", OURS, THEIRS, 5, 6).answer is False
    assert signs.between("x", OURS, THEIRS, 0, 5).answer is None


def test_no_difference_is_not_above():
    assert signs.above("x", THEIRS, THEIRS).answer is False
    assert signs.between("x", THEIRS, THEIRS, 0, 0).answer is True


def test_few_seeds_decide_nothing():
    one = signs.above("x", {0: 99.0}, THEIRS)
    assert (one.verdict, one.because) == (
        "not decided",
        "difference +89.0, n = 1",
    )
    none = signs.above("x", {}, THEIRS)
    assert (none.verdict, none.because) == ("not decided", "not run")
    assert signs.beyond_spread("x", {0: 99.0}, THEIRS).because == "n = 1"


def test_spread():
    """Deviations 1 and 0, so a band of 2."""
    near = {0: 9.0, 1: 10.0, 2: 11.0}
    far = {0: 11.5, 1: 12.5, 2: 13.5}
    assert signs.beyond_spread("x", far, THEIRS).answer is True
    assert signs.beyond_spread("x", near, THEIRS).answer is False
    assert signs.within_spread("x", near, THEIRS).answer is True
    assert signs.within_spread("x", far, THEIRS).answer is False


def test_every():
    yes, no, open_ = (
        signs.Sign(name, answer, "b")
        for name, answer in (("y", True), ("n", False), ("o", None))
    )
    assert signs.every("c", [yes, yes]).because == "2 of 2 hold"
    assert signs.every("c", [yes, open_]).answer is None
    assert signs.every("c", [yes, open_, no]).answer is False
    assert signs.every("c", [yes, no]).because == "1 of 2 hold; 1 not: n (b)"
    assert signs.every("c", []).because == "not run"
    partial = signs.every("c", [yes, yes], "3 settings are not finished")
    assert partial.answer is None
    assert partial.because == "2 of 2 hold; 3 settings are not finished"
    assert signs.every("c", [no], "x").answer is False


def test_table():
    found = signs.table([signs.Sign("c", None, "not run")])
    assert found.header == ("claim", "verdict", "because")
    assert found.lines == (("c", "not decided", "not run"),)


def test_a_number_of_its_own_has_no_sign():
    """Mean 12, standard error 1 / sqrt(3)."""
    sign = signs.measured("x", OURS, "ratio", 9.0)
    assert sign.because == "ratio 12.0, 95 % interval 9.5 to 14.5, n = 3"
    assert sign.answer is True
    assert signs.measured("x", OURS, "ratio", 9.0, 12.0).answer is None
    assert signs.measured("x", OURS, "ratio", 15.0).answer is False


def test_a_reason_against_decides_nothing():
    sign = signs.above("x", OURS, THEIRS, -1)
    assert signs.unless("", sign) == sign
    against = signs.unless("no end", sign)
    assert (against.verdict, against.because) == (
        "not decided",
        f"no end; {WORDS}",
    )
