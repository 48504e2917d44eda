"""Samples, targets and weights of one part belong together."""

import warnings

import numpy as np
import pytest

from ws_keras.data import inputs
from ws_keras.data import triples

pandas = pytest.importorskip("pandas")


def read(*part):
    return triples.Reader(None, None).triple("rounds[0]", part)


X = pandas.DataFrame({"a": [1.0, 2.0, 3.0]}, index=["u", "v", "w"])
Y = pandas.Series([0, 1, 2], index=["w", "v", "u"])


@pytest.mark.parametrize(
    "part",
    [
        (X, Y),
        (X["a"], Y.to_frame()),
        ({"a": X["a"]}, {"y": Y}),
        (X, np.arange(3), Y),
        (X, Y.sort_index(), pandas.Series([1.0, 1.0, 1.0], Y.index)),
    ],
)
def test_another_order_of_the_index_is_named(part):
    """Rows stay in their order, as Keras reads them."""
    with pytest.warns(triples.OtherOrder, match=r"`rounds\[0\]`.*y.loc"):
        _, y, _ = read(*part)
    if part[1] is Y:
        assert y.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "part",
    [
        (X, Y.loc[X.index]),
        (X, Y.to_numpy()),
        (X, Y.reset_index(drop=True)),
        (X.to_numpy(), Y),
    ],
)
def test_other_indices_say_nothing(part):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(*part)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted(value):
    x = np.array([[1.0, 2.0], [value, value], [3.0, 4.0]])
    with pytest.warns(inputs.MissingValues, match="1 of 3 samples"):
        read(x, np.zeros(3))
