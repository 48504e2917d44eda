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
