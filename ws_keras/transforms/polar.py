"""Polar factors of matrices: exact or by Newton-Schulz iterations."""

import numpy as np


def factor(matrices: np.ndarray, steps: int | None = None) -> np.ndarray:
    """Computes the polar factor of each matrix of a stack, in float64.

    For `W = U S V^T` it is `U V^T`, the nearest matrix whose singular values
    are all 1. Its columns are orthonormal if the matrix is tall, its rows if
    the matrix is wide.

    Example:

    >>> factor(np.array([[3.0, 0.0], [0.0, -0.1]])).round(6).tolist()
    [[1.0, 0.0], [0.0, -1.0]]

    Args:
        matrices: Finite array `(..., m, n)`.
        steps: Number of Newton-Schulz iterations that approximate the factor:
            starting from `X = W / ||W||_F`, with the shorter side as columns,
            `X <- 1.5 X - 0.5 X (X^T X)`. Each iteration multiplies a small
            singular value by 1.5. `None` computes the exact factor by a
            singular value decomposition. About 30 iterations bring all values
            of a square matrix to 1, which takes twice the time of a
            decomposition. Defaults to `None`.

    Returns:
        An array of the same shape. Singular values of 0, up to the rounding of
        the entries, remain 0, so a matrix of zeros does not change.
    """
    found = np.asarray(matrices, np.float64)
    # Normalize first: squares of tiny or huge entries under- or overflow.
    largest = np.abs(found).max(axis=(-2, -1), keepdims=True, initial=0.0)
    found = found / np.where(largest, largest, 1)
    if steps is not None:
        return _newton_schulz(found, steps)
    left, values, right = np.linalg.svd(found, full_matrices=False)
    has = values > _rounding(values, matrices)
    return (left * has[..., None, :]) @ right


def _rounding(values: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Returns the size up to which a singular value counts as 0.

    It is the larger one of the error of the decomposition and of the largest
    value that rounding the entries can add. Without the second, factors in
    single precision would gain what their matrices lack when they are factored
    again. Half precision counts as single, because its own rounding can exceed
    values that a matrix does have.
    """
    double = np.finfo(np.float64).eps
    held = double if matrices.dtype == np.float64 else np.finfo(np.float32).eps
    largest = values.max(axis=-1, keepdims=True, initial=0.0)
    whole = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.maximum(
        max(matrices.shape[-2:]) * double * largest, held / 2 * whole
    )


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
