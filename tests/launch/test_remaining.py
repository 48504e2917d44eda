"""The time that is left: nothing, a range, and never a lie."""

import random

import pytest

from launch import remaining
from ws_keras.storage import rows


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def row(setting, number, train=60.0, trace=0.0, evaluation=0.0, last=False):
    return rows.Row(
        **dict.fromkeys(("seed", "steps", "sample_passes", "epochs"), 0),
        **dict.fromkeys(("experiment", "arm", "dataset", "model"), "own"),
        **dict.fromkeys(("shrink", "perturb", "eval_loss", "loss"), 0.0),
        **dict.fromkeys(("train_accuracy", "accuracy"), 90.0),
        setting=setting,
        round=number,
        num_samples=1000,
        train_seconds=train,
        trace_seconds=trace,
        eval_seconds=evaluation,
        stopped_by="threshold",
        last=last,
        optimizer="adam",
    )


def begin(costs):
    clock = Clock()
    return remaining.Remaining(costs, clock), clock


def test_nothing_is_said_before_a_round_has_ended():
    left, clock = begin({"a": [1000, 2000]})
    assert left.text() == ""
    clock.now += 100
    assert left.text() == ""
    # A round of an earlier command says nothing of the speed.
    left.known(row("a", 1))
    assert left.text() == ""


def test_the_estimate_is_in_the_range_and_runs_down():
    left, clock = begin({"a": [1000] * 5})
    clock.now += 600
    left.ended(row("a", 1, train=600.0))
    # 40 minutes are expected; one round says that to two thirds.
    assert left.text() == "14 to 66 min left"
    clock.now += 600
    assert left.text() == "10 to 50 min left"
    # It has taken longer than expected: nobody knows by how much.
    clock.now += 2400
    assert left.text() == ""


def test_nothing_is_left_at_the_end():
    left, clock = begin({"a": [1000, 1000]})
    clock.now += 60
    left.ended(row("a", 1))
    left.ended(row("a", 2, last=True))
    assert left.text() == ""


def test_a_setting_that_ended_early_leaves_its_other_rounds_out():
    left, clock = begin({"a": [1000, 1000, 1000], "b": [1000]})
    clock.now += 60
    left.ended(row("a", 1, last=True))
    assert left.text() == "less than 2 min left"
    left.ended(row("b", 1, last=True))
    assert left.text() == ""


def test_tracing_is_counted_once_for_each_setting():
    """A first round of 10 s after 100 s of tracing is not 110 s a round."""
    costs = {name: [1000] * 10 for name in "ab"}
    left, clock = begin(costs)
    clock.now += 110
    left.ended(row("a", 1, train=10.0, trace=100.0))
    assert left._whole() == pytest.approx(19 * 10 + 100)


def test_workers_side_by_side_share_the_work():
    left, clock = begin({name: [1000, 1000] for name in "abcd"})
    clock.now += 60
    for name in "abcd":
        left.ended(row(name, 1))
    assert left._whole() == pytest.approx(60)


def test_what_was_done_before_is_not_left():
    left, clock = begin({"a": [1000] * 4})
    left.done_before("a", 2)
    clock.now += 60
    left.ended(row("a", 3))
    assert left._whole() == pytest.approx(60)


def test_the_range_holds_what_comes_and_the_estimate_hardly_climbs():
    """Rounds of 0.5 to 1.5 times what was expected, twenty runs."""
    held = looked = 0
    for seed in range(20):
        rng = random.Random(seed)
        taken = [60 * rng.uniform(0.5, 1.5) for _ in range(40)]
        left, clock = begin({"a": [1000.0] * 40})
        for number, seconds in enumerate(taken, 1):
            clock.now += seconds
            left.ended(row("a", number, train=seconds))
            rest = sum(taken[number:])
            if 0 < number < 40:
                estimate = left._whole()
                part = 0.15 + 0.5 / number**0.5
                looked += 1
                held += (1 - part) * estimate <= rest <= (1 + part) * estimate
    assert held / looked > 0.9


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.2, "1 s"),
        (3, "3 s"),
        (90, "2 min"),
        (8000, "2 h 13 min"),
        (3600, "1 h 00 min"),
    ],
)
def test_durations(seconds, text):
    assert remaining.duration(seconds) == text


@pytest.mark.parametrize(
    "low, high, text",
    [
        (1, 50, "less than a minute"),
        (20, 100, "less than 2 min"),
        (70, 200, "1 to 4 min"),
        (1800, 5000, "30 to 84 min"),
        (3000, 6000, "0.5 to 2 h"),
        (40000, 80000, "11 to 23 h"),
    ],
)
def test_ranges_are_rounded_outwards(low, high, text):
    assert remaining.between(low, high) == text
