"""Activity and utility of units, against their definitions."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.transforms.unit_networks import NETWORKS
from tests.transforms.unit_networks import built
from tests.transforms.unit_networks import same
from tests.transforms.unit_networks import spread
from tests.transforms.unit_networks import state
from tests.transforms.unit_networks import value
from ws_keras.transforms import activity
from ws_keras.transforms import resets
from ws_keras.transforms import utility

RNG = np.random.default_rng(0)


def test_activation_is_the_mean_of_absolute_values():
    model, x, _ = built("batch_norm")
    found = resets.select(model)
    before = state(model)
    sizes = activity.Activity(model, found.layers)(x)
    inner = keras.Model(
        model.inputs,
        [
            next(la for la in model.layers if isinstance(la, kind)).output
            for kind in (layers.ReLU, layers.Activation)
        ],
    )
    for size, output in zip(sizes, inner(x), strict=True):
        output = value(output)
        want = abs(output).reshape(-1, output.shape[-1]).mean(0)
        np.testing.assert_allclose(size, want, rtol=1e-5)
    assert same(state(model), before)


def test_activations_of_units_without_a_function_are_their_outputs():
    model = spread(
        keras.Sequential([keras.Input((7,)), layers.Dense(4), layers.Dense(3)])
    )
    x = RNG.normal(size=(20, 7)).astype("float32")
    found = resets.select(model)
    (size,) = activity.Activity(model, found.layers)(x)
    want = abs(value(model.layers[0](x))).mean(0)
    np.testing.assert_allclose(size, want, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_scores_and_utilities_average_to_one(name):
    model, x, _ = built(name)
    found = resets.select(model)
    sizes = activity.Activity(model, found.layers)(x)
    for each, size in zip(found.layers, sizes, strict=True):
        assert activity.scores(size).mean() == pytest.approx(1)
        assert utility.utilities(each, size).mean() == pytest.approx(1)


def test_utility_is_activation_times_outgoing_weights():
    model, x, _ = built("concatenate")
    each = resets.select(model).layers[1]  # of three units, behind 4 + 2
    kernel = value(model.get_layer("third").kernel)
    want = abs(kernel[:, :, 6:]).mean((0, 1, 3))
    np.testing.assert_allclose(utility.outgoing(each), want, rtol=1e-6)
    size = np.array([1.0, 2.0, 3.0])
    found = utility.utilities(each, size)
    np.testing.assert_allclose(found, want * size / (want * size).mean())


def test_a_silent_layer_has_scores_of_zero():
    assert activity.scores(np.zeros(3)).tolist() == [0, 0, 0]
