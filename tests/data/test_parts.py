"""What a model has seen is never what it is measured on."""

import numpy as np
import pytest

from ws_keras.data import datasets
from ws_keras.data import digests
from ws_keras.data import parts
from ws_keras.data import splits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 6)).astype("float32")
Y = RNG.integers(0, 3, 1000).astype("int32")
NUMBERS = digests.keys(np.arange(1000))


def data(x, y):
    return datasets.Dataset("npz:own", x, y, 3)


def split(x, y, rule=None, past=None, ids=None, **rest):
    found = digests.samples(x) if ids is None else ids
    keys = parts.Keys(found)
    rule = rule or splits.Rule(id=None if ids is None else "number")
    return parts.chosen(data(x, y), rule, keys, past, **rest)


@pytest.fixture
def past():
    """Of a model that was trained on the first half."""
    return split(X[:500], Y[:500], old_samples=0).past


def test_other_order_type_and_number_of_copies(past):
    order = RNG.integers(0, 1000, 1200)
    found = split(X[order].astype("float64"), Y[order], past=past)
    held = digests.samples(found.held_out[0])
    assert not found.withheld
    assert not past.has_trained_on(held).any()
    assert not np.isin(held, digests.samples(found.train[0])).any()
    # Whoever was held out is held out again, if there.
    again = np.isin(past.held_out, digests.samples(X[order]))
    assert np.isin(past.held_out[again], held).all()


def test_rescaled_samples_in_another_order_prove_nothing(past):
    order = RNG.permutation(1000)
    found = split((X * 2 + 1)[order], Y[order], past=past)
    assert "--id" in found.withheld and "--old_samples=0" in found.withheld
    # Who knows that all are new says so.
    new = split((X * 2 + 1)[order], Y[order], past=past, old_samples=0)
    assert not new.withheld


def test_new_samples_beside_one_of_before_prove_nothing_either(past):
    one = np.flatnonzero(past.has_trained_on(digests.samples(X)))[:1]
    x = np.concatenate([X[one], X[500:] * 3])
    assert split(x, np.zeros(len(x)), past=past).withheld


def test_another_way_to_identify_samples_proves_nothing(past):
    order = RNG.permutation(800)
    by_id = split(X[order], Y[order], past=past, ids=NUMBERS[order])
    assert "'number'" in by_id.withheld and "--old_samples" in by_id.withheld
    back = split(X, Y, past=by_id.past)
    assert "'number'" in back.withheld
    # The week after, what was there is known to be seen.
    later = split(X * 3, Y, past=by_id.past, ids=NUMBERS)
    assert not later.withheld
    assert len(later.held_out[0]) < 100


def test_ids_that_identify_no_sample_are_counted():
    ids = np.arange(1000)
    ids[:3] = 7  # four samples of one id
    assert "share" not in split(X, Y, ids=NUMBERS).words
    found = split(X, Y, ids=digests.keys(ids)).words
    assert "4 of 1,000 samples share their value of 'number'" in found


def test_held_out_file_loses_what_the_model_has_seen(past):
    seen = past.has_trained_on(digests.samples(X))
    test = X[200:800], Y[200:800]
    found = parts.given(data(X[700:], Y[700:]), test, "a file", past)
    kept = ~seen[200:700]
    np.testing.assert_array_equal(found.held_out[0], X[200:700][kept])
    np.testing.assert_array_equal(found.held_out[1], Y[200:700][kept])
    assert not found.withheld
    assert f"{600 - kept.sum()} others are removed" in found.words
    assert f"Of these {kept[:300].sum()} are old" in found.words
    # The rule of before stays for the week after.
    assert found.past.rule == past.rule


def test_held_out_file_that_is_all_seen_proves_nothing(past):
    test = X[700:], Y[700:]
    found = parts.given(data(X[600:], Y[600:]), test, "a file", None)
    assert "all of the held-out samples" in found.withheld
    assert len(found.held_out[0]) == 300


def test_newest_samples_that_were_seen_are_left_out(past):
    rule = splits.Rule("last")
    found = split(X[::-1], Y[::-1], rule, past)
    held = digests.samples(found.held_out[0])
    assert 0 < len(held) < 200
    assert not past.has_trained_on(held).any()
    assert "without those" in found.words
