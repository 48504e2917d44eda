"""Rounds hold the new samples only."""

import warnings

import numpy as np
import pytest

from ws_keras.data import arrivals
from ws_keras.data import repeats

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))


def joined(*rounds):
    """Returns the data of rounds, and what is said of them."""
    data = arrivals.join([(x, x[:, 0]) for x in rounds], (X[:1] + 9, X[:1, 0]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text = repeats.check(data.digests, data.ends)
    assert [str(w.message) for w in caught] == [text] * bool(text)
    assert all(w.category is repeats.RepeatedSamples for w in caught)
    return text


@pytest.mark.parametrize("order", [np.arange(40), RNG.permutation(40)])
def test_all_data_so_far_are_noticed_in_any_order(order):
    text = joined(X[:20], X[:40][order], X[40:])
    assert text.startswith("100 % of the samples of rounds[0]")
    assert "rounds[1]" in text and "new samples only" in text


def test_later_rounds_too():
    assert "75 % of the samples of rounds[1]" in joined(
        X[:20], X[20:40], np.concatenate([X[25:40], X[40:]])
    )


@pytest.mark.parametrize(
    "rounds",
    [
        (X[:20], X[20:60]),
        (X[:20], X[15:60]),  # a few come back
        (X[:5], X[:30]),  # too few to tell
        (RNG.integers(0, 2, (20, 3)), RNG.integers(0, 2, (40, 3))),
        (X,),
    ],
)
def test_nothing_is_said_of_new_samples_and_of_few_values(rounds):
    assert joined(*rounds) == ""


def test_files_are_named():
    found = np.concatenate([np.arange(12), np.arange(24)]).astype("uint64")
    with pytest.warns(repeats.RepeatedSamples, match="of a.npz occur.* b.npz"):
        repeats.check(found, [12, 36], ["a.npz", "b.npz"])
