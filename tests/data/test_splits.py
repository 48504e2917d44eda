"""Who is held out once is held out for good."""

import numpy as np
import pytest

from ws_keras.data import digests
from ws_keras.data import splits

X = np.random.default_rng(1).normal(size=(4000, 6)).astype("float32")


def test_random_parts_grow_with_the_data():
    rule = splits.Rule(fraction=0.2, seed=3)
    found = digests.samples(X)
    whole = rule.chosen(found)
    assert whole.mean() == pytest.approx(0.2, abs=4 * (0.16 / 4000) ** 0.5)
    np.testing.assert_array_equal(rule.chosen(found[:1000]), whole[:1000])
    order = np.random.default_rng(0).permutation(4000)
    np.testing.assert_array_equal(rule.chosen(found[order]), whole[order])
    other = splits.Rule(fraction=0.2, seed=4).chosen(found)
    assert 0.02 < (whole & other).mean() < 0.06


def test_groups_stay_on_one_side():
    people = np.arange(4000) % 90
    rule = splits.Rule(groups="person")
    chosen = rule.chosen(digests.samples(X), digests.keys(people))
    for person in range(90):
        assert len(set(chosen[people == person])) == 1
    assert 0 < chosen.mean() < 0.5


def test_last_is_the_newest_part():
    rule = splits.Rule("last", 0.25)
    chosen = rule.chosen(digests.samples(X[:100]))
    np.testing.assert_array_equal(np.flatnonzero(chosen), np.arange(75, 100))


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"kind": "first"}, "split='first'"),
        ({"fraction": 1.0}, "held_out=1.0"),
        ({"fraction": 0}, "held_out=0"),
        ({"fraction": True}, "held_out=True"),
        ({"seed": -1}, "split_seed=-1"),
        ({"kind": "last", "groups": "person"}, "groups='person'"),
    ],
)
def test_bad_rules(arguments, words):
    with pytest.raises(ValueError) as error:
        splits.Rule(**arguments)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("counts", "fraction", "held"),
    [
        ([10, 10, 10, 10], 0.25, 10),
        ([10, 10, 10, 10], 0.2, 10),  # 8 wanted
        ([10, 10, 10, 10], 0.4, 20),  # 16 wanted
        ([70, 30], 0.2, 30),
        ([1] * 40, 0.2, 8),
    ],
)
def test_samples_of_equal_time_are_not_divided(counts, fraction, held):
    instants = np.repeat(np.arange(len(counts)), counts)
    rule = splits.Rule("last", fraction, order_by="day")
    chosen = rule.chosen(np.zeros(len(instants)), instants=instants)
    assert chosen.sum() == held and not np.diff(chosen.astype(int)).min() < 0
    assert not np.isin(instants[chosen], instants[~chosen]).any()


def test_one_time_for_all_samples_has_no_newest():
    rule = splits.Rule("last", order_by="day")
    with pytest.raises(ValueError, match="same time in 'day' for all 50 sam"):
        rule.chosen(np.zeros(50), instants=np.zeros(50, int))
