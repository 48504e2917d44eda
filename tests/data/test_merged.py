"""Files of several rounds as one table."""

import numpy as np
import pytest

from ws_keras.data import merged

X_TEST, Y_TEST = np.where(np.eye(3), np.nan, 1), np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("second", "size"), [((X_TEST, Y_TEST), 3), ((X_TEST + 1, Y_TEST), 6)]
)
def test_one_test_set_in_all_files_counts_once(tmp_path, second, size):
    for number, test in enumerate([(X_TEST, Y_TEST), second]):
        x, y = np.eye(3) * number, np.zeros(3)
        arrays = {"x": x, "y": y, "x_test": test[0], "y_test": test[1]}
        np.savez(tmp_path / f"{number}.npz", **arrays)
    table = merged.read([f"npz:{tmp_path}/{number}.npz" for number in (0, 1)])
    assert len(table["x"]) == len(table["y"]) == 6
    # The labels alone are equal in both cases; NaN equals NaN.
    assert len(table["x_test"]) == len(table["y_test"]) == size


def test_a_column_of_a_table_is_no_test_set(tmp_path):
    pytest.importorskip("pandas")  # an extra
    for week in (1, 2):
        path = tmp_path / f"{week}.csv"
        path.write_text(f"age,blood_test\n{week},0\n{week},0\n")
    table = merged.read([f"csv:{tmp_path}/{week}.csv" for week in (1, 2)])
    assert table["blood_test"].tolist() == [0, 0, 0, 0]
    assert table.of_files(4).tolist() == [0, 0, 1, 1]
