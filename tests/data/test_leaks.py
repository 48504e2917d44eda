"""Features that equal the target."""

import numpy as np
import pytest
from keras import tree

from ws_keras.data import arrivals
from ws_keras.data import leaks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype("float32")


def said(y, x=X):
    """Returns what is said of three parts."""
    parts = [
        (tree.map_structure(lambda a, i=i: a[i::3], x), y[i::3])
        for i in range(3)
    ]
    return arrivals.join(parts[:2], parts[2]).suspicious()


@pytest.mark.parametrize(
    "target",
    [
        lambda x: x[:, 2],
        lambda x: 1.8 * x[:, 2] + 32,
        lambda x: -x[:, 2:3],
        lambda x: np.round(x[:, 2].astype(float), 6),
    ],
)
def test_a_feature_that_is_the_target_is_named(target):
    with pytest.warns(leaks.TargetLeak, match="equals feature 2 of"):
        assert "feature 2" in said(target(X))


def test_classes_and_flags():
    y = RNG.integers(0, 3, 90)
    with pytest.warns(leaks.TargetLeak, match="feature 4"):
        said(y, np.c_[X, y * 10])
    flag = RNG.integers(0, 2, 90)
    with pytest.warns(leaks.TargetLeak, match="input 'b', feature 0"):
        said(1 - flag, {"a": X, "b": flag[:, None]})


@pytest.mark.parametrize(
    "y",
    [
        X[:, 2] + 1e-3 * X[:, 1],
        X[:, 2] ** 3,
        X @ [1.0, 2.0, 0.0, 0.0],
        X,  # an autoencoder
        np.zeros(90),
        RNG.integers(0, 2, 90),
    ],
)
def test_nothing_is_said_of_good_features(y):
    assert said(y) == ""
    assert said(y, np.c_[X, np.ones(90)]) == ""


def test_nothing_is_said_of_few_samples_and_of_one_feature():
    assert said(X[:, 0], X[:, :1]) == ""
    parts = [(X[:9], X[:9, 0]), (X[9:18], X[9:18, 0])]
    assert arrivals.join(parts, parts[0]).suspicious() == ""


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::ws_keras.data.inputs.MissingValues")
@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_missing_values_do_not_hide_the_target(missing):
    x, y = X.copy(), X[:, 2] * 5 + 1
    x[7, 2] = x[9, 0] = missing
    with pytest.warns(leaks.TargetLeak, match="equals feature 2 of"):
        said(y, x)
    # Too few values are known to tell anything.
    x[:60, 2] = missing
    assert said(y, x) == ""
