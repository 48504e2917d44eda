"""All that training changes is set back before each arm."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras import networks
from ws_keras.training import feed
from ws_keras.training import traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def made(optimizer, kind=keras.Sequential):
    keras.utils.set_random_seed(1)
    model = kind([keras.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def fitted(model):
    model.fit(X, Y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    return [ops.convert_to_numpy(v) for v in model.variables]


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", ["Nadam", "Adafactor", "Adam"])
def test_state_that_keras_does_not_list_is_set_back_too(name):
    inner = getattr(keras.optimizers, name)(0.05)
    model = made(keras.optimizers.LossScaleOptimizer(inner))
    fitted(model)
    given = networks.Snapshot(model)
    first = fitted(model)
    given.restore()
    for a, b in zip(first, fitted(model), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="a training step in TensorFlow",
)
def test_an_optimizer_of_a_training_step_of_ones_own_is_set_back():
    import tensorflow as tf

    class Own(keras.Sequential):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = ops.mean(ops.square(self(x) - y))
            some = self.trainable_variables
            self.second.apply(tape.gradient(loss, some), some)
            return {"loss": loss}

    model = made("sgd", Own)
    model.second = keras.optimizers.Adam(0.05)
    given = networks.Snapshot(model)
    traced.Traced(model).warm_up(feed.Feed(X, Y, 4), np.arange(12))
    given.complete(model)
    # The step that traces the graphs leaves nothing behind.
    assert int(model.second.iterations) == 0
    assert not any(ops.any(v) for v in model.second.variables[2:])
    first = fitted(model)
    given.restore()
    for a, b in zip(first, fitted(model), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("is_seeded", [True, False])
def test_a_function_that_sets_a_seed_is_recognized(is_seeded):
    def build():
        if is_seeded:
            return made("sgd")
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    found = networks.InitialNetworks(build, 0)
    found.begin(0)  # the same seed again, for the next arm
    assert not found.are_equal
    found.begin(1)
    assert found.are_equal == is_seeded
