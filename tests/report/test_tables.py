"""Tables hold typed cells, and those of a terminal fit it."""

import math

import pytest

from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import tables
from ws_keras.report import terminal


def texts(table):
    """Header to the texts of a column."""
    columns = zip(table.header, *table.lines, strict=True)
    return {name: [*map(formatting.text, cells)] for name, *cells in columns}


def arms(found, **options):
    return tables.arms(runs.Run("own", found, **options))


def test_arms_of_many_rounds(online_rows):
    table = arms(online_rows)
    assert texts(table) == {
        "arm": ["cold", "warm", "shrink_perturb 0.6/0.01"],
        "accuracy %": ["47.5 ± 0.5", "45.5 ± 0.5", "48.5 ± 0.5"],
        "minus cold": ["—", "−2.0 ± 0.0", "+1.0 ± 0.0"],
        "95 % interval": ["—", "n = 2: −2.0 to −2.0", "n = 2: +1.0 to +1.0"],
        "passes, % of cold": ["—", "100", "100"],
        "interval of passes": ["—", "n = 2: 100 to 100", "n = 2: 100 to 100"],
        "seeds": ["2", "2", "2"],
    }
    # Numbers stay numbers until they are drawn.
    assert table.lines[1][2] == sections.Number(-2.0, 0.0, is_signed=True)


def test_only_what_varies_names_a_cell(make_arm):
    found = [
        *make_arm("cold", (50,), model="mlp", labels={"x": 0.1}),
        *make_arm("cold", (51,), model="logistic", labels={"x": 0.1}),
    ]
    table = arms(found)
    assert table.header[:2] == ("model", "arm")
    assert "x" not in table.header


def test_unfinished_seeds_are_counted_and_shown_so_far(make_row):
    found = [
        make_row(arm="cold", accuracy=31.0),
        make_row(arm="cold", round=2, num_samples=2000, accuracy=35.0),
        make_row(arm="warm", accuracy=30.0),
        make_row(
            arm="warm", seed=1, last=True, stopped_by="nan", loss=math.nan
        ),
    ]
    columns = texts(arms(found))
    assert columns["accuracy %"] == [
        "35.0 (round 2 so far)",
        "30.0 (round 1 so far)",
    ]
    assert columns["seeds"] == [
        "0 (+1 unfinished)",
        "0 (+1 unfinished, +1 ended by nan)",
    ]


def test_fewer_pairs_than_seeds_are_counted(make_arm):
    found = [*make_arm("cold", (56, 57)), *make_arm("warm", (52, 53, 54))]
    assert texts(arms(found))["minus cold"][1] == "−4.0 ± 0.0 (n = 2)"


def test_recalibrated_accuracy_is_a_second_column(make_arm):
    measures = {"shrunk/1/accuracy": 76.0, "shrunk/1/entropy": 1.0}
    found = make_arm("cold", (75, 75), last_fields={"measures": measures})
    table = arms(found)
    assert texts(table)["recalibrated %"] == ["76.0 ± 0.0"]
    assert "moments of batch norm were measured again" in table.note


def test_gains_are_told_apart_from_those_of_round_1(make_row):
    found = []
    for name, first, last in (
        ("cold", 30, 50),
        ("warm", 29, 40),
        ("fire", 29, 50),  # which does nothing before the first round
        ("shrink_perturb", 36, 58),
    ):
        for seed in range(2):
            for number in (1, 2, 3):
                found.append(
                    make_row(
                        arm=name,
                        seed=seed,
                        round=number,
                        num_samples=1000 * number,
                        accuracy=float(last if number == 3 else first),
                        last=number == 3,
                    )
                )
    (table,) = tables.gains(runs.Run("own", found))
    columns = texts(table)
    assert columns["arm"] == ["shrink_perturb 0.6/0.01"]
    assert columns["in round 1"] == ["+6.0 ± 0.0"]
    assert columns["in later rounds"] == ["+2.0 ± 0.0"]


def test_costs_and_how_rounds_ended(make_row):
    found = [
        make_row(arm="cold", last=True),
        make_row(arm="warm", last=True, sample_passes=5000, stopped_by="cap"),
    ]
    table = tables.costs(runs.Run("own", found))
    columns = texts(table)
    assert columns["sample passes"] == ["10,000", "5,000"]
    assert columns["CPU s"] == ["4.5", "4.5"]
    assert columns["stopped by"] == ["threshold", "cap 1"]
    old = [make_row(last=True, cpu_seconds=math.nan)]
    table = tables.costs(runs.Run("own", old))
    assert not any("CPU" in name for name in table.header)


def test_ends_of_rounds_that_occur_are_explained(make_row):
    def note(stop):
        row = make_row(last=True, stopped_by=stop)
        return tables.costs(runs.Run("own", [row])).note

    assert "Stopped by" not in note("threshold")
    assert "Stopped by" in note("cap") and "Nan" not in note("cap")
    assert "Nan: the loss" in note("nan")
    assert "Callback: a callback" in note("callback")


def test_summary_of_fit_rounds(online_rows):
    """No differences: its verdict has intervals of its own."""
    columns = texts(tables.summary(online_rows))
    assert "experiment" not in columns  # it is the same in all lines
    assert columns["accuracy %"][1] == "45.5 ± 0.5"
    assert columns["training %"][1] == "99.2"
    assert columns["epochs"][1] == "30.0"
    assert columns["sample passes"][1] == "30,000"
    assert columns["train s"][1] == "7.5"
    assert columns["CPU s"][1] == "13.5"
    assert columns["stopped by"][1] == "threshold"
    assert not any("cold" in name for name in columns)


def test_a_cold_arm_with_fewer_labels_is_paired(make_row):
    found = [
        make_row(arm="cold", accuracy=50.0, last=True),
        make_row(
            setting="w", accuracy=47.0, last=True, labels={"second.rate": 0.1}
        ),
    ]
    assert texts(arms(found))["minus cold"] == ["—", "−3.0"]


def test_the_corner_of_a_grid_is_its_cold_start(make_arm):
    cells = {"0-1": 75.0, "1-0": 63.0}
    found = [
        row
        for cell, level in cells.items()
        for row in make_arm(f"shrink_perturb-{cell}", (level, level + 1))
    ]
    columns = texts(arms(found))
    gaps = dict(zip(columns["arm"], columns["minus cold"], strict=True))
    assert gaps == {
        "shrink_perturb 1/0": "−12.0 ± 0.0",
        "shrink_perturb 0/1": "—",
    }


@pytest.mark.parametrize("length", [10, 60])
@pytest.mark.parametrize("models", [1, 3])
def test_a_terminal_is_not_wider_than_100_letters(make_arm, length, models):
    found = [
        row
        for number in range(models)
        for arm in ("cold", "warm", "shrink_perturb-0.6-0.01")
        for row in make_arm(
            arm,
            (50.1, 52.3, 53.9),
            cell=f"{number}/",
            model="m" * length + str(number),
            sample_passes=1_000_000,
        )
    ]
    text = terminal.text([runs.Run("own", found)])
    assert max(map(len, text.splitlines())) <= terminal.WIDTH
    assert "minus cold" in text and "| warm" in text
