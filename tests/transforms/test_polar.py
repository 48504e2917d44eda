"""Polar factors against SciPy's, and the steps of Newton and Schulz."""

import numpy as np
import pytest
import scipy.linalg

from ws_keras.transforms import polar

SHAPES = [(7, 7), (12, 5), (5, 12), (1, 6), (6, 1), (1, 1), (64, 64)]


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_scipy(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    wide = shape[0] < shape[1]
    want, _ = scipy.linalg.polar(matrix, "left" if wide else "right")
    np.testing.assert_allclose(polar.factor(matrix), want, atol=1e-12)
    found = polar.factor(matrix, 60)
    np.testing.assert_allclose(found, want, atol=1e-9)


@pytest.mark.parametrize("condition", [1e2, 1e5, 1e9])
def test_a_matrix_that_is_nearly_singular(condition):
    rng = np.random.default_rng(1)
    u, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    v, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    found = polar.factor(u * np.geomspace(1, 1 / condition, 20) @ v)
    np.testing.assert_allclose(found, u @ v, atol=1e-14 * 10 * condition)
    np.testing.assert_allclose(np.linalg.svd(found)[1], 1, atol=1e-7)


def test_so_many_steps_as_are_asked_for():
    matrix = np.diag([3.0, 4.0])  # 0.6 and 0.8 of the Frobenius norm
    want = np.array([0.6, 0.8])
    for steps in (1, 2, 3):
        want = 1.5 * want - 0.5 * want**3
        found = polar.factor(matrix, steps)
        np.testing.assert_allclose(found, np.diag(want), atol=1e-15)


@pytest.mark.parametrize("size", [1e-160, 1e-30, 1e30, 1e160])
def test_the_size_of_a_matrix_does_not_matter(size):
    matrix = np.random.default_rng(2).normal(size=(4, 6))
    found = polar.factor(size * matrix)
    np.testing.assert_allclose(found, polar.factor(matrix), atol=1e-7)


@pytest.mark.parametrize("steps", [None, 10])
def test_each_matrix_of_a_stack_is_one_of_its_own(steps):
    stack = np.random.default_rng(3).normal(size=(2, 3, 4, 5))
    stack[1, 2] *= 1e9
    found = polar.factor(stack, steps)
    for place in np.ndindex(2, 3):
        want = polar.factor(stack[place], steps)
        np.testing.assert_allclose(found[place], want, atol=1e-12)


@pytest.mark.parametrize("steps", [None, 10])
def test_a_matrix_of_zeros_stays(steps):
    assert not polar.factor(np.zeros((2, 4, 3)), steps).any()


def test_what_a_matrix_lacks_it_lacks_afterwards():
    rng = np.random.default_rng(5)
    (a, b), (c, d) = rng.normal(size=(2, 6)), rng.normal(size=(2, 5))
    matrix = np.outer(a, c) + np.outer(b, d)
    values = np.linalg.svd(polar.factor(matrix), compute_uv=False)
    np.testing.assert_allclose(values, [1, 1, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_what_a_matrix_in_single_precision_lacks_it_lacks_twice(size):
    matrix = np.random.default_rng(6).integers(-3, 4, (8, 6)) * size
    matrix[:, 2] = matrix[:, 0] + matrix[:, 1]
    once = polar.factor(matrix.astype("float32")).astype("float32")
    values = np.linalg.svd(once, compute_uv=False)
    np.testing.assert_allclose(values, [1, 1, 1, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(polar.factor(once), once, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 4), (4, 5)])
def test_zeros_stay(shape):
    matrix = np.random.default_rng(4).normal(size=shape)
    matrix[2], matrix[:, 1] = 0, 0
    before, found = matrix.copy(), polar.factor(matrix)
    np.testing.assert_allclose(found[2], 0, atol=1e-14)
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-14)
    rest = np.delete(np.delete(before, 2, 0), 1, 1)
    some = np.delete(np.delete(found, 2, 0), 1, 1)
    np.testing.assert_allclose(some, polar.factor(rest), atol=1e-7)
    np.testing.assert_array_equal(matrix, before)
