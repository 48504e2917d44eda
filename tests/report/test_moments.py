import dataclasses

import pytest

from ws_keras.report import moments
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import tables

COLD, WARM = (52.0, 53.0, 54.0), (37.0, 38.5, 39.0)
COLD_ANEW, WARM_ANEW = (55.0, 55.0, 56.0), (38.0, 40.0, 39.5)


@pytest.fixture
def run(make_row):
    found = []
    for arm, usual, anew in (
        ("cold", COLD, COLD_ANEW),
        ("warm", WARM, WARM_ANEW),
    ):
        found += [
            make_row(
                arm=arm,
                seed=seed,
                accuracy=accuracy,
                last=True,
                measures={"shrunk/1/accuracy": again},
            )
            for seed, (accuracy, again) in enumerate(
                zip(usual, anew, strict=True)
            )
        ]
    return runs.Run("fig2_online", found)


def test_both_accuracies_and_what_the_moments_make_of_the_gap(run):
    (fold,) = moments.fold(run)
    said, levels, gaps = fold.blocks
    # Gaps -15, -14.5, -15 and anew -17, -15, -16.5: by hand.
    assert "−14.8 points at the end of the round and −16.2 " in said.text
    assert "account for +1.3 points of the gap" in said.text
    assert "The gap that remains is in the weights" in said.text
    assert levels.header == ("arm", "at the end %", "measured anew %")
    means = [[c.value for c in line[1:]] for line in levels.lines]
    assert means == [
        [53.0, pytest.approx(166 / 3)],
        [pytest.approx(114.5 / 3), pytest.approx(117.5 / 3)],
    ]
    ((arm, usual, _, anew, ends),) = gaps.lines
    assert arm == "warm" and isinstance(ends, sections.Interval)
    assert usual.value == pytest.approx(-44.5 / 3)
    assert anew.value == pytest.approx(-48.5 / 3)


def test_moments_that_account_for_a_part_are_not_denied(run):
    """Gaps of 5 remain of those of 15, 14.5 and 15."""
    rows = [
        dataclasses.replace(
            row,
            measures={
                "shrunk/1/accuracy": 50.0
                - 5 * (row.arm == "warm")
                + 0.1 * row.seed * (row.arm == "warm")
            },
        )
        for row in run.rows
    ]
    (fold,) = moments.fold(runs.Run("fig2_online", rows))
    said = fold.blocks[0].text
    assert "A part of the gap is in the moments" in said
    assert "not in the moments" not in said


def test_a_gap_that_cannot_be_told_is_called_so(run):
    rows = [
        dataclasses.replace(
            row, measures={"shrunk/1/accuracy": 50.0 + row.seed}
        )
        for row in run.rows
    ]
    (fold,) = moments.fold(runs.Run("fig2_online", rows))
    assert "do not show" in fold.blocks[0].text


def test_nothing_is_said_where_nothing_was_measured(make_row):
    rows = [make_row(arm=arm, last=True) for arm in ("cold", "warm")]
    assert moments.fold(runs.Run("fig2_online", rows)) == []


def test_a_network_without_moments_is_not_measured_anew(make_row):
    """Its second measure is the first one, up to rounding."""
    found = [
        make_row(
            arm=arm,
            seed=seed,
            accuracy=accuracy + seed,
            last=True,
            measures={"shrunk/1/accuracy": accuracy + seed + 2e-6},
        )
        for arm, accuracy in (("cold", 14.0), ("warm", 12.0))
        for seed in range(3)
    ]
    run = runs.Run("fig2_online", found)
    assert moments.fold(run) == []
    assert "recalibrated %" not in tables.arms(run).header
