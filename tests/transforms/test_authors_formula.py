"""The authors' operation on the authors' network, variable by variable.

Their code builds a new network, sets each of its parameters to `shrink * old +
perturb * new`, and goes on with it, its fresh buffers and a new optimizer.
"""

import keras
import numpy as np
import pytest
from keras import ops

import ws_keras
from ws_keras import models
from ws_keras.transforms import arrays


def _values(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


@pytest.fixture(scope="module")
def trained():
    """The narrow ResNet-18 after two steps, with all its values."""
    model = models.resnet18()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Two steps take less time than their trace.
    model.compile(keras.optimizers.Adam(0.001), loss, run_eagerly=True)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (16, 32, 32, 3)).astype("uint8")
    model.fit(x, rng.integers(0, 10, 16), batch_size=8, verbose=0)
    return model, _values(model.variables)


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("shrink", "perturb"), [(0.4, 0.1), (0.6, 0.01), (0, 1), (0.3, 0)]
)
def test_every_variable_follows_the_formula(trained, shrink, perturb):
    model, old = trained
    for variable, value in zip(model.variables, old, strict=True):
        variable.assign(value)
    ws_keras.cold_start(model, seed=8)
    new = _values(model.variables)
    for variable, value in zip(model.variables, old, strict=True):
        variable.assign(value)
    ws_keras.shrink_perturb(model, shrink, perturb, seed=8)
    trainable = {id(v) for v in model.trainable_variables}
    assert len(trainable) == 62 and len(old) == 102
    for variable, before, fresh in zip(model.variables, old, new, strict=True):
        got = ops.convert_to_numpy(variable)
        if id(variable) in trainable:
            want = shrink * before.astype("float64") + perturb * fresh
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
            kind = variable.path.rsplit("/")[-1]
            if kind == "gamma":
                np.testing.assert_allclose(fresh, 1)
            if kind == "beta":
                np.testing.assert_allclose(fresh, 0)
        else:
            want = float("variance" in variable.path)
            assert (got == want).all(), variable.path
    assert not any(v.any() for v in _values(model.optimizer.variables)[2:])


def test_the_pure_function_gives_the_same(trained):
    model, old = trained
    ws_keras.cold_start(model, seed=8)
    fresh = _values(model.trainable_variables)
    for variable, value in zip(model.variables, old, strict=True):
        variable.assign(value)
    before = _values(model.trainable_variables)
    ws_keras.shrink_perturb(model, 0.4, 0.1, seed=8)
    want = arrays.shrink_perturb(before, 0.4, 0.1, noise=fresh)
    for got, expected in zip(
        _values(model.trainable_variables), want, strict=True
    ):
        assert got.tobytes() == expected.tobytes()
