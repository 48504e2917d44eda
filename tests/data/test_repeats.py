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
        text = data.repeated()
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


@pytest.mark.parametrize(
    ("samples", "target", "words"),
    [
        (np.repeat(X, 2, 0), np.zeros(120), "60 of 120 held-out samples"),
        (np.r_[X, X[:20]], np.zeros(80), "20 of 80 held-out samples"),
        (np.r_[X, X[:19]], np.zeros(79), ""),  # a few
        (np.repeat(X, 2, 0), np.arange(120) % 2, ""),  # with other targets
    ],
)
def test_copies_among_held_out_samples_are_counted(samples, target, words):
    rounds = [(X + 9, np.zeros(60))]
    text = arrivals.join(rounds, (samples, target)).copied()
    assert text.startswith(words) and bool(text) == bool(words)


def test_files_are_named():
    found = np.concatenate([np.arange(12), np.arange(24)]).astype("uint64")
    with pytest.warns(repeats.RepeatedSamples, match="of a.npz occur.* b.npz"):
        repeats.check(found, [12, 36], ["a.npz", "b.npz"])


def test_held_out_parts_that_repeat_are_named():
    rounds = [(X[:20], X[:20, 0]), (X[20:30], X[20:30, 0])]
    held_out = [(X[30:45], X[30:45, 0]), (X[30:], X[30:, 0])]
    data = arrivals.join(rounds, held_out)
    with pytest.warns(repeats.RepeatedSamples, match=r"of held_out\[0\]"):
        assert data.repeated().startswith("100 %")


@pytest.mark.filterwarnings("ignore::ws_keras.data.inputs.MissingValues")
@pytest.mark.parametrize("first", [0.0, np.nan])
def test_one_held_out_part_for_all_rounds_counts_once(first):
    rounds = [(X[:20], X[:20, 0]), (X[20:30], X[20:30, 0])]
    part = np.concatenate([[[first] * 3], X[31:]])
    data = arrivals.join(rounds, [(part, X[30:, 0])] * 2)
    assert data.parts == [60] and data.repeated() == ""
    assert data.seen(1).tolist() == data.seen(2).tolist() == [*range(30, 60)]


@pytest.mark.parametrize(
    ("copies", "said"), [(10, "10 of 50 samples"), (15, "15 of 55 samples")]
)
def test_copies_within_a_round_are_counted(copies, said):
    """Those of another round, or with another target, are none."""
    twice = np.concatenate([X[:20], X[:copies]])
    y = np.arange(len(twice)) % 20
    data = arrivals.join(
        [(twice, y), (X[20:40], np.arange(20))], (X[40:], np.arange(20))
    )
    is_said = copies >= 0.25 * (40 + copies)
    assert (said in data.copied()) == is_said
    y[20:] += 1
    other = arrivals.join(
        [(twice, y), (X[20:40], np.arange(20))], (X[40:], np.arange(20))
    )
    assert other.copied() == ""
    thrice = arrivals.join([(X[:20], X[:20, 0])] * 3, (X[40:], X[40:, 0]))
    assert thrice.copied() == ""
