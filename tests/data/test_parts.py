"""What a model has seen is never what it is measured on."""

import dataclasses
import hashlib

import numpy as np
import pytest

from ws_keras.data import datasets
from ws_keras.data import digests
from ws_keras.data import history
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


def test_a_group_with_a_seen_sample_is_not_held_out():
    """The model has seen a sample of half of the people."""
    past = split(X[:50], Y[:50], old_samples=0).past
    people, found = np.arange(1000) % 100, digests.samples(X)
    keys = parts.Keys(found, digests.keys(people))
    rule = splits.Rule(groups="person")
    made = parts.chosen(data(X, Y), rule, keys, past, old_samples=0)
    held = np.isin(found, digests.samples(made.held_out[0]))
    is_of_seen = np.isin(people, people[past.has_trained_on(found)])
    chosen = rule.chosen(found, keys.groups)
    assert (chosen & is_of_seen).any()
    np.testing.assert_array_equal(held, chosen & ~is_of_seen)


def test_replay_takes_all_new_samples_and_the_same_old_ones(past):
    found = split(X, Y, past=past)
    is_new = ~found.was_seen
    some, more = (found.replayed(share, 0) for share in (0.25, 0.5))
    for part in (some, more):
        np.testing.assert_array_equal(part.train[0], X[part.places])
        np.testing.assert_array_equal(
            part.keys, digests.samples(X[part.places])
        )
        assert np.isin(found.places[is_new], part.places).all()
        assert (~part.was_seen).sum() == is_new.sum()
    assert np.isin(some.places, more.places).all()
    # Although the split and the replay have the same seed.
    again, old = some.was_seen.sum(), found.was_seen.sum()
    assert again / old == pytest.approx(0.25, abs=4 * (0.1875 / old) ** 0.5)
    assert f"{is_new.sum()} new samples and {again} of {old} old" in some.words
    # Of fewer data, the same samples are taken.
    fewer = split(X[100:], Y[100:], past=past).replayed(0.25, 0)
    np.testing.assert_array_equal(
        fewer.places + 100, some.places[some.places >= 100]
    )
    assert found.replayed(0, 0).places.tolist() == found.places[is_new].tolist()
    assert len(found.replayed(1, 0).places) == len(found.places)


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


def old_digest(text):
    """As records of version 1 identified an id, zeros included."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@pytest.fixture
def padded():
    """800 ids, of which the first 100 have zeros: 0000 to 0099."""
    return np.array([f"{n:04}" if n < 100 else str(n) for n in range(800)])


def older_past(texts):
    rule = splits.Rule(id="number")
    found = np.array([old_digest(text) for text in texts], "uint64")
    chosen = rule.chosen(found)
    past = history.of(rule, found[~chosen], found[chosen], Y[: len(texts)])
    return dataclasses.replace(past, version=1)


def by_id(texts, past, **rest):
    count = len(texts)
    keys = parts.Keys(digests.keys(texts), None, digests.padded(texts))
    return parts.chosen(
        data(X[:count], Y[:count]), past.rule, keys, past, **rest
    )


def test_ids_with_zeros_in_an_older_record_are_unknown(padded):
    past = older_past(padded[:500])
    found = by_id(padded, past)
    assert "007" in found.withheld and "--old_samples" in found.withheld
    # A seventh of the old samples would count as new ones.
    assert "are new" not in found.words
    assert found.was_seen is None
    with pytest.raises(ValueError, match="--old_samples"):
        found.replayed(0.5, 0)
    given = by_id(padded, past, old_samples=500)
    assert not given.withheld
    # None of the first 500 samples is measured, whatever its id.
    assert np.isin(digests.keys(padded[:500]), given.keys).all()


def test_a_record_of_today_tells_ids_with_zeros(padded):
    """The week after, nothing is unknown; nor where no id has zeros."""
    again = by_id(padded, by_id(padded[:500], older_past(padded[:500])).past)
    assert not again.withheld and again.was_seen.any()
    assert not by_id(padded[100:], older_past(padded[100:500])).withheld


def test_texts_with_zeros_in_an_older_record_are_unknown():
    """A postcode was read as a number, and is now read as it is written."""
    texts = np.array([f"{n:05}" for n in range(5000, 25000, 40)])[:, None]
    found = digests.samples(np.array([[str(int(t))] for t in texts[:, 0]]))
    past = history.of(splits.Rule(), found[50:], found[:50], Y[:500])
    keys = parts.Keys(digests.samples(texts), None, parts.padded(texts))
    assert 0 < keys.is_padded.sum() < 500
    older = dataclasses.replace(past, version=1)
    doubtful = parts.chosen(data(texts, Y[:500]), past.rule, keys, older)
    assert "007" in doubtful.withheld
    other = data(texts[:300], Y[:300]), (texts[300:], Y[300:500]), "a file"
    given = parts.given(*other, older)
    # Those without zeros are known to have been trained on.
    assert "007" in given.words and "all of the held-out" in given.withheld
    assert "007" not in parts.given(*other, past).words


def test_a_time_is_old_or_new_but_not_both():
    """Fifteen of a hundred are wanted, but a day has twenty."""
    day = np.repeat(np.arange(5), 20)
    keys = parts.Keys(digests.samples(X[:100]), instants=day)
    rule = splits.Rule("last", 0.15, order_by="day")
    found = parts.chosen(data(X[:100], Y[:100]), rule, keys, None)
    np.testing.assert_array_equal(found.held_out[0], X[80:100])
    assert found.words.startswith("20 of 100 samples are held out: the newest")
    assert "Samples of equal time are not divided." in found.words
    exact = splits.Rule("last", 0.2, order_by="day")
    found = parts.chosen(data(X[:100], Y[:100]), exact, keys, None)
    assert "not divided" not in found.words
