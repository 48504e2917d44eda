"""Which numbers are pixels, and what the others are normalized by."""

import numpy as np
import pytest

from ws_keras.models import inputs

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("wanted", ["half", "auto"])
@pytest.mark.parametrize(
    ("x", "found"),
    [
        (RNG.integers(0, 256, (5, 4, 4, 1)).astype("uint8"), "half"),
        (RNG.integers(0, 2, (5, 7)).astype("uint8"), "half"),
        (RNG.uniform(0, 255, (5, 4, 4, 3)), "half"),
        (RNG.uniform(0, 1, (5, 4, 4, 3)), "channel"),
        (RNG.normal(size=(5, 4, 4, 3)), "channel"),
        (RNG.uniform(0, 1, (5, 7)), "channel"),
        (RNG.uniform(0, 15, (5, 7)), "channel"),
        (RNG.normal(0, 1000, (5, 7)), "channel"),
    ],
)
def test_floats_are_no_pixels_unless_they_look_so(wanted, x, found):
    name, words = inputs.resolved(wanted, x)
    assert name == found
    assert bool(words) == (found == "channel")
    assert not words or f"{x.max():g}" in words


@pytest.mark.parametrize("named", ["none", "channel", "cifar10"])
def test_what_is_named_is_done(named):
    assert inputs.resolved(named, RNG.uniform(size=(5, 7))) == (named, "")
