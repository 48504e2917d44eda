"""Files of several rounds as one table."""

import numpy as np
import pytest

from ws_keras.data import merged

X_TEST, Y_TEST = np.eye(3), np.array([0, 1, 1])


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
    # The labels alone are equal in both cases.
    assert len(table["x_test"]) == len(table["y_test"]) == size
