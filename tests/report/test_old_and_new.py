"""Old and new held-out samples, and other metrics, in tables and pages."""

import dataclasses

import pytest

from ws_keras.report import assembling
from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import tables
from ws_keras.storage import metric as metrics

MAE = metrics.Metric("mae", "min")


@pytest.fixture
def made(make_arm):
    """Returns a function for rows with measures of their last rounds."""

    def made(metric, **levels):
        found = []
        for arm, some in levels.items():
            for row in make_arm(arm, [50.0] * len(some)):
                value = some[row.seed]
                name = metric.name
                apart = {f"{name}_old": value - 1, f"{name}_new": value + 2}
                found.append(
                    dataclasses.replace(
                        row,
                        labels=metric.labels,
                        measures={
                            **metric.measures(0.5, value),
                            **(apart if row.last else {}),
                        },
                    )
                )
        return found

    return made


def texts(table):
    return [[formatting.text(cell) for cell in line] for line in table.lines]


@pytest.mark.parametrize("metric", [MAE, metrics.ACCURACY])
def test_old_and_new_stand_side_by_side(made, metric):
    table = tables.old_and_new(made(metric, cold=[10, 12], warm=[20, 20]))
    assert table.header == ("arm", "of earlier rounds", "of the last round")
    digits = "" if metric.is_accuracy else "0"
    assert texts(table) == [
        ["cold", f"10.0{digits} ± 1.0{digits}", f"13.0{digits} ± 1.0{digits}"],
        ["warm", f"19.0{digits} ± 0.0{digits}", f"22.0{digits} ± 0.0{digits}"],
    ]


def test_nothing_is_shown_where_nothing_is_told_apart(make_arm):
    assert tables.old_and_new(make_arm("cold", [50.0, 51.0])) is None


def test_tables_are_about_the_metric(made):
    found = made(MAE, cold=[10.0, 12.0], warm=[9.0, 10.0])
    run = runs.Run("own", found)
    (section,) = assembling.sections_of({}, [run])
    _, arms, rounds, costs, *_ = section.blocks
    assert "mae" in arms.header and "accuracy" not in arms.note
    cells = dict(zip(arms.header, arms.lines[1], strict=True))
    assert formatting.text(cells["mae"]) == "9.500 ± 0.500"
    assert cells["minus cold"].value == pytest.approx(-1.5)
    assert "mae after each round" in rounds.title
    assert "Lower is better" in rounds.note
    assert rounds.header == ("samples", "cold (n = 2)", "warm (n = 2)")
    for line in texts(rounds):
        assert line[1:] == ["11.00 ± 1.00", "9.500 ± 0.500"]
    assert "training" in costs.blocks[0].header
    summary = tables.summary(found)
    assert "mae" in summary.header and "accuracy %" not in summary.header


def test_accuracies_stay_accuracies(make_arm):
    run = runs.Run("own", make_arm("cold", [50.0, 51.0]))
    assert "accuracy %" in tables.arms(run).header
