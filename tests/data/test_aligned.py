"""Arrays that tensors can share."""

import numpy as np
import pytest

from ws_keras.data import aligned


@pytest.mark.parametrize("shape", [(), (1, 3), (7,), (3, 5, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.int64])
def test_empty_lies_at_64_bytes_wherever_the_memory_begins(shape, dtype):
    kept = []
    for extra in range(20):
        kept.append(np.empty(extra * 3 + 1, np.uint8))
        found = aligned.empty(shape, dtype)
        kept.append(found)
        assert found.shape == shape and found.dtype == dtype
        assert found.ctypes.data % 64 == 0
        assert found.flags.c_contiguous and found.flags.writeable


def test_an_array_that_can_be_shared_is_not_copied():
    values = aligned.empty((4, 4), np.float32)
    assert aligned.array(values) is values


def test_one_that_cannot_is():
    whole = aligned.empty((4, 4), np.float32)
    whole[...] = np.arange(16).reshape(4, 4)
    read_only = whole.view()
    read_only.flags.writeable = False
    for values in (whole[1:], whole.T, whole[:, ::2], read_only):
        copy = aligned.array(values)
        assert copy.tolist() == values.tolist()
        assert not np.shares_memory(copy, values)
        assert copy.ctypes.data % 64 == 0


def test_arrays_are_joined_where_they_can_be_shared():
    parts = [np.arange(6).reshape(3, 2), np.arange(4).reshape(2, 2)]
    whole = aligned.concatenate(parts)
    assert whole.tolist() == np.concatenate(parts).tolist()
    assert aligned.array(whole) is whole
    words = aligned.concatenate([np.array(["a"]), np.array(["b", "c"])])
    assert words.tolist() == ["a", "b", "c"]
