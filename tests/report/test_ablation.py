import dataclasses

import pytest

from ws_keras.report import ablation
from ws_keras.report import runs

# Choice -> accuracies of cold and of warm, by seed.
ROWS = {
    None: ((50.0, 52.0, 54.0), (40.0, 43.0, 44.0)),
    "clean": ((51.0, 54.0, 55.0), (41.0, 42.0, 44.0)),
}


@pytest.fixture
def rows(make_row):
    found = []
    for choice, arms in ROWS.items():
        for arm, values in zip(("cold", "warm"), arms, strict=True):
            found += [
                make_row(
                    setting=f"e/{choice}/{arm}/seed{seed}",
                    arm=arm,
                    seed=seed,
                    accuracy=value,
                    sample_passes=2000 if choice else 1000,
                    labels={"choice": choice} if choice else {},
                    last=True,
                )
                for seed, value in enumerate(values)
            ]
    return found


def test_each_choice_beside_the_usual_protocol_of_the_same_seed(rows):
    (fold,) = ablation.fold("choice")(runs.Run("fig2_online", rows))
    (table,) = fold.blocks
    assert [line[:2] for line in table.lines] == [
        ("clean", "cold"),
        ("clean", "warm"),
    ]
    lines = [dict(zip(table.header, line, strict=True)) for line in table.lines]
    cold, warm = lines
    assert cold["change"].value == pytest.approx(4 / 3)
    assert cold["change of the gap"] is None
    assert warm["change"].value == pytest.approx(0)
    # Gaps -10, -9, -10 become -10, -12, -11.
    assert warm["change of the gap"].value == pytest.approx(-4 / 3)
    # Their differences 0, -3, -1: mean -4/3, deviation 1.5275, n = 3, t 4.3027.
    assert warm["95 % interval"].low == pytest.approx(-5.128, abs=2e-3)
    assert warm["passes, % of usual"].value == pytest.approx(200)
    assert warm["seeds"] == 3


def test_a_cold_start_that_ends_elsewhere_is_not_alike(rows):
    (found,) = ablation.alike("choice")(runs.Run("fig2_online", rows))
    assert "clean" in found.claim and found.answer.value == "inconclusive"
    shifted = [
        dataclasses.replace(row, accuracy=row.accuracy + 20)
        if row.labels and row.arm == "cold"
        else row
        for row in rows
    ]
    (found,) = ablation.alike("choice")(runs.Run("fig2_online", shifted))
    assert found.answer.value == "does not hold"


def test_without_a_changed_choice_there_is_nothing(rows):
    usual = [row for row in rows if not row.labels]
    assert ablation.fold("choice")(runs.Run("fig2_online", usual)) == []
