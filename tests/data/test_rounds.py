"""Which samples each round trains on."""

import numpy as np
import pytest

from ws_keras.data import rounds


def test_sizes_of_the_authors_split():
    fit, held_out = rounds.split(50_000, seed=0)
    assert (len(fit), len(held_out)) == (33_333, 16_667)
    assert [len(r) for r in rounds.two_phase(fit)] == [16_666, 33_333]
    sizes = [len(r) for r in rounds.online(fit, 1000)]
    assert sizes == [*range(1000, 34_000, 1000), 33_333]
    assert len(rounds.split(73_257, seed=0)[0]) == 48_838  # SVHN


def test_another_share_is_held_out_of_the_same_order():
    fit, held_out = rounds.split(50_000, 0, held_out=0.2)
    assert (len(fit), len(held_out)) == (40_000, 10_000)
    usual, _ = rounds.split(50_000, 0)
    np.testing.assert_array_equal(fit[: len(usual)], usual)
    # The held-out part is rounded, and half of 5 is 2.
    assert [len(part) for part in rounds.split(5, 0, held_out=0.5)] == [3, 2]


@pytest.mark.parametrize(
    "share", [float("nan"), float("inf"), 0.0, 1e-9, 1.0, 1.5, -0.1]
)
def test_a_share_that_leaves_a_side_empty(share):
    with pytest.raises(ValueError, match=f"held_out={share} of 50"):
        rounds.split(50, 0, held_out=share)


def test_split_is_a_seeded_permutation():
    fit, held_out = rounds.split(100, seed=3)
    both = np.concatenate([fit, held_out])
    assert sorted(both) == list(range(100))
    again = np.concatenate(rounds.split(100, seed=3))
    other = np.concatenate(rounds.split(100, seed=4))
    np.testing.assert_array_equal(both, again)
    assert (both != other).sum() > 80


@pytest.mark.parametrize(
    "make", [lambda i: rounds.online(i, 7), rounds.two_phase]
)
def test_rounds_are_nested_and_end_with_all(make):
    indices = np.random.default_rng(0).permutation(50)
    found = make(indices)
    for smaller, larger in zip(found, found[1:], strict=False):
        np.testing.assert_array_equal(larger[: len(smaller)], smaller)
    np.testing.assert_array_equal(found[-1], indices)


def test_two_parts_have_no_sample_in_common():
    order = np.random.default_rng(0).permutation(100)
    first, second = rounds.two_parts(order, 0.1)
    assert (len(first), len(second)) == (10, 90)
    np.testing.assert_array_equal(np.concatenate([first, second]), order)


def test_a_step_that_divides_the_data_makes_no_empty_round():
    found = rounds.online(np.arange(40), 10)
    assert [len(r) for r in found] == [10, 20, 30, 40]


def test_the_smallest_data():
    assert [len(part) for part in rounds.split(2, seed=0)] == [1, 1]
    # Cut, not rounded: two thirds of 4 are 2.67.
    assert [len(part) for part in rounds.split(4, seed=0)] == [2, 2]
    assert [len(r) for r in rounds.two_phase(np.arange(2))] == [1, 2]
    assert [len(r) for r in rounds.online(np.arange(1), 1)] == [1]


def test_one_step_may_bring_all():
    assert [len(r) for r in rounds.online(np.arange(7), 7)] == [7]


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, float("nan"), 0.001])
def test_bad_fraction(fraction):
    with pytest.raises(ValueError, match=f"fraction={fraction} of 10"):
        rounds.two_phase(np.arange(10), fraction)


@pytest.mark.parametrize("step", [0, -1, 11])
def test_bad_step(step):
    with pytest.raises(ValueError, match=f"step={step} of 10 samples"):
        rounds.online(np.arange(10), step)


def test_too_few_samples_to_split():
    with pytest.raises(ValueError, match="Received: 1 samples"):
        rounds.split(1, seed=0)
