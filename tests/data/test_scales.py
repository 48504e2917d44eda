"""Rounds whose values have another unit."""

import re
import warnings

import numpy as np
import pytest

from ws_keras.data import arrivals
from ws_keras.data import scales

RNG = np.random.default_rng(0)


def said(*rounds, held_out):
    """Returns what is said of rounds of `(x, y)`."""
    data = arrivals.join(rounds, held_out)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text = data.suspicious()
    assert [str(w.message) for w in caught] == [text] * bool(text)
    assert all(w.category is scales.OtherScale for w in caught)
    return text


def pixels(count, scale=1.0):
    x = RNG.integers(0, 256, (count, 4, 4, 1)) / 255 * scale
    x[0].flat[:2] = 0, scale
    return x.astype("float32"), RNG.integers(0, 2, count)


@pytest.mark.parametrize("odd", range(4))
@pytest.mark.parametrize(("usual", "other"), [(1, 255), (255, 1)])
def test_pixels_in_another_range_are_named_with_both(odd, usual, other):
    parts = [pixels(20, other if i == odd else usual) for i in range(4)]
    text = said(*parts[:3], held_out=parts[3])
    name = [r"rounds\[0\]", r"rounds\[1\]", r"rounds\[2\]", "held_out"][odd]
    wanted = f"feature 0 of {name} from 0 to {other}, .* from 0 to {usual}"
    assert re.search(wanted, text)


def test_a_unit_that_changes_for_good():
    def week(unit):
        x = RNG.lognormal(size=(30, 3))
        x[:, 1] *= unit
        return x, x.sum(1) > 1

    parts = [week(unit) for unit in (1, 1, 1000, 1000, 1000)]
    text = said(*parts, held_out=week(1000))
    assert "feature 1 of rounds[1]" in text and "of rounds[2]" in text
    assert "feature 0" not in text and "feature 2" not in text


def test_targets_and_named_inputs_too():
    def week(unit, own=1):
        x = {"a": RNG.normal(size=(20, 1)), "b": RNG.normal(size=(20, 2)) * own}
        return x, RNG.normal(size=20) * unit

    text = said(week(1), week(1), week(1000), held_out=week(1))
    assert "target 0 of rounds[2]" in text and "feature" not in text[60:]
    text = said(week(1), week(1, 0.001), held_out=week(1))
    assert "input 'b', feature 0 of rounds[1]" in text
    assert "input 'b', feature 1 of rounds[1]" in text and "'a'" not in text


@pytest.mark.parametrize(
    "second",
    [
        lambda x: x * 30,  # a drift
        lambda x: x * np.where(np.arange(len(x)) < 1, 1e6, 1)[:, None],
        lambda x: x * 0,
        lambda x: np.where(x > 0, x, np.nan),
        lambda x: x[:5] / 1000,  # too few to tell
    ],
)
def test_nothing_is_said_of_drift_extremes_zeros_and_few(second):
    x = RNG.normal(size=(40, 3))
    parts = [(part, np.arange(len(part)) % 2) for part in (x, second(x))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing values
        assert said(*parts, held_out=(x + 1, np.arange(40) % 2)) == ""


def test_nothing_is_said_of_ids():
    ids = np.arange(40)[:, None] % 20 + 1
    parts = [(ids, ids[:, 0] % 2), (ids + 9000, ids[:, 0] % 2)]
    assert said(*parts, held_out=parts[0]) == ""


def test_rare_pixels_of_flat_images_have_one_unit():
    x = RNG.integers(1, 256, (600, 64)) * (RNG.random((600, 64)) < 0.02)
    parts = [(x[i::3].astype("float32"), np.arange(200) % 2) for i in range(3)]
    assert said(*parts[:2], held_out=parts[2]) == ""
