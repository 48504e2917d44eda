"""Layers drawn anew while the others stay."""

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.transforms import reset_layers as transforms


@pytest.fixture
def model():
    keras.utils.set_random_seed(5)
    body = keras.Sequential(
        [
            keras.Input((4, 3)),
            layers.Dense(6, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("relu"),
        ],
        name="body",
    )
    inputs = keras.Input((4, 3))
    x = layers.Bidirectional(layers.LSTM(4), name="both")(body(inputs))
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    for variable in [*model.weights, *model.optimizer.variables[2:]]:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    model.optimizer.iterations.assign(2)
    return model


def changed(model, **arguments):
    """Paths of the variables that a reset changes, less the name's number."""
    before = {v.path: v.numpy() for v in model.variables}
    transforms.reset_layers(model, seed=1, **arguments)
    return {
        variable.path
        for variable in model.variables
        if not np.array_equal(before[variable.path], variable.numpy())
    }


HEAD = {"head/kernel", "head/bias"}


def test_last_layer_alone(model):
    assert changed(model, last=1) == HEAD
    assert not model.get_layer("head").bias.numpy().any()
    limit = np.sqrt(6 / (8 + 2))  # Glorot-uniform of its own shape
    assert abs(model.get_layer("head").kernel.numpy()).max() <= limit


def test_first_layers_with_their_statistics(model):
    found = {path.split("/")[-2] for path in changed(model, first=2)}
    assert found == {"first", "norm"}
    norm = model.get_layer("body").get_layer("norm")
    np.testing.assert_array_equal(norm.moving_mean.numpy(), np.zeros(6))
    np.testing.assert_array_equal(norm.moving_variance.numpy(), np.ones(6))


def test_a_layer_made_of_others_counts_once(model):
    found = changed(model, last=2)
    assert HEAD <= found
    cells = {path for path in found if path.startswith("both/")}
    assert len(cells) == 6 and found == HEAD | cells


def test_first_and_last_add_up_to_a_cold_start(model):
    for arguments in ({"first": 2}, {"last": 2}):
        transforms.reset_layers(model, seed=4, **arguments)
    weights = model.get_weights()
    transforms.transforms.cold_start(model, seed=4)
    for ours, cold in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, cold)


def test_by_pattern(model):
    assert changed(model, include="head") == HEAD


def test_by_layer(model):
    assert changed(model, include=model.get_layer("head")) == HEAD


def test_optimizer_is_reset_or_kept(model):
    transforms.reset_layers(model, last=1, optimizer="keep")
    assert model.optimizer.iterations.numpy() == 2
    transforms.reset_layers(model, last=1)
    assert model.optimizer.iterations.numpy() == 0


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "first=None, last=None"),
        ({"first": 1, "last": 1}, "first=1, last=1"),
        ({"last": 0}, "Received: last=0"),
        (
            {"first": 5},
            "1 to 4, the number of layers with weights. Received: first=5",
        ),
        ({"last": 1.0}, "Received: last=1.0"),
        ({"include": "tail"}, "'tail'"),
    ],
)
def test_bad_arguments(model, arguments, words):
    before = model.get_weights()
    with pytest.raises(ValueError) as error:
        transforms.reset_layers(model, **arguments)
    assert words in str(error.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
