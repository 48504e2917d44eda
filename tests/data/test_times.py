"""Rounds are in the order of time, not of the alphabet."""

import numpy as np
import pytest

from ws_keras.data import merged
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


def ordered(*values):
    column = np.array(values, object)
    table = tables.Table("own.csv", ["at"], lambda _: column, True)
    return times.order(table, "at", len(column))[0].tolist()


@pytest.mark.parametrize("sep", ["T", " "])
def test_times_with_offsets_are_in_the_order_of_utc(sep):
    """The hour that comes twice when the clocks go back."""
    first = f"2026-10-25{sep}02:30+02:00"  # 00:30 in UTC
    second = f"2026-10-25{sep}02:10:00+0100"  # 01:10
    third = f"2026-10-25{sep}01:20Z"
    assert ordered(third, second, first) == [2, 1, 0]
    assert ordered(b"2026-10-25T00:31-00:00", first.encode()) == [1, 0]
    assert numbered(third, second, first, second) == [2, 1, 0, 1]
    # Equal in UTC, so one round.
    assert numbered("2026-10-25T02:30+02:00", "2026-10-25T00:30Z") == [0, 0]


def test_times_without_offsets_are_taken_as_written():
    assert ordered("2026-10-25 02:30", "2026-10-25T02:10", "2026-10-24") == [
        2,
        1,
        0,
    ]
    # The last numbers of dates are no offsets.
    assert ordered("2026-10-25", "2026-10-02") == [1, 0]
    assert numbered("2026-10", "2026-02") == [1, 0]


@pytest.mark.parametrize("between", [" - ", " to ", " ", "/", "--"])
def test_a_range_of_days_is_no_offset(between):
    weeks = [
        f"2026-10-{day:02}{between}2026-10-{day + 6:02}" for day in (12, 5, 19)
    ]
    assert numbered(*weeks) == [1, 0, 2]


def test_a_range_of_hours_is_no_offset():
    assert numbered("2026-10-25 10-12", "2026-10-25 08-10") == [1, 0]


def test_a_round_without_a_time_is_refused():
    with pytest.raises(ValueError, match="nothing in 2 rows"):
        numbered("2026-10-25T02:30Z", "", "")


@pytest.mark.parametrize("own", ["2026-10-25T02:30+02:00", "2026-10-25 02:30Z"])
@pytest.mark.parametrize("other", ["2026-10-25T02:30", "2026-10-25 02"])
def test_a_mixture_has_no_order(own, other):
    for read in (ordered, numbered):
        for values in ((own, other), (other, own)):
            with pytest.raises(ValueError, match="own.*offset") as caught:
                read(*values)
            assert own in str(caught.value) and other in str(caught.value)


def test_missing_times_are_named_as_such():
    with pytest.raises(ValueError, match="nothing in 1 rows"):
        ordered("2026-10-25T02:30+02:00", None)


def test_files_with_and_without_a_time_zone(tmp_path):
    """One week was written in UTC, the next one without a zone."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    at = pandas.to_datetime(["2026-10-25 02:30", "2026-10-25 03:10"])
    sources = []
    for name, column in (
        ("berlin", at.tz_localize("Europe/Berlin", ambiguous=True)),
        ("utc", at.tz_localize("UTC")),
        ("local", at),
    ):
        path = tmp_path / f"{name}.parquet"
        pandas.DataFrame({"at": column}).to_parquet(path)
        sources.append(f"parquet:{path}")
    both = merged.read(sources[:2])
    # 00:30 and 02:10 in UTC, then 02:30 and 03:10.
    assert times.order(both, "at", 4)[0].tolist() == [0, 1, 2, 3]
    for some in (sources[1:], sources[:0:-1]):
        with pytest.raises(ValueError, match="without a time zone"):
            times.order(merged.read(some), "at", 4)


def test_equal_times_have_one_number():
    """Also if they are written with other offsets from UTC."""
    column = np.array(
        [
            "2026-02-01T12:00+02:00",
            "2026-02-01T09:00Z",
            "2026-02-01T10:00Z",
            "2026-01-31T10:00Z",
        ],
        object,
    )
    table = tables.Table("own.csv", ["at"], lambda _: column, True)
    positions, instants = times.order(table, "at", 4)
    assert positions.tolist() == [3, 1, 0, 2]
    assert instants.tolist() == [0, 1, 2, 2]
