"""Reads pipelines into arrays, if memory permits."""

import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

import keras
import numpy as np

from ws_keras.data import frames
from ws_keras.data import inputs
from ws_keras.storage import memory

_SHARE = 0.5  # fraction of the available memory
_BATCH = 1024  # number of samples per read from an unbatched pipeline
_ENDLESS, _UNKNOWN = -1, -2  # cardinalities of tf.data


def is_stream(part) -> bool:
    """Returns whether data are a pipeline, not arrays."""
    if isinstance(part, list | tuple | dict | str | np.ndarray):
        return False
    if inputs.is_frame(part) or hasattr(part, "shape"):
        return False
    return isinstance(part, Iterable | keras.utils.PyDataset)


def read(
    what: str,
    part,
    steps: int | None,
    struct=None,
    columns: frames.Columns | None = None,
) -> tuple:
    """Reads a pipeline once.

    Args:
        what: Name of the pipeline in error messages.
        part: A `tf.data.Dataset`, a `keras.utils.PyDataset`, or any iterable of
            batches `(x, y)` or `(x, y, sample_weight)`.
        steps: Number of batches to read; `None` reads all.
        struct: Structure of the model's inputs, which distinguishes samples
            from batches. Defaults to `None`, unknown.
        columns: Columns of the data frames of other parts. Defaults to none.

    Returns:
        A tuple `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: If the pipeline is infinite and `steps` is `None`, if it
            does not yield pairs, or if it does not fit into memory.
    """
    columns = columns or frames.Columns()
    batches = list(_kept(what, _batches(what, part, steps, struct), columns))
    if not batches:
        raise ValueError(
            f"`{what}` must have samples. Received: an empty pipeline; an "
            "iterator can be read only once."
        )
    structs = [keras.tree.flatten(batch) for batch in batches]
    leaves = [_joined(what, leaf) for leaf in zip(*structs, strict=True)]
    return keras.tree.pack_sequence_as(batches[0], leaves)


def _batches(what, part, steps, struct) -> Iterator:
    if isinstance(part, keras.utils.PyDataset):
        # Batches past the end of a finite one are not its own.
        counts = [n for n in (steps, _length(part)) if n is not None]
        if not counts:
            raise _endless(what)
        count = min(counts)
        return (part[i] for i in range(count))
    if hasattr(part, "element_spec"):
        if int(part.cardinality()) == _ENDLESS and steps is None:
            raise _endless(what)
        if _is_unbatched(part, struct):
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
        f"`{what}` must be finite, or `steps` must give the number of batches "
        "to read from each pipeline. Received: a pipeline without an end or a "
        "length. Give `steps=...`, or remove `repeat()`."
    )


def _is_unbatched(data, struct) -> bool:
    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) < 2:
        return False  # another check rejects it
    x, y = spec[:2]
    if keras.tree.flatten(y)[0].shape.rank == 0:
        return True
    if struct is None:
        return False
    own, tensor = _first(x, struct)
    # A batch `(n,)` fits an input `(None, 1)`: Keras adds this axis.
    adds_axis = tensor.shape[-1] == 1 and own.rank and own[-1] != 1
    return own.rank == len(tensor.shape) - 1 and not adds_axis


def _first(x, struct) -> tuple:
    """Returns the shape of an array of samples, and the input that takes it."""
    if isinstance(struct, Mapping):
        name, tensor = next(iter(struct.items()))
    else:
        tensor = keras.tree.flatten(struct)[0]
        name = tensor.name
    named = isinstance(x, Mapping) and name in x
    return (x[name] if named else keras.tree.flatten(x)[0]).shape, tensor


def _kept(what: str, batches: Iterator, columns) -> Iterator:
    """Yields batches as arrays while they fit into memory."""
    limit, size = _SHARE * memory.available(), 0
    for batch in batches:
        if not isinstance(batch, list | tuple) or not 2 <= len(batch) <= 3:
            raise ValueError(
                f"`{what}` must yield batches (x, y) or (x, y, sample_weight). "
                f"Received: {type(batch).__name__}."
            )
        batch = tuple(
            _arrays(what, columns.ordered(what, part, (place,)))
            for place, part in zip("xyw", batch, strict=False)
        )
        size += sum(leaf.nbytes for leaf in keras.tree.flatten(batch))
        if size > limit:
            raise ValueError(
                f"`{what}` must fit into memory, because it is read once. "
                f"Received: more than {size / 2**20:,.0f} MiB, with "
                f"{limit / _SHARE / 2**20:,.0f} MiB available. Use fewer "
                "samples, smaller dtypes such as uint8, or `steps`."
            )
        yield batch


def _arrays(what: str, part):
    return keras.tree.map_structure(lambda leaf: inputs.array(what, leaf), part)


def _joined(what: str, leaves) -> np.ndarray:
    return np.concatenate(inputs.evened(what, leaves, True))
