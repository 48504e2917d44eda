"""Labels that name classes, and the line that maps those that do not."""

import numpy as np
import pytest
from sklearn import datasets

from ws_keras.data import labels


def checked(y):
    """Checks labels of an output whose number of classes is unknown."""
    y = labels.whole(labels.numbers(y, "y"), "y")
    labels.check_range(y, None, "y")
    return y


def test_classes_are_integers():
    _, y = datasets.load_digits(return_X_y=True)
    # One class of few may have no sample by chance.
    for given in (y, y.astype(float)[:, None], y > 4, y[y != 3]):
        found = checked(given)
        assert found.dtype.kind == "i" and np.array_equal(found, given)


@pytest.mark.parametrize(
    "y, words",
    [
        (np.arange(1990, 2021), ["31 different", "1,990", "y = y - 1990"]),
        (np.array([5, 5_000_000, 17]), ["5,000,000", "return_inverse"]),
        (np.array([0, 5_000_000]), ["5,000,000", "return_inverse"]),
        (np.array([-1, 1, 1, -1]), ["from -1 to 1", "y = (y > 0)"]),
        (np.array([-2, -1, 0]), ["y = y + 2"]),
        (np.array([1, 2, 3, 3]), ["from 1 to 3", "y = y - 1"]),
        (np.array(["cat", "dog"]), ["strings", "'cat', 'dog'"]),
        (np.array(["cat", None], object), ["strings", "return_inverse"]),
        (np.array([0.25, 1.0]), ["0.25", "'mse'"]),
        (np.array([0.0, np.nan]), ["1 of 2", "isfinite"]),
        (np.array(["2020-01-01"], "datetime64[D]"), ["datetime64"]),
    ],
)
def test_what_was_found_and_the_line_that_maps_it(y, words):
    with pytest.raises(ValueError) as error:
        checked(y)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    "y", [np.arange(1990, 2021), np.array([1, 2, 3]), np.array([-1, 1])]
)
def test_the_line_does_map_them(y):
    with pytest.raises(ValueError) as error:
        checked(y)
    line = str(error.value).split("`")[-2].removeprefix("y = ")
    if line.startswith("y - "):
        mapped = y - int(line.removeprefix("y - "))
    else:
        assert line == "(y > 0).astype('int32')"
        mapped = (y > 0).astype("int32")
    assert checked(mapped).max() + 1 == len(np.unique(y))


def test_rows_in_place_of_labels():
    assert "y.argmax(-1)" in labels.one_hot_way(np.eye(3)[[0, 1, 2, 1]])
    several = np.array([[1, 1], [0, 1]])
    assert "binary_crossentropy" in labels.one_hot_way(several)
