"""The samples on which diagnostics are measured."""

from collections.abc import Iterator

import numpy as np

from ws_keras import checks
from ws_keras import seeds


class Sets:
    """Up to three sets of samples, in batches of equal size.

    Args:
        old: `(x, y)` or `(x, y, indices)`, or `None`. The indices may be a mask
            of all samples.
        new: Same as `old`.
        data: Same as `old`, or only `x`.
        batch_size: Samples per batch, or the size of a smaller set.
        max_samples: Maximum number of samples of a set.

    Raises:
        ValueError: If a set is invalid or empty, if an index is out of range,
            or if a number is below 1.
    """

    def __init__(self, old, new, data, batch_size: int, max_samples: int):
        checks.check_positive("batch_size", batch_size)
        checks.check_positive("max_samples", max_samples)
        self._batch_size = batch_size
        self._labelled = {}
        for name, given in (("old", old), ("new", new)):
            if given is not None:
                self._labelled[name] = _some(name, given, max_samples)
        self._inputs = None
        if data is not None:
            if not isinstance(data, (tuple, list)):
                data = (data, data)
            self._inputs, _ = _some("data", data, max_samples)

    @property
    def has_labelled(self) -> bool:
        return bool(self._labelled)

    @property
    def has_inputs(self) -> bool:
        return self._inputs is not None

    def labelled(self) -> Iterator[tuple[str, list]]:
        """Yields the name of a set and its mini-batches `(x, y)`.

        All batches of both sets have the same size, because the norm of a
        gradient depends on it. Samples after the last full batch are not used.
        """
        sizes = [len(x) for x, _ in self._labelled.values()]
        size = min(self._batch_size, *sizes)
        for name, (x, y) in self._labelled.items():
            starts = range(0, len(x) - size + 1, size)
            yield name, [(x[i : i + size], y[i : i + size]) for i in starts]

    def inputs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields batches of samples, with a weight of 1 for each sample.

        The last batch is filled with samples of weight 0, because another batch
        size would require another trace.
        """
        count = len(self._inputs)
        size = min(self._batch_size, count)
        for start in range(0, count, size):
            places = np.arange(start, start + size)
            weights = (places < count).astype("float32")
            yield self._inputs[places % count], weights


def _some(name: str, given, max_samples: int) -> tuple:
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise ValueError(
            f"`{name}` must be a tuple of arrays (x, y) or (x, y, indices). "
            f"Received: a {type(given).__name__}."
        )
    x, y = (_array(name, part) for part in given[:2])
    if len(x) != len(y):
        raise ValueError(
            f"`{name}` must have the same number of targets and samples. "
            "Received: "
            f"{len(x)} samples, {len(y)} targets."
        )
    indices = np.arange(len(x))
    if len(given) == 3:
        indices = _indices(name, given[2], len(x))
    if not len(indices):
        raise ValueError(
            f"`{name}` must have at least one sample. Received: no sample."
        )
    # Shuffled, because a batch of sorted classes would hold one class.
    order = seeds.generator(0, "diagnostics").permutation(len(indices))
    indices = indices[order[:max_samples]]
    return x[indices], y[indices]


def _array(name: str, part) -> np.ndarray:
    array = np.asarray(part)
    if not array.ndim or array.dtype.kind == "O":
        raise ValueError(
            f"`{name}` must hold arrays of samples and targets. Received: "
            f"{repr(part)[:50]}."
        )
    return array


def _indices(name: str, given, count: int) -> np.ndarray:
    """Returns the positions that indices or a mask of `count` refer to."""
    found = np.asarray(given)
    if found.dtype == bool and found.shape == (count,):
        return np.flatnonzero(found)
    if not found.size:
        return np.zeros(0, int)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(
            f"The indices of `{name}` must be integers or a mask of all "
            f"{count} samples. Received: dtype {found.dtype}, shape "
            f"{found.shape}."
        )
    if found.min() < -count or found.max() >= count:
        raise ValueError(
            f"The indices of `{name}` must be below {count}, the number of "
            f"samples. Received: {found.min()} to {found.max()}."
        )
    return found
