"""A sample has one digest, however it is saved and whatever stands by it."""

import hashlib

import numpy as np
import pytest

from ws_keras.data import digests

X = np.random.default_rng(3).integers(0, 255, (200, 4, 3)).astype("uint8")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", ">f4"])
def test_the_same_values_have_the_same_digests(dtype):
    found = digests.samples(X.astype(dtype))
    np.testing.assert_array_equal(found, digests.samples(X))


def test_digest_is_of_the_sample_alone():
    order = np.random.default_rng(0).permutation(len(X))
    found = digests.samples(X)
    np.testing.assert_array_equal(digests.samples(X[order]), found[order])
    assert digests.samples(X[7:8])[0] == found[7]
    assert len(np.unique(found)) == 200


def test_zeros_and_nans_are_each_one_number():
    nan = np.frombuffer(np.uint32(0x7FC00001).tobytes(), "float32")[0]
    pairs = np.array([[0.0, np.nan], [-0.0, nan]], "float32")
    assert np.ptp(digests.samples(pairs)) == 0


def test_words_keep_their_borders_and_not_their_width():
    words = np.array([["a", "bc"], ["ab", "c"]])
    assert digests.samples(words)[0] != digests.samples(words)[1]
    wide = words.astype("<U22")
    np.testing.assert_array_equal(digests.samples(wide), digests.samples(words))


def test_ids_with_leading_zeros_are_the_same_as_numbers_and_as_texts():
    # pandas reads a column of digits as numbers, unless one has letters.
    texts = digests.keys(np.array(["00012", "00000", "40", "A12", "0A12"]))
    numbers = digests.keys(np.array([12, 0, 40]))
    np.testing.assert_array_equal(texts[:3], numbers)
    assert len(set(texts.tolist())) == 5


def test_keys_of_large_numbers_are_not_rounded():
    ids = 10**15 + np.arange(1000)
    found = digests.keys(ids)
    assert len(np.unique(found)) == 1000
    np.testing.assert_array_equal(found, digests.keys(ids.astype(str)))
    np.testing.assert_array_equal(found, digests.keys(ids.astype(float)))


def reference(word: bytes, seed: int) -> float:
    """BLAKE2b and SplitMix64 in Python's own integers."""

    def hashed(some):
        digest = hashlib.blake2b(some, digest_size=8).digest()
        return int.from_bytes(digest, "little")

    mixed = hashed(word) ^ hashed(str(seed).encode())
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return ((mixed ^ mixed >> 31) >> 11) / 2**53


@pytest.mark.parametrize("seed", [0, 7])
def test_chances_stay_the_same_in_every_version(seed):
    """Otherwise, what a model has trained on would be held out next week."""
    for found, words in (
        (digests.keys(np.array([12, 340])), (b"12", b"340")),
        (
            digests.samples(np.array([[1, 2], [3, 4]])),
            [np.array(row, "<f4").tobytes() for row in ([1, 2], [3, 4])],
        ),
        # Each word follows its length.
        (
            digests.samples(np.array([["a", "bc"]])),
            [b"\1" + 7 * b"\0" + b"a" + b"\2" + 7 * b"\0" + b"bc"],
        ),
    ):
        want = [reference(word, seed) for word in words]
        assert digests.chances(found, seed).tolist() == want


def test_chances_are_uniform_and_those_of_the_seed():
    found = digests.keys(np.arange(100_000))
    one, two = (digests.chances(found, seed) for seed in (0, 1))
    assert 0 <= one.min() and one.max() < 1
    # Ten cells of 10,000 each; the 1e-6 quantile of chi-squared with 9 degrees.
    for chances in (one, two):
        counts = np.histogram(chances, 10, (0, 1))[0]
        assert np.sum((counts - 10_000) ** 2 / 10_000) < 45
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02
