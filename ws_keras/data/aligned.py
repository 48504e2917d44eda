"""Arrays that lie in memory as TensorFlow's own tensors do."""

import math

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
