"""Reads the data that users have as batches of a model's inputs."""

import itertools
import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from keras import tree

from ws_keras import _keras
from ws_keras import checks

BATCH_SIZE = 32
MOST = 100  # default of the number of batches that are read


class Batches:
    """Batches of a model's inputs that can be iterated over repeatedly.

    Arrays are cut into batches in a random order that is always the same,
    because users' arrays are often sorted by class. From a
    `keras.utils.PyDataset` or a list, the batches are spread evenly. From a
    stream, the first batches are read. Use `repeatable` for an iterator, which
    yields each batch only once.

    Args:
        model: Built model, which determines the number of inputs.
        data: An array, or a dict or list with one array per input; a pair or
            triple of inputs, targets and sample weights; a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a PyTorch `DataLoader`, or any iterable of
            batches. The first item of a tuple is used.
        batch_size: Samples per batch if `data` consists of arrays. `None` means
            32, or the fixed batch size of the model. Defaults to `None`.
        most: Maximum number of batches to read, or `None` for all. Defaults to
            100.

    Raises:
        ValueError: If `data` is of another kind, if arrays differ in their
            number of samples or are smaller than a fixed batch, or if there is
            no batch.
    """

    def __init__(self, model, data, batch_size=None, most: int | None = MOST):
        fixed = fixed_size(model)
        size = (fixed or BATCH_SIZE) if batch_size is None else batch_size
        checks.check_positive("batch_size", size)
        if most is not None:
            checks.check_positive("max_batches", most)
        self._most = most
        arrays = _arrays(model, data)
        self._are_labelled = arrays is None
        self._is_loader = type(data).__module__.startswith("torch.utils.data")
        if arrays is not None:
            self._read = _of_arrays(arrays, size, most, bool(fixed))
        elif isinstance(data, keras.utils.PyDataset):
            self._read = self._of_items(data, data.num_batches)
        elif isinstance(data, (list, tuple)):
            self._read = self._of_items(data, len(data))
        else:
            self._read = _of_iterable(data, most)

    def __iter__(self) -> Iterator[Any]:
        empty = True
        for batch in self._read():
            empty = False
            yield self._inputs(batch)
        if empty:
            raise ValueError(
                "`data` must hold at least one batch on which to measure the "
                "statistics. Received: no batch."
            )

    def _inputs(self, batch):
        is_pair = isinstance(batch, tuple) and self._are_labelled
        # PyTorch turns tuples into lists.
        if is_pair or (self._is_loader and isinstance(batch, list)):
            return batch[0]
        return batch

    def _of_items(self, data, count: int | None):
        def read():
            chosen = range(self._most) if count is None else range(count)
            if count and self._most and count > self._most:
                chosen = np.arange(self._most) * count // self._most
            return (data[int(i)] for i in chosen)

        return read


def fixed_size(model) -> int | None:
    """Returns the only size of a batch that a model takes, if there is one."""
    inputs = getattr(model, "inputs", None) or ()
    return next((t.shape[0] for t in inputs if t.shape[0]), None)


def _of_arrays(arrays, batch_size: int, most: int | None, is_fixed: bool):
    leaves = tree.flatten(arrays)
    sizes = sorted({leaf.shape[0] if leaf.shape else 0 for leaf in leaves})
    if len(sizes) != 1:
        raise ValueError(
            "Arrays given as `data` must have the same number of samples. "
            f"Received: {sizes} samples."
        )
    order = np.random.default_rng(0).permutation(sizes[0])
    if is_fixed:
        order = order[: len(order) // batch_size * batch_size]
        if sizes[0] and not len(order):
            raise ValueError(
                "Arrays given as `data` must fill a batch of the model's fixed "
                f"size. Received: {sizes[0]} samples for a batch of "
                f"{batch_size}."
            )
    if most is not None:
        order = order[: most * batch_size]
    # Equal parts as far as possible: one leftover sample has no variance.
    count = math.ceil(len(order) / batch_size)

    def read():
        for part in np.array_split(order, count) if count else ():
            # Files, such as those of h5py, require ascending indices.
            part = np.sort(part)
            yield tree.map_structure(lambda leaf, at=part: leaf[at], arrays)

    return read


def _of_iterable(data, most: int | None):
    if not isinstance(data, Iterable) and not hasattr(data, "__getitem__"):
        raise ValueError(
            "`data` must be arrays, a `tf.data.Dataset`, a "
            "`keras.utils.PyDataset` or an iterable of batches, such as a "
            f"list. Received: data={data!r}."
        )
    data = repeatable(data)
    return lambda: itertools.islice(data, most)


def repeatable(data):
    """Returns data that can be iterated over again.

    An iterator, which yields each batch only once, is stored in memory while it
    is read. All other data are returned unchanged.
    """
    return _Kept(data) if isinstance(data, Iterator) else data


class _Kept:
    def __init__(self, iterator: Iterator):
        self._iterator, self._read = iterator, []

    def __iter__(self):
        for place in itertools.count():
            while place >= len(self._read):
                try:
                    self._read.append(next(self._iterator))
                except StopIteration:
                    return
            yield self._read[place]


def _arrays(model, data):
    """Returns the inputs if `data` holds arrays of all samples, else `None`."""
    shapes = _input_shapes(model)
    if _is_array(data) or isinstance(data, Mapping):
        found = data
    elif not isinstance(data, (list, tuple)):
        return None
    elif _is_one_per_input(data, shapes):
        found = data
    elif isinstance(data, tuple) and _is_labelled(model, data, shapes):
        found = data[0]
    else:
        return None
    if not all(map(_is_array, tree.flatten(found))):
        raise ValueError(
            "Inputs given as `data` must be arrays. Received: "
            f"{sorted({type(v).__name__ for v in tree.flatten(found)})}."
        )
    return tree.map_structure(_indexable, found)


def _is_one_per_input(data, shapes: list | None) -> bool:
    """Whether each item holds all samples of one of several inputs."""
    if shapes is None or len(shapes) < 2:
        return False
    return len(data) == len(shapes) and all(map(_is_array, data))


def _is_labelled(model, data: tuple, shapes: list | None) -> bool:
    """Whether a tuple means inputs and labels, not a few batches."""
    if not 2 <= len(data) <= 3:
        return False
    leaves = tree.flatten(data)
    if not all(map(_is_array, leaves)):
        return False
    if len({len(leaf) if leaf.shape else 0 for leaf in leaves}) != 1:
        return False
    if shapes is None or not all(_fits(item, shapes) for item in data):
        return True
    # It is ambiguous. Reading it as inputs and labels is never wrong; it
    # only uses fewer data.
    outputs = [tuple(output.shape) for output in getattr(model, "outputs", [])]
    return bool(outputs) and _fits(data[1], outputs)


def _fits(item, shapes: list) -> bool:
    leaves = tree.flatten(item)
    return len(leaves) == len(shapes) and all(
        len(leaf.shape) == len(shape)
        and all(
            wanted in (None, size)
            for wanted, size in zip(shape[1:], leaf.shape[1:], strict=True)
        )
        for leaf, shape in zip(leaves, shapes, strict=True)
    )


def _input_shapes(model) -> list | None:
    """Returns the shape of each input of a model, or `None` if unknown."""
    inputs = getattr(model, "inputs", None)
    if inputs:
        return [tuple(tensor.shape) for tensor in inputs]
    # The shapes that a subclassed model was built with.
    known = _keras.build_shapes(model)
    if len(known) != 1:
        return None
    return list(_shapes(next(iter(known.values()))))


def _shapes(value):
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value)]
    if not isinstance(value, (list, tuple)):
        return
    if all(size is None or isinstance(size, int) for size in value):
        yield tuple(value)
    else:
        for part in value:
            yield from _shapes(part)


def _is_array(value) -> bool:
    return hasattr(value, "shape") and hasattr(value, "__getitem__")


def _indexable(array):
    """Returns an array of samples that can be indexed by an array."""
    if ops.is_tensor(array):
        return ops.convert_to_numpy(array)
    is_file = type(array).__module__.startswith("h5py")
    return array if is_file else np.asarray(array)
