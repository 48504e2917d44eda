"""Arrays that TensorFlow tensors can share without a copy."""

import math
from collections.abc import Sequence

import numpy as np

_BYTES = 64  # alignment of TensorFlow's own allocator


def empty(shape: tuple[int, ...], dtype) -> np.ndarray:
    """Returns an array like `np.empty` that a tensor can share.

    Args:
        shape: Shape of the array.
        dtype: Dtype of the array.

    Returns:
        An array that begins at a multiple of 64 bytes.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _BYTES, np.uint8)
    start = -memory.ctypes.data % _BYTES
    return memory[start : start + size].view(dtype).reshape(shape)


def is_shareable(values: np.ndarray) -> bool:
    """Returns whether a tensor can use the elements of an array directly.

    Args:
        values: Array.

    Returns:
        `True` for numbers and booleans in native byte order.
    """
    return values.dtype.kind in "biufc" and values.dtype.isnative


def concatenate(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Returns `np.concatenate(parts)`, aligned to 64 bytes if possible.

    Args:
        parts: Arrays of one dtype whose shapes differ only in the first axis.
    """
    first = parts[0]
    if not is_shareable(first):
        return np.concatenate(parts)
    whole = empty((sum(map(len, parts)), *first.shape[1:]), first.dtype)
    return np.concatenate(parts, out=whole)


def array(values: np.ndarray) -> np.ndarray:
    """Returns an array that a tensor can share, as a copy if necessary.

    Args:
        values: Array.

    Returns:
        A contiguous, writable array that begins at a multiple of 64 bytes.
    """
    flags = values.flags
    if (
        flags.c_contiguous
        and flags.writeable
        and values.ctypes.data % _BYTES == 0
    ):
        return values
    copy = empty(values.shape, values.dtype)
    copy[...] = values
    return copy
