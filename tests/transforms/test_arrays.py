"""The pure functions on arrays against closed forms."""

import math

import numpy as np
import pytest

from ws_keras.transforms import arrays


def _weights():
    rng = np.random.default_rng(0)
    return [
        rng.normal(0, 0.1, (200, 300)).astype("float32"),
        rng.normal(0, 3.0, (100, 100)).astype("float32"),
        np.zeros(7, "float32"),
    ]


def test_given_noise_is_mixed_by_the_formula():
    weights, noise = _weights(), [w + 1 for w in _weights()]
    new = arrays.shrink_perturb(weights, 0.3, 0.2, noise=noise)
    for w, n, got in zip(weights, noise, new, strict=True):
        want = 0.3 * w.astype("float64") + 0.2 * n.astype("float64")
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)
        assert got.dtype == np.float32


def test_one_and_zero_is_the_identity_bit_for_bit():
    weights = _weights()
    for w, got in zip(
        weights, arrays.shrink_perturb(weights, 1, 0), strict=True
    ):
        assert got.tobytes() == w.tobytes()


def test_zero_and_one_is_the_noise_bit_for_bit():
    weights, noise = _weights(), [w - 2 for w in _weights()]
    new = arrays.shrink_perturb(weights, 0, 1, noise=noise)
    for n, got in zip(noise, new, strict=True):
        assert got.tobytes() == n.tobytes()


def test_zero_shrink_drops_a_diverged_weight():
    weights = [np.array([np.nan, np.inf], "float32")]
    noise = [np.array([1.0, 2.0], "float32")]
    new = arrays.shrink_perturb(weights, 0, 0.5, noise=noise)
    assert new[0].tolist() == [0.5, 1.0]
    assert arrays.shrink_perturb(weights, 0, 0)[0].tolist() == [0.0, 0.0]


def test_gaussian_noise_has_the_documented_moments():
    weights = _weights()
    new = arrays.shrink_perturb(weights, 0.5, 0.01, noise="gaussian", seed=3)
    for w, got in list(zip(weights, new, strict=True))[:2]:
        noise = got - 0.5 * w
        # perturb is a standard deviation, not a variance.
        assert abs(noise.std() / 0.01 - 1) < 5 / math.sqrt(2 * w.size)
        assert abs(noise.mean()) < 5 * 0.01 / math.sqrt(w.size)


def test_scaled_noise_is_gaussian_noise_times_the_deviation():
    weights = [weight + 3 for weight in _weights()]
    scaled, plain = (
        arrays.shrink_perturb(weights, 0, 0.5, noise=kind, seed=1)
        for kind in ("scaled", "gaussian")
    )
    for weight, got, noise in zip(weights, scaled, plain, strict=True):
        want = noise * weight.astype("float64").std()
        np.testing.assert_allclose(got, want, rtol=1e-6)
    assert not scaled[2].any()


def test_noise_depends_on_seed_and_place_alone():
    weights = _weights()
    first = arrays.shrink_perturb(weights, 0.5, 0.1, seed=5)
    again = arrays.shrink_perturb(weights, 0.5, 0.1, seed=5)
    other = arrays.shrink_perturb(weights, 0.5, 0.1, seed=6)
    for a, b, c in zip(first, again, other, strict=True):
        assert a.tobytes() == b.tobytes()
        assert (a != c).mean() > 0.99
    twice = arrays.shrink_perturb([weights[0]] * 2, 0.5, 0.1)
    assert (twice[0] != twice[1]).mean() > 0.99


def test_inputs_stay_as_they_are():
    weights = _weights()
    copies = [w.copy() for w in weights]
    arrays.shrink_perturb(weights, 0.2, 0.3)
    for w, copy in zip(weights, copies, strict=True):
        assert w.tobytes() == copy.tobytes()


@pytest.mark.parametrize(
    ("shrink", "perturb", "received"),
    [
        (1.4, 0.1, "shrink=1.4"),
        (-0.1, 0.1, "shrink=-0.1"),
        (math.nan, 0.1, "shrink=nan"),
        (math.inf, 0.1, "shrink=inf"),
        (0.5, -1, "perturb=-1"),
        (0.5, math.nan, "perturb=nan"),
        (0.5, math.inf, "perturb=inf"),
        ("a", 0.1, "shrink='a'"),
        (True, 0.1, "shrink=True"),
        (0.5, None, "perturb=None"),
    ],
)
def test_strengths_out_of_range_are_refused(shrink, perturb, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        arrays.shrink_perturb(_weights(), shrink, perturb)


def test_noise_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="same shape for each weight"):
        arrays.shrink_perturb(_weights(), 0.5, 0.1, noise=_weights()[:2])
    with pytest.raises(ValueError, match="Received: noise='fresh'"):
        arrays.shrink_perturb(_weights(), 0.5, 0.1, noise="fresh")


@pytest.mark.parametrize(
    ("weights", "noise", "seed", "received"),
    [
        ([[1, 2, 3]], "gaussian", 0, "`weights` .* dtype int64 at position 0"),
        (["a"], "gaussian", 0, "`weights` .* dtype <U1 at position 0"),
        ([[1.0]], [[1]], 0, "`noise` .* dtype int64 at position 0"),
        ([[1.0]], [[np.nan]], 0, "`noise` must be finite.*at position 0"),
        # Finite, and not in the precision of the weight.
        ([np.ones(1, "float32")], [[1e39]], 0, "`noise` must be finite"),
        ([[1.0]], "gaussian", -1, "Received: seed=-1"),
        ([[1.0]], "gaussian", "x", "Received: seed='x'"),
    ],
)
def test_what_would_give_wrong_weights_is_refused(
    weights, noise, seed, received
):
    with pytest.raises(ValueError, match=received):
        arrays.shrink_perturb(weights, 0.5, 0.1, noise=noise, seed=seed)


@pytest.mark.parametrize("perturb", [0.0, 0.1])
def test_half_precision_is_rounded_once(perturb):
    rng = np.random.default_rng(0)
    weight, noise = rng.normal(size=(2, 5000)).astype("float16")
    (new,) = arrays.shrink_perturb([weight], 0.4, perturb, noise=[noise])
    want = np.float32(0.4) * weight.astype("float32")
    want += np.float32(perturb) * noise.astype("float32")
    np.testing.assert_array_equal(new, want.astype("float16"))
