"""Polar factors of matrices: exact, or by the steps of Newton and Schulz."""

import numpy as np


def factor(matrices: np.ndarray, steps: int | None = None) -> np.ndarray:
    """Returns the polar factor of each matrix of a stack, in float64.

    With `W = U S V^T` it is `U V^T`: the nearest matrix whose singular values
    are all 1, with orthonormal columns where a matrix is tall and orthonormal
    rows where it is wide.

    Example:

    >>> factor(np.array([[3.0, 0.0], [0.0, -0.1]])).round(6).tolist()
    [[1.0, 0.0], [0.0, -1.0]]

    Args:
        matrices: Finite array `(..., m, n)`.
        steps: Number of steps of Newton and Schulz, which come near to the
            factor: from `X = W / ||W||_F`, with the shorter side as columns,
            `X <- 1.5 X - 0.5 X (X^T X)`. Each multiplies a small singular
            value by 1.5. `None` gives the factor itself, by a singular value
            decomposition: to bring all values of a square matrix to 1 takes
            about 30 steps and twice its time. Defaults to `None`.

    Returns:
        An array of the same shape. Directions that a matrix lacks, to
        rounding, are 0 in it as well, and so is a matrix of zeros.
    """
    found = np.asarray(matrices, np.float64)
    # By the largest entry first: squares of tiny and of huge ones are lost.
    largest = np.abs(found).max(axis=(-2, -1), keepdims=True, initial=0.0)
    found = found / np.where(largest, largest, 1)
    if steps is not None:
        return _newton_schulz(found, steps)
    rounding = max(matrices.shape[-2:]) * np.finfo(np.float64).eps
    left, values, right = np.linalg.svd(found, full_matrices=False)
    has = values > rounding * values.max(axis=-1, keepdims=True, initial=0.0)
    return (left * has[..., None, :]) @ right


def _newton_schulz(found: np.ndarray, steps: int) -> np.ndarray:
    if found.shape[-2] < found.shape[-1]:
        turned = _newton_schulz(np.swapaxes(found, -2, -1), steps)
        return np.swapaxes(turned, -2, -1)
    norms = np.linalg.norm(found, axis=(-2, -1), keepdims=True)
    found = found / np.where(norms, norms, 1)
    for _ in range(steps):
        gram = np.swapaxes(found, -2, -1) @ found
        found = 1.5 * found - 0.5 * (found @ gram)
    return found
