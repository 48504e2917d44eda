"""Batch normalization with TensorFlow's fused operation."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ws_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that is faster for images.

    Keras composes the layer of products, sums and means, each of which reads
    the whole batch from memory. In the narrow ResNet-18 they took a quarter of
    a training step. This layer uses TensorFlow's fused operation for images
    `(batch, height, width, channels)`. Inputs of other ranks, other axes,
    synchronized statistics and other backends use Keras' implementation.
    Results are equal up to rounding, including the moving variance, which is
    that of the batch without Bessel's correction.

    Args:
        unbiased: Whether the moving variance has Bessel's correction, as in
            PyTorch. It is supported only for images under TensorFlow. Defaults
            to `False`.
        keywords: Arguments of `keras.layers.BatchNormalization`.
    """

    def __init__(self, unbiased=False, **keywords):
        super().__init__(**keywords)
        self.unbiased = unbiased

    def get_config(self):
        """Returns the config; see `keras.layers.BatchNormalization`."""
        config = super().get_config()
        return {**config, "unbiased": True} if self.unbiased else config

    def call(self, inputs, training=None, mask=None):
        """Normalizes a batch; see `keras.layers.BatchNormalization`."""
        if not self._can_be_fused(inputs, mask):
            self._check_biased()
            return super().call(inputs, training=training, mask=mask)
        if not (training and self.trainable):
            statistics = self.moving_mean, self.moving_variance
            return self._fused(inputs, *statistics, is_training=False)[0]
        outputs, mean, variance = self._fused(inputs, is_training=True)
        count = ops.cast(ops.size(inputs) / inputs.shape[-1], variance.dtype)
        # The operation returns the unbiased estimate.
        if not self.unbiased:
            variance = variance * (count - 1) / count
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            value = ops.cast(value, moving.dtype)
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return outputs

    def _check_biased(self) -> None:
        if self.unbiased:
            raise ValueError(
                "`unbiased` requires TensorFlow, images, channels last and "
                "statistics that are not synchronized. Received: "
                f"unbiased=True in {self.name!r}. Use unbiased=False."
            )

    def _can_be_fused(self, inputs, mask) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.center
            and self.scale
            and mask is None
            and not self.synchronized
            and keras.backend.standardize_dtype(inputs.dtype) in _DTYPES
        )

    def _fused(self, inputs, mean=(), variance=(), *, is_training) -> tuple:
        import tensorflow as tf

        # Its weights and statistics always have single precision.
        scale, offset, mean, variance = (
            tf.cast(ops.convert_to_tensor(value), tf.float32)
            for value in (self.gamma, self.beta, mean, variance)
        )
        return tf.raw_ops.FusedBatchNormV3(
            x=tf.convert_to_tensor(inputs),
            scale=scale,
            offset=offset,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=is_training,
        )[:3]


_DTYPES = ("float32", "bfloat16")
