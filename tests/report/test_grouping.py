"""Rows are sorted by what may be compared."""

import math

import pytest

from ws_keras.report import grouping
from ws_keras.report import runs


def test_runs_count_what_is_not_finished(make_row):
    rows = [
        make_row(seed=0, round=2, last=True),
        make_row(seed=0, round=1),
        make_row(seed=1, round=1),
        make_row(seed=2, round=1, last=True, stopped_by="nan"),
    ]
    runs = grouping.runs(rows)
    assert [row.round for row in runs.finished[0]] == [1, 2]
    assert list(runs.finished) == [0]
    assert (runs.unfinished, runs.broken) == (1, 1)


def test_arms_are_ordered_and_labelled(make_row):
    rows = [
        make_row(arm="l2_init", shrink=math.nan, perturb=math.nan),
        make_row(arm="shrink_perturb", shrink=0.4, perturb=0.1),
        make_row(arm="shrink_perturb", shrink=0.6, perturb=0.01),
        make_row(arm="warm"),
        make_row(arm="cold"),
    ]
    (arms,) = grouping.cells(rows).values()
    assert list(arms) == [
        "cold",
        "warm",
        "l2_init",
        "shrink_perturb 0.6/0.01",
        "shrink_perturb 0.4/0.1",
    ]


def test_arms_of_nearly_equal_strengths_are_two_arms(make_row):
    rows = [
        make_row(arm="shrink_perturb", shrink=shrink, perturb=1e-5)
        for shrink in (0.1234567, 0.1234568)
    ]
    (arms,) = grouping.cells(rows).values()
    assert list(arms) == [
        "shrink_perturb 0.1234568/1e-5",
        "shrink_perturb 0.1234567/1e-5",
    ]


@pytest.mark.parametrize("sizes", [(500, 500), (1000, 300)])
def test_the_latest_of_unfinished_seeds_is_of_one_round(make_row, sizes):
    """Two parts of a size, or a transfer from a larger data set."""
    rows = [
        make_row(
            seed=seed,
            round=number,
            num_samples=sizes[number - 1],
            accuracy=10.0 * number + seed,
        )
        for seed, number in ((0, 1), (0, 2), (1, 1), (2, 1), (2, 2))
    ]
    cell = grouping.cell(rows[0])
    arm = runs.Arm(cell, "warm", rows, [])
    assert arm.latest() == {0: 10.0, 1: 11.0, 2: 12.0}
    some = [row for row in rows if row.seed != 1]
    assert runs.Arm(cell, "warm", some, []).latest() == {0: 20.0, 2: 22.0}


def test_protocol_is_recognized_by_rounds(
    make_row, online_rows, two_phase_rows
):
    assert grouping.is_online(online_rows)
    assert not grouping.is_online(two_phase_rows)
    started = [make_row(round=1), make_row(round=2, num_samples=2000)]
    assert grouping.is_online(started)
    assert not grouping.is_online([make_row()])


def test_another_network_is_not_compared_with_this_ones_cold(make_arm):
    """A label of the second phase is no matter of a cold start; this is."""
    cold = make_arm("cold", (50.0,), model="mlp")
    for labels, is_paired in (
        ({"second.batch_size": 16}, True),
        ({"model": "mlp_tanh"}, False),
        ({"optimizer": "momentum"}, False),
    ):
        warm = make_arm("warm", (40.0,), model="mlp", labels=labels)
        grouped = grouping.cells([*cold, *warm])
        (key,) = (k for k, arms in grouped.items() if "warm" in arms)
        assert bool(grouping.colds(grouped)[key]) == is_paired


def test_a_second_phase_is_compared_with_its_own_rate_and_batch(make_arm):
    """The first phase of a warm start has others, which no cold one had."""
    first = {"optimizer.learning_rate": 0.001, "train.batch_size": 16}
    last = {"optimizer.learning_rate": 0.1, "train.batch_size": 128}
    second = {"second.learning_rate": 0.1, "second.batch_size": 128}
    found = [
        *make_arm("cold", (50.0,), labels=first),
        *make_arm("cold", (60.0,), labels=last),
        *make_arm("warm", (55.0,), labels=first | second),
    ]
    grouped = grouping.cells(found)
    (key,) = (k for k, arms in grouped.items() if "warm" in arms)
    cold = grouping.colds(grouped)[key]
    assert cold[-1].accuracy == 60.0


def test_a_cell_is_named_after_its_own_model(make_arm):
    """A model with fields of its own is named instead of what it varies."""
    found = [
        *make_arm("warm", (40.0,), model="mlp"),
        *make_arm("warm", (41.0,), model="mlp", labels={"model": "mlp_tanh"}),
        *make_arm(
            "warm", (42.0,), model="mlp", labels={"model": "mlp_tanh", "x": 1}
        ),
    ]
    cells = grouping.cells(found)
    names = [grouping.cell_name(cell, cells) for cell in cells]
    assert sorted(names) == ["mlp", "mlp_tanh", "mlp_tanh, x=1"]
