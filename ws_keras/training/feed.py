"""Batches of rounds: index arrays in, images out as late as possible."""

import weakref
from collections.abc import Callable

import keras
import numpy as np

EVALUATION_BATCH = 500


class Feed:
    """Serves batches of the samples that index arrays name.

    All data lie in memory once, as they are stored (`uint8` for images);
    a round only adds its indices. The last batch of an epoch may be smaller.

    Args:
        x: Array of samples.
        y: Array of integer labels.
        batch_size: Samples per step, over all replicas together.
        num_replicas: Number of replicas that share a batch. Defaults to 1.

    Raises:
        ValueError: If the replicas cannot share the batch evenly.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        num_replicas: int = 1,
    ):
        check_batch_size(batch_size, num_replicas)
        self.batch_size = batch_size
        self._num_replicas = num_replicas
        kind = _TensorBatches if _is_tensorflow() else _ArrayBatches
        self._batches = kind(x, y)

    def training(
        self, indices: np.ndarray, order: Callable[[], np.ndarray]
    ) -> tuple:
        """Returns what `fit` takes for a round.

        Args:
            indices: Samples of the round.
            order: Function that gives a permutation of `len(indices)`; asked
                once at the start of each epoch.

        Returns:
            A triple of the batches, the number of steps and the number of
            samples of an epoch. Under several replicas up to
            `num_replicas - 1` samples, others in each epoch, are left out,
            because TensorFlow gives a wrong gradient for a batch that the
            replicas cannot share evenly.
        """
        rest = len(indices) % self.batch_size
        size = len(indices) - rest % self._num_replicas
        steps = -(-size // self.batch_size)
        batches = self._batches(
            lambda: indices[order()[:size]], self.batch_size, steps
        )
        return batches, steps, size

    def evaluation(self, indices: np.ndarray):
        """Returns what `evaluate` takes: all samples, in order."""
        size = EVALUATION_BATCH - EVALUATION_BATCH % self._num_replicas
        if len(indices) < size and len(indices) % self._num_replicas:
            # TensorFlow fails where the replicas cannot share the first
            # batch evenly; a mean is the same over several copies.
            indices = np.tile(indices, self._num_replicas)
        steps = -(-len(indices) // size)
        return self._batches(lambda: indices, size, steps)


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
            "samples."
        )


def _is_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"


class _TensorBatches:
    """A `tf.data` pipeline that gathers from tensors."""

    def __init__(self, x, y):
        import tensorflow as tf

        self._tf = tf
        # A constant of a graph must not be larger than 2 GB; a captured
        # eager tensor may be.
        with tf.device("cpu:0"):
            self._x, self._y = tf.constant(x), tf.constant(y)

    def __call__(self, ordered, batch_size, steps):
        tf = self._tf
        # TensorFlow keeps a pipeline's functions as long as the process
        # lives; by a weak reference this one keeps no data with it.
        weak = weakref.ref(ordered)

        def batches(_):
            indices = tf.numpy_function(
                lambda: np.asarray(weak()(), np.int64), [], tf.int64
            )
            indices = tf.ensure_shape(indices, [None])
            return tf.data.Dataset.range(steps).map(
                lambda i: indices[i * batch_size : (i + 1) * batch_size]
            )

        def gather(indices):
            return tf.gather(self._x, indices), tf.gather(self._y, indices)

        options = tf.data.Options()
        # There is nothing to tune here, and on few cores the tuner makes a
        # step wait for its clock: about every other epoch of the MLP then
        # took 10 ms a step instead of 6.
        options.autotune.enabled = False
        # There are no files to shard.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.OFF
        )
        data = tf.data.Dataset.from_tensors(0).flat_map(batches).map(gather)
        data = data.apply(tf.data.experimental.assert_cardinality(steps))
        data = data.prefetch(2).with_options(options)
        data.ordered = ordered
        return data


class _ArrayBatches:
    """A `keras.utils.PyDataset` over NumPy arrays, for other backends."""

    def __init__(self, x, y):
        self._x, self._y = x, y

    def __call__(self, ordered, batch_size, steps):
        x, y = self._x, self._y

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return steps

            def __getitem__(self, step):
                if step == 0:
                    self._indices = ordered()
                start = step * batch_size
                chosen = self._indices[start : start + batch_size]
                return x[chosen], y[chosen]

        return Batches()
