"""Pipelines that are read once into arrays, where memory allows."""

import itertools
from collections.abc import Iterable
from collections.abc import Iterator

import keras
import numpy as np

from ws_keras.data import inputs
from ws_keras.storage import memory

_SHARE = 0.5  # of the memory that is left
_BATCH = 1024  # samples that are read at a time where there are no batches
_ENDLESS, _UNKNOWN = -1, -2  # cardinalities of tf.data


def is_stream(part) -> bool:
    """Returns whether it is a pipeline, not arrays."""
    if isinstance(part, list | tuple | dict | str | np.ndarray):
        return False
    if inputs.is_frame(part) or hasattr(part, "shape"):
        return False
    return isinstance(part, Iterable | keras.utils.PyDataset)


def read(what: str, part, steps: int | None, rank: int | None) -> tuple:
    """Reads a pipeline once.

    Args:
        what: What an error calls it.
        part: A `tf.data.Dataset`, a `keras.utils.PyDataset`, or anything that
            gives batches `(x, y)` or `(x, y, sample_weight)`.
        steps: Batches to read; `None` reads as many as it has.
        rank: Axes of the model's input, the batch's included, which tell
            samples from batches; `None` where that is not known.

    Returns:
        A tuple `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: If it has no end and `steps` is not given, gives no pairs,
            or is larger than the memory.
    """
    batches = list(_kept(what, _batches(what, part, steps, rank)))
    if not batches:
        raise ValueError(
            f"`{what}` must have samples. Received: an empty pipeline; an "
            "iterator can be read only once."
        )
    structs = [keras.tree.flatten(batch) for batch in batches]
    leaves = [_joined(what, leaf) for leaf in zip(*structs, strict=True)]
    return keras.tree.pack_sequence_as(batches[0], leaves)


def _batches(what, part, steps, rank) -> Iterator:
    if isinstance(part, keras.utils.PyDataset):
        count = steps if steps is not None else _length(part)
        if count is None:
            raise _endless(what)
        return (part[i] for i in range(count))
    if hasattr(part, "element_spec"):
        if int(part.cardinality()) == _ENDLESS and steps is None:
            raise _endless(what)
        if _is_unbatched(part, rank):
            part = part.batch(_BATCH)
        return itertools.islice(iter(part), steps)
    if iter(part) is part and steps is None:
        raise _endless(what)
    if steps is None:
        steps = _length(part)
    return itertools.islice(iter(part), steps)


def _length(part) -> int | None:
    try:
        return len(part)
    except (TypeError, NotImplementedError):
        return getattr(part, "num_batches", None)


def _endless(what: str) -> ValueError:
    return ValueError(
        f"`{what}` must have an end, or `steps` must say how many batches of "
        "each pipeline to read. Received: a pipeline without an end or a "
        "length. Give `steps=...`, or leave `repeat()` out."
    )


def _is_unbatched(data, rank: int | None) -> bool:
    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) < 2:
        return False  # which is refused later
    x, y = (keras.tree.flatten(part)[0].shape.rank for part in spec[:2])
    return y == 0 or (rank is not None and x == rank - 1)


def _kept(what: str, batches: Iterator) -> Iterator:
    """Passes batches on as arrays, as long as memory lasts."""
    limit, size = _SHARE * memory.available(), 0
    for batch in batches:
        if not isinstance(batch, list | tuple) or not 2 <= len(batch) <= 3:
            raise ValueError(
                f"`{what}` must give batches (x, y) or (x, y, sample_weight). "
                f"Received: {type(batch).__name__}."
            )
        batch = tuple(_arrays(what, part) for part in batch)
        size += sum(leaf.nbytes for leaf in keras.tree.flatten(batch))
        if size > limit:
            raise ValueError(
                f"`{what}` must fit into memory, where it is read once. "
                f"Received: more than {size / 2**20:,.0f} MiB, with "
                f"{limit / _SHARE / 2**20:,.0f} MiB left. Give fewer samples, "
                "smaller dtypes such as uint8, or `steps`."
            )
        yield batch


def _arrays(what: str, part):
    return keras.tree.map_structure(lambda leaf: inputs.array(what, leaf), part)


def _joined(what: str, leaves) -> np.ndarray:
    return np.concatenate(inputs.evened(what, leaves, True))
