"""Masks the logits of classes that a data set does not have."""

import keras
from keras import ops

# Its exponential is 0 relative to any other logit.
_NEVER = -1e9


@keras.saving.register_keras_serializable("ws_keras")
class ClassMask(keras.layers.Layer):
    """Excludes the classes from `count` on from the softmax.

    With this layer, one model serves a source with ten classes and a target
    with a hundred. Its loss, gradient and predictions are those of a model with
    `count` outputs.

    Args:
        keywords: Arguments of `keras.layers.Layer`.
    """

    def build(self, input_shape):
        """Creates the count, an integer that no transform changes."""
        self.count = self.add_weight(
            name="count",
            shape=(),
            dtype="int32",
            initializer=keras.initializers.Constant(input_shape[-1]),
            trainable=False,
        )

    def call(self, logits):
        """Returns logits `(batch, classes)`, with -1e9 for masked classes."""
        is_used = ops.arange(logits.shape[-1], dtype="int32") < self.count
        return ops.where(is_used, logits, ops.cast(_NEVER, logits.dtype))


def use(model: keras.Model, count: int) -> None:
    """Sets the number of classes that the masks of a model keep.

    Args:
        model: Built `keras.Model`.
        count: Number of classes.
    """
    for layer in model.layers:
        if isinstance(layer, ClassMask):
            layer.count.assign(count)
