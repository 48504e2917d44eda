"""A user's file as named arrays."""

import numpy as np
import pytest

from ws_keras.data import npz
from ws_keras.data import tables
from ws_keras.data import times

pytest.importorskip("pandas")  # an extra

CSV = """city,age,member,since,rate
NA,34,True,2026-01-05,0.5
null,,False,2026-02-01,
,51,True,2026-03-09,1.5
"""


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "today.csv"
    path.write_text(CSV)
    return tables.read(f"csv:{path}")


def test_columns_have_the_types_of_their_values(csv):
    assert csv.names == ["city", "age", "member", "since", "rate"]
    # Namibia is no missing value, and neither is a city called null.
    assert csv["city"].tolist() == ["NA", "null", None]
    np.testing.assert_array_equal(csv["age"], [34, np.nan, 51])
    assert csv["member"].tolist() == [True, False, True]
    assert csv["member"].dtype == bool
    assert csv["since"].tolist()[0] == "2026-01-05"
    np.testing.assert_array_equal(csv["rate"], [0.5, np.nan, 1.5])


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators(tmp_path, mark):
    path = tmp_path / "own.csv"
    path.write_text(f"\ufeffa{mark}b\n1{mark}x y\n2{mark}z\n", "utf8")
    table = tables.read(f"csv:{path}")
    assert table["a"].tolist() == [1, 2]
    assert table["b"].tolist() == ["x y", "z"]


def test_flags_with_gaps_are_numbers(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b\n1,True\n2,\n3,False\n")
    np.testing.assert_array_equal(
        tables.read(f"csv:{path}")["b"], [1, np.nan, 0]
    )


def test_parquet_is_read_alike(tmp_path):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "own.parquet"
    frame = pandas.DataFrame(
        {
            "n": pandas.array([1, None, 3], "Int64"),
            "t": ["a", None, "c"],
            "zoned": pandas.date_range(
                "2026-01-01", periods=3, tz="Asia/Tokyo"
            ),
        }
    )
    frame.to_parquet(path)
    table = tables.read(f"parquet:{path}")
    np.testing.assert_array_equal(table["n"], [1, np.nan, 3])
    assert table["t"].tolist() == ["a", None, "c"]
    assert str(table["zoned"][0]).startswith("2025-12-31T15:00")
    assert times.order(table, "zoned", 3)[0].tolist() == [0, 1, 2]


def test_home_folder_and_any_dtype(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(
        tmp_path / "own.npz",
        windows=np.zeros((3, 4, 2), "int16"),
        words=np.array(["a", "b", "c"]),
    )
    table = tables.read("npz:~/own.npz")
    assert table["windows"].shape == (3, 4, 2)
    assert table["words"].tolist() == ["a", "b", "c"]


def test_error_lists_all_names_of_the_file(csv, tmp_path):
    with pytest.raises(ValueError, match="'city', 'age', 'member'"):
        csv["price"]
    path = tmp_path / "own.npz"
    np.savez(path, features=np.eye(3), y=np.arange(3))
    with pytest.raises(ValueError, match="features"):
        tables.read(f"npz:{path}")["x"]
    with pytest.raises(ValueError, match="features"):
        npz.read(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Received"),
        ("a,b\n", "no row"),
        ("a,a\n1,2\n", "twice"),
        ("a, a\n1, 2\n", "twice"),
        ("\ufeffa,a\n1,2\n", "twice"),
        ('a,b\n1,"2\n', "Received"),
        ("a,b\n1,2,3\n4,5,6,7\n", "Received"),
        # A decimal comma; rows with names; a title above the names.
        ("a,b\n1,5,2\n4,5,6\n", "more values than the 2 names"),
        ("a\tb\nr1\t1\t2\nr2\t4\t5\n", "more values than the 2 names"),
        ("made today\na,b\n1,2\n", "more values than the 1 names"),
    ],
)
def test_damaged_tables_are_named(tmp_path, text, words):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        tables.read(f"csv:{path}")
    assert "own.csv" in str(caught.value)


def test_a_separator_at_the_end_of_each_row_is_no_column(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b\n1,x,\n4,y,\n")
    table = tables.read(f"csv:{path}")
    assert table.names == ["a", "b"]
    assert table["a"].tolist() == [1, 4] and table["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_refused_with_the_way_out(tmp_path, encoding):
    path = tmp_path / "own.csv"
    path.write_text("a,stra\xdfe\n1,2\n", encoding)
    with pytest.raises(ValueError, match="Save the file as UTF-8"):
        tables.read(f"csv:{path}")


def test_blanks_after_separators_are_no_part_of_a_text(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text('a, city, n\n1, Bonn, 3\n2, "Rome, Italy", 4\n3, , 5\n')
    table = tables.read(f"csv:{path}")
    assert table["city"].tolist() == ["Bonn", "Rome, Italy", None]
    assert table["n"].tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    "times_of",
    [
        # A date for "never", beyond the range of nanoseconds.
        ["9999-12-31", "2026-01-05", "1600-01-01"],
        ["20260105", "20250106", "9"],
        [10, 9, 2],
        ["2026-01-05T00:30+02:00", "2026-01-04T22:00Z", "2026-01-04"],
        ["2026-01-05T10:00:00.5", "2026-01-05 10:00", "2026-01"],
    ],
)
def test_times_of_any_form_are_in_order(times_of):
    column = np.array(times_of, object)
    table = tables.Table("own.csv", ["t"], lambda _: column, True)
    assert times.order(table, "t", 3)[0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("wrong", ["20260105", "05.01.2026", "26-01-05"])
def test_other_times_among_dates_are_refused(wrong):
    column = np.array(["2026-01-05", wrong], object)
    table = tables.Table("own.csv", ["t"], lambda _: column, True)
    with pytest.raises(ValueError, match=f"2026-02-01.*{wrong}"):
        times.order(table, "t", 2)


def test_no_file_and_no_room(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        tables.read(f"csv:{tmp_path}/none.csv")
    path = tmp_path / "own.csv"
    path.write_text(CSV)
    with pytest.raises(ValueError, match="memory"):
        tables.read(f"csv:{path}", available=lambda: 10)


def test_keras_names_of_training_arrays(tmp_path):
    path = tmp_path / "mnist.npz"
    x, y = np.zeros((4, 2, 2), "uint8"), np.arange(4)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    found = npz.read(path)
    assert found["x"].shape == found["x_test"].shape == (4, 2, 2, 1)
    assert npz.num_samples(path) == 4
