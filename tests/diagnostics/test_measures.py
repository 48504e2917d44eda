"""Measures against closed forms."""

import keras
import numpy as np
import pytest

from ws_keras.diagnostics import measures

RNG = np.random.default_rng(0)


def pieces(vector):
    return [vector[:60].reshape(10, 6), vector[60:90], vector[90:]]


def test_norm_is_that_of_the_whole_vector():
    vector = RNG.normal(size=100)
    want = np.sqrt((vector**2).sum())
    assert measures.norm(pieces(vector)) == pytest.approx(want, rel=1e-12)


def test_correlation_is_that_of_the_whole_vector():
    first = RNG.normal(3, 1, 100)
    second = 0.4 * first + RNG.normal(-50, 0.3, 100)
    found = measures.correlation(pieces(first), pieces(second))
    assert found == pytest.approx(np.corrcoef(first, second)[0, 1], rel=1e-9)


def test_correlation_does_not_see_scale_and_shift():
    first = RNG.normal(size=100)
    for factor, want in ((0.4, 1), (-2.0, -1)):
        found = measures.correlation(pieces(first), pieces(factor * first + 9))
        assert found == pytest.approx(want, rel=1e-12)


def test_correlation_keeps_its_digits_in_single_precision():
    first = RNG.normal(1e4, 1, 100).astype("float32")
    second = RNG.normal(1e4, 1, 100).astype("float32")
    want = np.corrcoef(first.astype(float), second.astype(float))[0, 1]
    found = measures.correlation(pieces(first), pieces(second))
    assert found == pytest.approx(want, rel=1e-6)


def test_correlation_with_a_constant_is_none():
    found = measures.correlation([np.zeros(4)], [np.arange(4)])
    assert np.isnan(found)


@pytest.mark.parametrize("value", [0.1, 0.3, 1e-12, 7.0])
def test_rounding_makes_no_constant_vary(value):
    constant = [np.full(700, value), np.full(300, value)]
    for other in (np.full(1000, 0.3), RNG.normal(size=1000)):
        other = [other[:700], other[700:]]
        assert np.isnan(measures.correlation(constant, other))
        assert np.isnan(measures.correlation(other, constant))


def test_entropy_of_logits_and_of_probabilities():
    logits = RNG.normal(0, 2, (50, 7))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    want = -(p * np.log(p)).sum(-1)
    np.testing.assert_allclose(measures.entropies(logits), want, rtol=1e-10)
    found = measures.entropies(p, from_logits=False)
    np.testing.assert_allclose(found, want, rtol=1e-10)


def test_entropy_at_its_ends():
    assert measures.entropies(np.zeros((1, 8)))[0] == pytest.approx(np.log(8))
    assert measures.entropies(np.array([[1e5, -1e5, 3.0]]))[0] == 0
    sure = np.array([[1.0, 0.0, 0.0]])
    assert measures.entropies(sure, from_logits=False)[0] == 0


def test_entropy_of_a_sigmoid_is_that_of_two_classes():
    logits = RNG.normal(0, 2, (50, 1))
    p = 1 / (1 + np.exp(-logits))
    want = -(p * np.log(p) + (1 - p) * np.log(1 - p))[:, 0]
    np.testing.assert_allclose(measures.entropies(logits), want, rtol=1e-10)
    found = measures.entropies(p, from_logits=False)
    np.testing.assert_allclose(found, want, rtol=1e-10)


def test_probabilities_in_half_precision_are_probabilities():
    p = keras.ops.softmax(RNG.normal(0, 2, (200, 10)).astype("float32"))
    rounded = keras.ops.cast(keras.ops.cast(p, "bfloat16"), "float32")
    rounded = keras.ops.convert_to_numpy(rounded)
    assert abs(rounded.sum(-1) - 1).max() > 1e-3
    found = measures.entropies(rounded, from_logits=False)
    exact = measures.entropies(keras.ops.convert_to_numpy(p), False)
    np.testing.assert_allclose(found, exact, atol=0.01)


def test_a_class_that_cannot_be_has_no_entropy():
    logits = np.array([[-np.inf, 0.0, 1.0], [2.0, 0.0, -np.inf]])
    want = measures.entropies(np.array([[0.0, 1.0], [2.0, 0.0]]))
    np.testing.assert_allclose(measures.entropies(logits), want, rtol=1e-12)


@pytest.mark.parametrize("from_logits", [True, False])
def test_entropy_of_a_diverged_network_is_none(from_logits):
    outputs = np.full((3, 4), np.nan)
    assert np.isnan(measures.entropies(outputs, from_logits)).all()


@pytest.mark.parametrize(
    ("outputs", "from_logits", "message"),
    [
        (np.full((2, 4), 0.25), True, "Pass from_logits=False"),
        (np.full((2, 4), 3.0), False, "Pass from_logits=True"),
        (np.full((2, 1), 1.5), False, "Pass from_logits=True"),
        (np.zeros((2, 3, 4)), True, r"Received: shape=\(2, 3, 4\)"),
    ],
)
def test_outputs_without_such_an_entropy(outputs, from_logits, message):
    with pytest.raises(ValueError, match=message):
        measures.entropies(outputs, from_logits)


def test_dormant_units_by_their_layers_mean():
    # Means 1 and 10: the limits are .1 and 1.
    scores = [np.array([0.1, 0.11, 2.79, 1.0]), np.array([0.5, 19.5])]
    assert measures.dormant(scores, tau=0.1) == 2 / 6
    assert measures.dormant(scores, tau=0.0) == 0
    # The scale of a layer is no matter.
    assert measures.dormant([1e-6 * s for s in scores], tau=0.1) == 2 / 6
    assert measures.dormant([np.zeros(3), np.ones(1)], tau=0.0) == 0.75


def test_effective_rank_of_known_singular_values():
    u, _ = np.linalg.qr(RNG.normal(size=(20, 4)))
    v, _ = np.linalg.qr(RNG.normal(size=(6, 4)))
    values = np.array([4.0, 2.0, 1.0, 1.0])
    p = values / 8
    want = np.exp(-(p * np.log(p)).sum())
    found = measures.effective_rank(u * values @ v.T)
    assert found == pytest.approx(want, rel=1e-9)
    assert measures.effective_rank(u @ v.T) == pytest.approx(4)
    assert measures.effective_rank(np.ones((9, 5))) == pytest.approx(1)
    assert measures.effective_rank(np.zeros((9, 5))) == 0


def test_effective_rank_of_what_is_not_finite_is_none():
    features = np.eye(3)
    features[1, 1] = np.inf
    assert np.isnan(measures.effective_rank(features))


def test_ratio():
    assert measures.ratio(3, 2) == 1.5
    assert measures.ratio(3, 0) == np.inf
    assert np.isnan(measures.ratio(0, 0))
