"""Shrink-perturb after each step, against the formula written out."""

import keras
import numpy as np
import pytest
from keras import ops

from ws_keras.callbacks.every_step import EveryStep

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
Y = RNG.normal(size=(12, 1)).astype("float32")
RATE, SHRINK = 0.05, 0.9


def model():
    found = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    found.set_weights([np.ones((3, 1)), np.zeros(1)])
    found.compile(keras.optimizers.SGD(RATE), "mse")
    return found


def fit(trained, *callbacks, epochs=2, first=0):
    trained.fit(
        X,
        Y,
        batch_size=4,
        initial_epoch=first,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )
    return np.append(*map(ops.convert_to_numpy, trained.trainable_variables))


def test_shrinking_follows_the_update_of_the_paper():
    weights = np.array([1.0, 1.0, 1.0, 0.0])
    inputs = np.hstack([X, np.ones((12, 1))]).astype(float)
    for start in (0, 4, 8) * 2:
        x, y = inputs[start : start + 4], Y[start : start + 4, 0]
        gradient = 2 / 4 * x.T @ (x @ weights - y)
        weights = SHRINK * (weights - RATE * gradient)
    np.testing.assert_allclose(
        fit(model(), EveryStep(SHRINK, 0.0)), weights, rtol=1e-5
    )


def test_noise_depends_on_the_step_and_not_on_the_fit():
    whole = fit(model(), EveryStep(SHRINK, 0.1, noise="gaussian", seed=3))
    parts = model()
    for first in (0, 1):
        again = EveryStep(SHRINK, 0.1, noise="gaussian", seed=3)
        found = fit(parts, again, first=first, epochs=first + 1)
    np.testing.assert_array_equal(found, whole)
    for seed, number in ((4, 0), (3, 1)):
        other = EveryStep(SHRINK, 0.1, noise="gaussian", seed=seed)
        other.round = number
        assert np.abs(fit(model(), other) - whole).max() > 0.01


@pytest.mark.slow
def test_noise_has_the_scale_of_perturb():
    found = model()
    found.optimizer.learning_rate = 0.0
    before = found.get_weights()
    fit(found, EveryStep(1.0, 0.1, noise="gaussian", seed=5), epochs=60)
    moved = np.append(*found.get_weights()) - np.append(*before)
    # 180 steps of 0.1 each: a deviation of 1.3 for each of 4 weights.
    assert 0.4 < np.sqrt(np.mean(moved**2)) < 3.5


def test_a_training_that_has_diverged_ends_as_without_it():
    trained = model()
    trained.compile(keras.optimizers.SGD(1e30), "mse")
    weights = fit(trained, EveryStep(SHRINK, 0.1, seed=0))
    assert not np.isfinite(weights).all()
