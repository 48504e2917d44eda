"""Batches of a round, gathered by index arrays as late as possible."""

import math
import weakref
from collections.abc import Callable

import keras
import numpy as np

from ws_keras.data import aligned

EVALUATION_BATCH = 500
_KEPT = 8  # evaluations
# TensorFlow's name for resources that are not shared.
_ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


class Feed:
    """Gives batches of the samples in index arrays.

    All data are in memory once, as they are stored (`uint8` for images).
    TensorFlow uses the arrays themselves if their alignment allows it, so a
    change of an array changes the batches. A round adds only its indices. The
    last batch of an epoch may be smaller.

    Args:
        x: Array of samples, or a dictionary or tuple of such.
        y: Array of targets, or a dictionary or tuple of such.
        batch_size: Samples per step, over all replicas together.
        num_replicas: Number of replicas that share a batch. Defaults to 1.
        whole_copies: Whether a batch that the replicas cannot share is
            padded by copies of the whole batch, so that moments over all
            replicas are those of the batch too; each replica then gets up to
            `batch_size` samples. On JAX, where batch norm always takes them
            so, it is done anyway. Defaults to `False`.
        weights: Weight of each sample, `(n,)`. Defaults to `None`, all count
            alike.
        is_fixed: Whether each batch must have the full size, for a model with
            a fixed batch size. The rest of an epoch or of an evaluation is
            then left out. Defaults to `False`.

    Raises:
        ValueError: If the replicas cannot share the batch evenly.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        num_replicas: int = 1,
        whole_copies: bool = False,
        weights: np.ndarray | None = None,
        is_fixed: bool = False,
    ):
        check_batch_size(batch_size, num_replicas)
        self.batch_size = batch_size
        self._num_replicas = num_replicas
        self._whole_copies = whole_copies or not _is_tensorflow()
        kind = _TensorBatches if _is_tensorflow() else _ArrayBatches
        self.is_fixed = is_fixed
        self._batches = kind(x, y, weights)
        self._evaluations = {}

    def training(
        self,
        indices: np.ndarray,
        order: Callable[[], np.ndarray],
        batch_size: int | None = None,
    ) -> tuple:
        """Returns what `fit` takes for a round.

        Batches are `(x, y)`; under several replicas `(x, y, weights)`. Keras
        averages the means of the replicas, which is wrong where they do not
        share a batch evenly. So the last batch of an epoch, of `n` samples,
        is padded to `m` by samples of its own with weight 0; the others have
        weight `m / n` (which is 1 for all other batches). The mean over all
        `m` is then the mean over the `n`, and so is its gradient.

        Metrics need `weighted_metrics`. In the ones of `measures` each sample
        counts once. In those of Keras, its mean of the loss included, the
        last batch counts as `m` samples instead of `n`: they differ by at
        most `(m - n) / (size + m - n)` of the difference between the last
        batch and the epoch.

        Args:
            indices: Samples of the round.
            order: Function that gives a permutation of `len(indices)`; asked
                once at the start of each epoch.
            batch_size: Samples per step. Defaults to the feed's own.

        Returns:
            A triple of the batches, the number of steps and the number of
            samples of an epoch.
        """
        check_batch_size(batch_size or self.batch_size, self._num_replicas)
        size = len(indices)
        if self.is_fixed:
            size -= size % (batch_size or self.batch_size)
        bounds = _bounds(size, batch_size or self.batch_size)
        weights = self._weights(size, bounds[-2])
        bounds[-1] = len(weights)
        is_weighted = self._num_replicas > 1

        def columns():
            chosen = indices[order()][:size]
            if not is_weighted:
                return (chosen,)
            rest = np.resize(chosen[bounds[-2] :], len(weights) - size)
            return np.concatenate([chosen, rest]), weights

        batches = self._batches(columns, bounds, is_weighted)
        return batches, len(bounds) - 1, size

    def evaluation(self, indices: np.ndarray):
        """Returns what `evaluate` takes: all samples, in order.

        The last ones are kept, because TensorFlow takes longer to make a
        pipeline than for a small evaluation.
        """
        key = indices.dtype.str, indices.tobytes()
        found = self._evaluations.pop(key, None)
        if found is None:
            found = self._evaluation(indices.copy())
        self._evaluations[key] = found  # behind the older ones
        if len(self._evaluations) > _KEPT:
            del self._evaluations[next(iter(self._evaluations))]
        return found

    def _evaluation(self, indices: np.ndarray):
        if self.is_fixed:
            size = self.batch_size
            indices = indices[: len(indices) - len(indices) % size]
            return self._batches(
                lambda: (indices,), _bounds(len(indices), size)
            )
        size = EVALUATION_BATCH - EVALUATION_BATCH % self._num_replicas
        # TensorFlow fails where the replicas cannot share the first batch
        # evenly, JAX at any batch.
        is_shared = len(indices) >= size and _is_tensorflow()
        if len(indices) % self._num_replicas and not is_shared:
            # A mean is the same over several copies.
            indices = np.tile(indices, self._num_replicas)
        return self._batches(lambda: (indices,), _bounds(len(indices), size))

    def _weights(self, size: int, start: int) -> np.ndarray:
        """Of all samples of an epoch, whose last batch begins at `start`."""
        last = size - start
        padded = -(-last // self._num_replicas) * self._num_replicas
        if self._whole_copies:
            padded = math.lcm(last, self._num_replicas)
        weights = np.ones(start + padded, np.float32)
        weights[start:size] = padded / last
        weights[size:] = 0
        return weights


def check_batch_size(batch_size: int, num_replicas: int = 1) -> None:
    """Raises a ValueError unless the replicas can share a batch evenly."""
    if batch_size < 1 or batch_size % num_replicas:
        raise ValueError(
            "`batch_size` must be a positive multiple of the number of "
            f"replicas. Received: batch_size={batch_size}, "
            f"replicas={num_replicas}."
        )


def check_round(batch_size: int, num_samples: int) -> None:
    """Raises a ValueError if a batch is larger than the data of a round."""
    if num_samples < batch_size:
        raise ValueError(
            "`batch_size` must not be larger than the data of a round. "
            f"Received: batch_size={batch_size}, a round of {num_samples} "
            f"sample{'s' * (num_samples != 1)}. Give batch_size={num_samples} "
            "or less, or larger rounds."
        )


def _bounds(size: int, batch_size: int) -> np.ndarray:
    """Where each batch begins, and where the last one ends."""
    return np.append(np.arange(0, size, batch_size), size)


def _is_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"


class _TensorBatches:
    """A `tf.data` pipeline that gathers from tensors."""

    def __init__(self, x, y, weights=None):
        import tensorflow as tf

        self._tf = tf
        self._leaves = [_Resource(tf, leaf) for leaf in _leaves(x, y, weights)]
        self._pack = _packing(x, y, weights)

    def __call__(self, columns, bounds, weighted=False):
        tf = self._tf
        # TensorFlow keeps a pipeline's functions as long as the process
        # lives; by a weak reference this one keeps no data with it.
        weak = weakref.ref(columns)
        dtypes = [tf.int64, tf.float32] if weighted else [tf.int64]

        def values():
            indices, *weights = weak()()
            return np.asarray(indices, np.int64), *weights

        # AutoGraph would convert both functions in each round. They have no
        # control flow, so that there is nothing to convert.
        as_written = tf.autograph.experimental.do_not_convert

        @as_written
        def whole(_):
            columns = tf.numpy_function(values, [], dtypes)
            return tuple(tf.ensure_shape(column, [None]) for column in columns)

        @as_written
        def gather(indices, *weights):
            leaves = [leaf.gather(indices) for leaf in self._leaves]
            return self._pack(leaves, *weights)

        options = tf.data.Options()
        # There is nothing to rewrite or tune here, and on few cores the tuner
        # makes a step wait for its clock: about every other epoch of the MLP
        # then took 10 ms a step instead of 6.
        options.autotune.enabled = False
        options.experimental_optimization.apply_default_optimizations = False
        # There are no files to shard.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.OFF
        )
        data = tf.data.Dataset.from_tensors(0).map(whole)
        # As `unbatch` and `batch` do, but without a look at each sample.
        data = data.rebatch(np.diff(bounds) if len(bounds) > 1 else 1)
        data = data.map(gather)
        data = data.apply(
            tf.data.experimental.assert_cardinality(len(bounds) - 1)
        )
        data = data.prefetch(2).with_options(options)
        data.columns = columns
        return data


class _Resource:
    """An array as a resource on the host, over its own memory if it can be.

    A pipeline with a tensor in it would copy the tensor for each iterator,
    because TensorFlow rewrites pipelines if operations are deterministic. A
    `tf.Variable` would be made once for each replica in a strategy's scope.
    """

    def __init__(self, tf, array):
        self._tf, self._shape = tf, array.shape
        self._dtype = tf.as_dtype(array.dtype)
        with tf.device("cpu:0"):
            self._handle = tf.raw_ops.VarHandleOp(
                dtype=self._dtype,
                shape=array.shape,
                # As in `tf.Variable`: it lives as long as the handle.
                shared_name=_ANONYMOUS,
            )
            tf.raw_ops.AssignVariableOp(
                resource=self._handle, value=_tensor(tf, array)
            )

    def gather(self, indices):
        whole = self._tf.raw_ops.ReadVariableOp(
            resource=self._handle, dtype=self._dtype
        )
        # A handle in a pipeline does not tell the shape behind it.
        return self._tf.gather(
            self._tf.ensure_shape(whole, self._shape), indices
        )


def _tensor(tf, array):
    """Returns a tensor on the host, over the array's own memory if it can be.

    `tf.constant` holds all data twice, and three times while it copies.
    """
    if not aligned.is_shareable(array):
        return tf.constant(array)
    shared = aligned.array(array).__dlpack__()
    return tf.experimental.dlpack.from_dlpack(shared)


class _ArrayBatches:
    """A `keras.utils.PyDataset` over NumPy arrays, for other backends."""

    def __init__(self, x, y, weights=None):
        self._leaves = _leaves(x, y, weights)
        self._pack = _packing(x, y, weights)

    def __call__(self, columns, bounds, weighted=False):
        leaves, pack = self._leaves, self._pack

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return len(bounds) - 1

            def __getitem__(self, step):
                if step == 0:
                    self._columns = columns()
                part = slice(bounds[step], bounds[step + 1])
                chosen, *weights = (column[part] for column in self._columns)
                return pack([leaf[chosen] for leaf in leaves], *weights)

        return Batches()


def _leaves(x, y, weights) -> list[np.ndarray]:
    own = () if weights is None else (weights,)
    return [*keras.tree.flatten(x), *keras.tree.flatten(y), *own]


def _packing(x, y, weights) -> Callable:
    """Returns a function that makes a batch of its leaves.

    Weights that a batch has for itself are multiplied by those of its samples.
    """
    struct = keras.tree.map_structure(lambda _: 0, (x, y))
    is_weighted = weights is not None

    def pack(leaves, *of_batch):
        own = tuple(leaves[-1:]) if is_weighted else ()
        leaves = leaves[:-1] if is_weighted else leaves
        if own and of_batch:
            of_batch = (own[0] * of_batch[0],)
        batch = keras.tree.pack_sequence_as(struct, list(leaves))
        return *batch, *(of_batch or own)

    return pack
