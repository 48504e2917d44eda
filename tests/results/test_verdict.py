"""A verdict says no more than its seeds do."""

import pytest

from ws_keras.results import verdict

WORSE = "It did not pay: it generalizes worse."
NOTHING = "It did not pay: it saved nothing."
OPEN = "Not decided: it may be worse by a point. Give more seeds."
PAID = "It paid."


@pytest.fixture
def judge(make_arm):
    """Returns a function for the sentence about a warm arm beside a cold one.

    The cold one ends at 50 %, after 1000 sample passes a round.
    """

    def judge(*gaps, passes=600, cold_passes=1000):
        cold = make_arm("cold", [50.0] * len(gaps), sample_passes=cold_passes)
        ours = [50.0 + gap for gap in gaps]
        warm = make_arm("warm", ours, sample_passes=passes)
        _, line = verdict.verdict(cold + warm).split("\n")
        return line

    return judge


@pytest.mark.parametrize(
    ("gaps", "passes", "words"),
    [
        # The t interval of three seeds reaches 4.3 standard errors.
        ((-4.0, -4.5, -5.0), 600, WORSE),
        ((-0.2, -0.3, -0.4), 600, WORSE),
        ((-1.0, -2.0, -3.5), 600, OPEN),
        ((0.0, 2.0, 4.0), 600, OPEN),
        ((0.4, 0.5, 0.6), 600, PAID),
        ((-0.1, 0.0, 0.1), 600, PAID),
        ((0.4, 0.5, 0.6), 1000, NOTHING),
        ((-4.0, -4.5, -5.0), 1000, WORSE),
        ((0.0, 2.0, 4.0), 1000, NOTHING),
        # One seed is trusted to a point.
        ((-0.9,), 600, PAID),
        ((-1.1,), 600, WORSE),
        ((-0.9,), 1000, NOTHING),
    ],
)
def test_what_the_interval_decides(judge, gaps, passes, words):
    assert judge(*gaps, passes=passes).endswith(f" {words}")


def test_numbers_that_decide_are_said(judge):
    assert (
        ": +0.5 points against cold (standard error 0.1, 95 % interval +0.3 to "
        "+0.7, 3 seeds) for 60% of its sample passes. "
    ) in judge(0.4, 0.5, 0.6)
    assert "−0.9 points against cold (one seed, no error bar)" in judge(-0.9)


def test_cold_that_took_no_pass_cannot_be_undercut(judge):
    line = judge(0.5, cold_passes=0)
    assert line.endswith(f" for 1,200, not 0, sample passes. {NOTHING}")


def test_seeds_without_their_pair_decide_nothing(make_arm):
    cold = make_arm("cold", [50.0, 50.0])
    warm = [row for row in make_arm("warm", [0, 0, 60.0]) if row.seed == 2]
    _, line = verdict.verdict(cold + warm).split("\n")
    assert line.startswith("warm: 60.0 % held out after 20 epochs")
    assert line.endswith(
        ". Not decided: no seed of both it and cold is finished."
    )


def test_arm_without_cold_has_its_numbers(make_arm):
    line = verdict.verdict(make_arm("warm", [60.0]))
    assert line == "warm: 60.0 % held out after 20 epochs, 5.0 s."


def test_costs_are_those_of_pairs(make_arm):
    """Of two warm seeds the dear one is cold's pair."""
    cold = make_arm("cold", [50.0], sample_passes=1000)
    warm = make_arm("warm", [51.0, 51.0], sample_passes=1100)
    for row in warm:
        if row.seed == 1:
            object.__setattr__(row, "sample_passes", 100)
    _, line = verdict.verdict(cold + warm).split("\n")
    assert "for 110% of its sample passes" in line
    assert line.endswith(NOTHING)
