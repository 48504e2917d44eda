"""Each of several optimizers follows the policy, with what it averages."""

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.transforms import shrink_perturb as transforms

if not hasattr(keras.optimizers, "MultiOptimizer"):
    pytest.skip("Keras has no MultiOptimizer", allow_module_level=True)

RNG = np.random.default_rng(2)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = RNG.integers(0, 3, 32)


def inner():
    return (
        keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
        keras.optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=2),
    )


def trained():
    """A model whose layers have an optimizer each, after eight batches."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, "relu", name="first"),
            layers.Dense(3, name="second"),
        ]
    )
    adam, sgd = inner()
    optimizer = keras.optimizers.MultiOptimizer(
        lambda variable: adam if "first" in variable.path else sgd
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Four steps take less time than their trace.
    model.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=True)
    fit(model)
    return model, adam, sgd


def fit(model):
    for start in range(0, 32, 8):
        model.train_on_batch(X[start : start + 8], Y[start : start + 8])


def values(found):
    return [keras.ops.convert_to_numpy(variable) for variable in found]


def test_reset_is_that_of_newly_built_ones():
    model, *optimizers = trained()
    transforms.shrink_perturb(model, 0.5, 0.1, seed=1, optimizer="reset")
    assert int(model.optimizer.iterations) == 0
    new = inner()
    for one, layer, ours in zip(new, model.layers, optimizers, strict=True):
        one.build(layer.trainable_variables)
        # Averages follow the weights; the first step replaces them.
        averages = {id(v) for v in _averages(ours) or ()}
        for left, right in zip(ours.variables, one.variables, strict=True):
            if id(left) not in averages:
                np.testing.assert_array_equal(*values([left, right]))


def test_reset_slots_keeps_each_position():
    model, adam, sgd = trained()
    steps = [int(one._iterations) for one in (adam, sgd)]
    assert min(steps) > 0
    transforms.shrink_perturb(model, 0.5, 0.1, seed=1, optimizer="reset_slots")
    assert [int(one._iterations) for one in (adam, sgd)] == steps
    for slot in (*adam._momentums, *adam._velocities, *sgd.momentums):
        assert not np.any(keras.ops.convert_to_numpy(slot))


@pytest.mark.parametrize("policy", ["keep", "reset", "reset_slots"])
def test_averages_follow_the_weights(policy):
    model, adam, _ = trained()
    weights = model.layers[0].trainable_variables
    before, averages = values(weights), values(_averages(adam))
    assert any(np.any(a != b) for a, b in zip(before, averages, strict=True))
    transforms.shrink_perturb(model, 0.5, 0.1, seed=1, optimizer=policy)
    after = values(weights)
    for old, new, old_average, average in zip(
        before, after, averages, values(_averages(adam)), strict=True
    ):
        # The same shrink, and the same draw of noise.
        expected = 0.5 * old_average + (new - 0.5 * old)
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-6)


def test_keep_leaves_slots_and_the_next_steps_bring_nothing_back():
    model, adam, sgd = trained()
    slots = values([*adam._momentums, *sgd.momentums])
    transforms.shrink_perturb(model, 0.0, 0.01, seed=1, optimizer="keep")
    for old, slot in zip(
        slots, [*adam._momentums, *sgd.momentums], strict=True
    ):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(slot))
    fit(model)
    for optimizer in (adam, sgd, model.optimizer):
        optimizer.finalize_variable_values(model.trainable_variables[:2])
    # Weights of the first fit were up to 1 in size; four steps are 0.04.
    assert np.abs(values(model.layers[0].trainable_variables)[0]).max() < 0.2


def _averages(optimizer):
    return getattr(optimizer, "_model_variables_moving_average", None)
