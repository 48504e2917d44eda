"""Held-out samples that are training samples, with other digits."""

import numpy as np
import pytest

from ws_keras.data import arrivals
from ws_keras.data import rounded

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (400, 12)).astype("float32")
Y = RNG.integers(0, 2, 400)


def said(held_out, x=X[:300]):
    y = np.resize(Y, len(held_out))
    data = arrivals.join([(x, np.resize(Y, len(x)))], (held_out, y))
    return arrivals.shared(data)[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.astype("float16").astype("float32"),
        lambda x: x.round(3),
        lambda x: x * np.float32(1 + 1e-6),
    ],
)
def test_copies_with_other_digits_are_noticed(change):
    order = RNG.permutation(300)[:100]
    with pytest.warns(arrivals.SharedSamples, match="About 100 %.*rounded"):
        assert "About 100 %" in said(change(X[order]))
    half = np.concatenate([change(X[:30]), X[300:330]])
    with pytest.warns(arrivals.SharedSamples, match="About 50 %"):
        said(half)


def test_nothing_is_said_of_other_samples():
    assert said(X[300:]) == ""
    # One number is close to others by chance, and so are those of images.
    assert said(X[300:, :1], X[:300, :1]) == ""
    pixels = RNG.integers(0, 2, (400, 12)).astype("float32")
    pixels += RNG.normal(0, 1e-4, pixels.shape).astype("float32")
    pixels[:, 2:] = 0
    assert said(pixels[300:], pixels[:300]) == ""


def test_exact_copies_are_counted_as_such():
    with pytest.warns(arrivals.SharedSamples, match="50 of 100 held-out"):
        said(X[250:350])
    assert rounded.share(X[:50], X) == 0


def test_many_features():
    x = RNG.normal(size=(2000, 700)).astype("float32")
    assert rounded.share(x[:500].round(4), x) == 1
    assert rounded.share(x[:500].round(4), x[500:]) == 0
