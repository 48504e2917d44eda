"""Rounds are in the order of time, not of the alphabet."""

import numpy as np
import pytest

from ws_keras.data import roles
from ws_keras.data import tables
from ws_keras.data import times


def numbered(*values):
    column = np.array(values)
    table = tables.Table("own.npz", ["week"], lambda _: column, False)
    return times.rounds(table, "week", column).tolist()


@pytest.mark.parametrize(
    "values",
    [
        (10, 9, 40, 9),
        ("week10", "week9", "week40", "week9"),
        ("10", "9", "40", "9"),
        ("2026-W5", "2025-W40", "2026-W10", "2025-W40"),
        ("2026-02-01", "2026-01-31", "2026-10-01", "2026-01-31"),
        ("20260201", "20260131", "20261001", "20260131"),
    ],
)
def test_numbers_and_dates(values):
    assert numbered(*values) == [1, 0, 2, 0]


@pytest.mark.parametrize(
    "values",
    [
        ("Jan", "Feb", "Mar"),
        ("01.02.2026", "15.01.2026"),
        ("Q1 2026", "Q2 2025"),
        ("week1", "month2"),
    ],
)
def test_texts_without_an_order_of_time_are_refused(values):
    with pytest.raises(ValueError, match=f"own.npz.*`week`.*'{values[0]}'"):
        numbered(*values)


def test_equal_numbers_are_one_round():
    assert numbered("week9", "week10", "week09") == [0, 1, 0]


def test_one_round_needs_no_order():
    assert numbered("all", "all") == [0, 0]


def test_dates_as_parquet_files_hold_them():
    days = np.array(["2026-10-01", "2026-09-30", "NaT"], "datetime64[ns]")
    for count, column in ((2, days[:2]), (3, days)):
        table = tables.Table(
            "own.parquet", ["day"], lambda _, c=column: c, True
        )
        given = roles.Given("own", np.eye(count), np.zeros(count), table=table)
        if count == 2:
            found = times.rounds(table, "day", given.column("day"))
            assert found.tolist() == [1, 0]
        else:
            with pytest.raises(ValueError, match="`day` in each row.*row 3"):
                given.column("day")
