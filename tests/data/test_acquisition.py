"""Active learning: each way of choosing against its definition."""

import numpy as np
import pytest

from ws_keras.data import acquisition

PROBABILITIES = np.array(
    [
        [0.90, 0.05, 0.05],  # margin 0.85
        [0.50, 0.49, 0.01],  # 0.01
        [0.34, 0.33, 0.33],  # 0.01 and the largest entropy
        [0.60, 0.30, 0.10],  # 0.30
    ]
)


def choose(name, count, seed=0, features=None, probabilities=PROBABILITIES):
    size = len(probabilities)
    rng = np.random.default_rng(seed)
    return acquisition.choose(
        name, lambda: (probabilities, features), size, count, rng
    ).tolist()


def test_margin_takes_the_smallest_and_the_first_of_equal_ones():
    equal = np.array([[0.75, 0.25], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    assert choose("margin", 2, probabilities=equal) == [1, 2]
    assert choose("margin", 4, probabilities=equal) == [1, 2, 0, 3]


def test_margin_is_between_the_two_most_probable_classes():
    found = acquisition.margins(PROBABILITIES)
    np.testing.assert_allclose(found, [0.85, 0.01, 0.01, 0.3], rtol=1e-12)
    assert choose("margin", 4)[2:] == [3, 0]


def test_entropy_takes_the_largest():
    assert choose("entropy", 3) == [2, 3, 1]


def test_entropy_of_certain_outputs_is_zero():
    certain = np.array([[1.0, 0.0], [0.5, 0.5]])
    found = acquisition.negative_entropies(certain)
    np.testing.assert_allclose(found, [0, -np.log(2)])


def test_random_follows_the_generator_and_asks_no_model():
    rng = np.random.default_rng(3)
    found = acquisition.choose("random", None, 50, 20, rng)
    again = np.random.default_rng(3).permutation(50)[:20]
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("name", ["random", "margin", "entropy"])
def test_no_more_than_there_are(name):
    assert sorted(choose(name, 9)) == [0, 1, 2, 3]


def test_gradients_are_those_of_the_last_layer():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4, 5))
    found = acquisition.gradients(PROBABILITIES, features)
    for row, p, f in zip(found, PROBABILITIES, features, strict=True):
        error = p - np.eye(3)[p.argmax()]
        np.testing.assert_allclose(row, np.outer(error, f).ravel(), rtol=1e-6)


def test_badge_spreads_over_distant_gradients():
    pytest.importorskip("sklearn")
    # Two tight heaps of gradients: two choices are never of one heap.
    features = np.repeat([[9.0, 0.0], [0.0, 9.0]], 20, axis=0)
    features += np.random.default_rng(0).normal(0, 0.01, features.shape)
    probabilities = np.full((40, 2), 0.5)
    for seed in range(10):
        found = choose("badge", 2, seed, features, probabilities)
        assert {index // 20 for index in found} == {0, 1}
    again = choose("badge", 2, seed, features, probabilities)
    assert again == found


def test_badge_takes_each_once_where_gradients_are_equal():
    pytest.importorskip("sklearn")
    found = choose("badge", 4, 0, np.ones((6, 2)), np.full((6, 2), 0.5))
    assert len(set(found)) == 4 and set(found) <= set(range(6))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="acquisition='best'"):
        choose("best", 1)
