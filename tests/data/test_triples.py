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
        ((X["a"], X["a"]), (Y, Y)),
        ((X["a"], X["a"].loc[Y.index]), np.arange(3)),
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


PAIRS = pandas.MultiIndex.from_tuples([("u", 1), ("v", 1), ("u", 2)])
TRIPLES = pandas.MultiIndex.from_tuples([(*pair, 0) for pair in PAIRS])


@pytest.mark.parametrize(
    "part",
    [
        (X.set_index(PAIRS), Y.reset_index(drop=True)),
        (X.set_index(PAIRS), Y.set_axis(TRIPLES)),
        (X.set_index(PAIRS), Y.set_axis(PAIRS)),
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


def test_levels_of_an_index_are_compared_too():
    x = X.set_index(PAIRS)
    with pytest.warns(triples.OtherOrder):
        read(x, Y.set_axis(PAIRS[::-1]))


def test_columns_without_an_index():
    """`index` is a method of theirs."""
    arrow = pytest.importorskip("pyarrow")
    column = arrow.chunked_array([[0.0, 1.0, 2.0]])
    x, y, _ = read({"a": column.to_numpy()}, {"y": column, "z": column})
    assert y["z"].tolist() == x["a"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted(value):
    x = np.array([[1.0, 2.0], [value, value], [3.0, 4.0]])
    with pytest.warns(inputs.MissingValues, match="1 of 3 samples"):
        read(x, np.zeros(3))
