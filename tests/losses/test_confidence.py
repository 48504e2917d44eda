"""The confidence penalty against its formula in NumPy."""

import keras
import numpy as np
import pytest

from ws_keras.losses import confidence

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (16, 5))
LABELS = RNG.integers(0, 5, 16)


def softmax(logits):
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


def reference(labels, logits, weight):
    """Loss of each sample, and its gradient."""
    p = softmax(logits)
    entropy = -(p * np.log(p)).sum(-1)
    loss = -np.log(p[np.arange(len(p)), labels]) - weight * entropy
    # d(-H) / dz = p * (log p + H)
    gradient = p + weight * p * (np.log(p) + entropy[:, None])
    gradient[np.arange(len(p)), labels] -= 1
    return loss, gradient


@pytest.mark.parametrize("weight", [0.0, 0.1, 2.0])
def test_each_sample_equals_the_formula(weight):
    loss = confidence.ConfidencePenalty(weight, reduction=None, dtype="float64")
    found = keras.ops.convert_to_numpy(loss(LABELS, LOGITS))
    want, _ = reference(LABELS, LOGITS, weight)
    # JAX has no float64 unless told so for the process.
    exact = keras.backend.backend() != "jax"
    np.testing.assert_allclose(found, want, rtol=1e-10 if exact else 1e-4)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_class_that_cannot_be_counts_nothing(weight):
    loss = confidence.ConfidencePenalty(weight)
    found = loss(np.array([1]), np.array([[-np.inf, 0.0, 1.0]]))
    without = loss(np.array([0]), np.array([[0.0, 1.0]]))
    assert float(found) == pytest.approx(float(without), rel=1e-6)


def test_weight_0_is_the_cross_entropy():
    usual = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = confidence.ConfidencePenalty(0)(LABELS, LOGITS)
    assert float(found) == pytest.approx(float(usual(LABELS, LOGITS)), abs=1e-6)


def test_a_step_equals_the_closed_form():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    x = RNG.normal(size=(16, 3))
    kernel, bias = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), confidence.ConfidencePenalty(0.3))
    logs = model.train_on_batch(x, LABELS, return_dict=True)
    loss, gradient = reference(LABELS, x @ kernel + bias, 0.3)
    assert float(logs["loss"]) == pytest.approx(loss.mean(), rel=1e-5)
    after = model.get_weights()
    np.testing.assert_allclose(
        after[0], kernel - x.T @ gradient / 16, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        after[1], bias - gradient.mean(0), rtol=1e-4, atol=1e-6
    )


def test_large_logits_are_finite_and_the_loss_may_be_negative():
    loss = confidence.ConfidencePenalty(1.0)
    sure = np.array([[1e4, 0.0, -1e4]])
    assert float(loss(np.array([0]), sure)) == 0.0
    assert float(loss(np.array([2]), sure)) == pytest.approx(2e4)
    even = confidence.ConfidencePenalty(3.0)(np.array([0]), np.zeros((1, 4)))
    assert float(even) == pytest.approx(-2 * np.log(4), rel=1e-6)


def test_labels_in_a_column_and_sample_weights():
    loss = confidence.ConfidencePenalty(0.1)
    weights = RNG.uniform(size=16)
    each, _ = reference(LABELS, LOGITS, 0.1)
    found = loss(LABELS[:, None], LOGITS, sample_weight=weights)
    assert float(found) == pytest.approx((each * weights).mean(), rel=1e-5)


def test_it_is_rebuilt_from_its_config():
    ours = confidence.ConfidencePenalty(0.25, reduction="sum", name="mine")
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(ours)
    )
    assert type(again) is confidence.ConfidencePenalty
    assert again.get_config() == ours.get_config()
    assert (again.weight, again.reduction, again.name) == (0.25, "sum", "mine")


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), "1"])
def test_bad_weight(weight):
    with pytest.raises(ValueError, match="`weight` must be .* Received: weigh"):
        confidence.ConfidencePenalty(weight)
