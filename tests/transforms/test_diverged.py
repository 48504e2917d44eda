"""Weights that are nan or infinite."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.transforms import arrays
from ws_keras.transforms import dash
from ws_keras.transforms import shrink_perturb as transforms

X = np.ones((4, 3), "float32")
bad = pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])


def _model(value):
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4), layers.Dense(2, name="last")]
    )
    # A single step takes less time than its trace.
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(X, X[:, :2], verbose=0)
    kernel = ops.convert_to_numpy(model.layers[1].kernel).copy()
    kernel[1, 1] = value
    model.layers[1].kernel.assign(kernel)
    return model


def _state(model):
    found = [*model.variables, *model.optimizer.variables]
    return [ops.convert_to_numpy(v).tobytes() for v in found]


@pytest.mark.quick(every=3)
@bad
@pytest.mark.parametrize(
    "transform",
    [
        lambda model: transforms.shrink_perturb(model, seed=0),
        lambda model: transforms.shrink_perturb(model, 0.5, 0),
        lambda model: transforms.shrink_perturb(model, {"last": (0.5, 0)}),
        lambda model: transforms.shrink_perturb(model, 0, 1, noise="scaled"),
    ],
)
def test_they_are_named_before_anything_is_mixed(value, transform):
    model = _model(value)
    before = _state(model)
    with pytest.raises(ValueError, match="NaN or infinity in .*last/kernel"):
        transform(model)
    assert _state(model) == before


@bad
def test_dash_is_told_so(value):
    model = _model(value)
    before = _state(model)
    with pytest.raises(ValueError, match="NaN or infinity"):
        dash.dash(model, [(X, X[:, :2])])
    assert _state(model) == before


@pytest.mark.quick(every=3)
@bad
@pytest.mark.parametrize(
    "transform",
    [
        lambda model: transforms.cold_start(model, seed=0),
        lambda model: transforms.shrink_perturb(model, 0, 0),
        lambda model: transforms.shrink_perturb(
            model, {"last": (0, 1), ".": (0.5, 0.1)}, seed=0
        ),
    ],
)
def test_a_diverged_network_may_start_anew(value, transform):
    model = _model(value)
    transform(model)
    assert all(np.isfinite(w).all() for w in model.get_weights())


@bad
def test_what_is_left_alone_may_be_anything(value):
    model = _model(value)
    transforms.shrink_perturb(model, 1, 0)
    transforms.shrink_perturb(model, 0.5, 0.1, exclude="last", seed=0)
    assert not np.isfinite(ops.convert_to_numpy(model.layers[1].kernel)).all()


@bad
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_arrays_that_are_not_finite_are_named(value, dtype):
    pair = [np.ones(2, dtype), np.array([1, value], dtype)]
    with pytest.raises(ValueError, match="at position 1"):
        arrays.shrink_perturb(pair, 0.5, 0)
    with pytest.raises(ValueError, match="at position 1"):
        arrays.shrink_perturb(pair, 0, 1, noise="scaled")
    assert np.isfinite(arrays.shrink_perturb(pair, 0, 1)[1]).all()
    same = arrays.shrink_perturb(pair, 1, 0)
    np.testing.assert_array_equal(same[1], pair[1])
