"""The fused optimizer is Keras' optimizer up to rounding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ws_keras.training import adam

STEPS = 30


def trained(kind, **arguments):
    """Weights and state after some steps in a graph, with equal gradients."""
    rng = np.random.default_rng(0)
    weights = [
        keras.Variable(rng.normal(size=shape), dtype="float32")
        for shape in ((7, 5), (5,), ())
    ]
    optimizer = kind(**arguments)
    optimizer.build(weights)

    @tf.function
    def step(gradients):
        optimizer.apply(gradients, weights)

    for _ in range(STEPS):
        step(
            [tf.constant(rng.normal(size=w.shape), "float32") for w in weights]
        )
    return [w.numpy() for w in [*weights, *optimizer.variables]]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 1e-3},
        {"amsgrad": True},
        {"clipnorm": 0.5, "weight_decay": 0.01},
        {"use_ema": True, "ema_momentum": 0.5},
        {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 20)},
    ],
    ids=lambda arguments: "-".join(arguments) or "default",
)
def test_weights_and_state_are_those_of_keras(arguments):
    want = trained(keras.optimizers.Adam, **arguments)
    for ours, theirs in zip(trained(adam.Adam, **arguments), want, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_an_id_that_is_repeated_in_a_batch_has_one_gradient(amsgrad):
    """Against the formula, on the sparse gradient of an embedding."""
    rng = np.random.default_rng(1)
    start = rng.normal(size=(4, 3))
    table = keras.Variable(start, dtype="float32")
    optimizer = adam.Adam(0.1, beta_2=0.9, epsilon=1e-8, amsgrad=amsgrad)
    optimizer.build([table])
    want, first, second, most = start.copy(), 0.0, 0.0, 0.0
    for step in range(1, 6):
        ids, parts = rng.integers(0, 3, 8), rng.normal(size=(8, 3))
        found = tf.IndexedSlices(tf.constant(parts, tf.float32), ids, (4, 3))
        optimizer.apply([found], [table])
        whole = np.zeros((4, 3))
        np.add.at(whole, ids, parts)
        first = 0.9 * first + 0.1 * whole
        second = 0.9 * second + 0.1 * whole**2
        most = np.maximum(most, second) if amsgrad else second
        rate = 0.1 / np.sqrt(1 - 0.9**step)
        want -= rate * first / (np.sqrt(most) + 1e-8)
    np.testing.assert_allclose(table.numpy(), want, rtol=1e-5, atol=1e-6)


def test_a_variable_has_one_operation():
    weight = keras.Variable(np.ones((3, 2)), dtype="float32")
    optimizer = adam.Adam()
    optimizer.build([weight])
    step = tf.function(lambda g: optimizer.apply([g], [weight]))
    graph = step.get_concrete_function(tf.ones((3, 2))).graph
    kinds = [op.type for op in graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == 1
    assert not {"Sqrt", "RealDiv", "Square"} & set(kinds)


def test_it_is_rebuilt_from_its_config():
    ours = adam.Adam(0.01, epsilon=1e-5)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(ours)
    )
    assert type(again) is adam.Adam
    assert again.get_config() == ours.get_config()
