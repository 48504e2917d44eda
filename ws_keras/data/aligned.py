"""Arrays that lie in memory as TensorFlow's own tensors do."""

import math
from collections.abc import Sequence

import numpy as np

_BYTES = 64  # TensorFlow's own allocator aligns to so many


def empty(shape: tuple[int, ...], dtype) -> np.ndarray:
    """Returns an array like `np.empty`, that a tensor can share.

    Args:
        shape: Shape.
        dtype: Type of the elements.

    Returns:
        An array whose first element lies at a multiple of 64 bytes.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _BYTES, np.uint8)
    start = -memory.ctypes.data % _BYTES
    return memory[start : start + size].view(dtype).reshape(shape)


def is_shareable(values: np.ndarray) -> bool:
    """Returns whether a tensor can have the elements of an array as they are.

    Args:
        values: Array.

    Returns:
        `True` for numbers and booleans in the machine's order of bytes.
    """
    return values.dtype.kind in "biufc" and values.dtype.isnative


def concatenate(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Returns `np.concatenate(parts)`, at a multiple of 64 bytes if it can be.

    Args:
        parts: Arrays of one type, and of one shape but for the first axis.
    """
    first = parts[0]
    if not is_shareable(first):
        return np.concatenate(parts)
    whole = empty((sum(map(len, parts)), *first.shape[1:]), first.dtype)
    return np.concatenate(parts, out=whole)


def array(values: np.ndarray) -> np.ndarray:
    """Returns the array itself where a tensor can share it, or else a copy.

    Args:
        values: Array.

    Returns:
        A contiguous, writable array at a multiple of 64 bytes.
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
