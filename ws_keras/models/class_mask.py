"""Logits of a data set that has fewer classes than the model."""

import keras
from keras import ops

# Its exponential is 0 beside any other logit's.
_NEVER = -1e9


@keras.saving.register_keras_serializable("ws_keras")
class ClassMask(keras.layers.Layer):
    """Takes the classes from `count` on out of the softmax.

    So one model serves a source with ten classes and a target with a hundred:
    while only the first `count` classes are in use, loss, gradient and
    prediction are those of a model with `count` outputs.

    Args:
        keywords: Those of `keras.layers.Layer`.
    """

    def build(self, input_shape):
        """Makes the count, an integer, which no transform changes."""
        self.count = self.add_weight(
            name="count",
            shape=(),
            dtype="int32",
            initializer=keras.initializers.Constant(input_shape[-1]),
            trainable=False,
        )

    def call(self, logits):
        """Returns the logits `(batch, classes)` with others at -1e9."""
        is_used = ops.arange(logits.shape[-1], dtype="int32") < self.count
        return ops.where(is_used, logits, ops.cast(_NEVER, logits.dtype))


def use(model: keras.Model, count: int) -> None:
    """Sets how many classes the masks of a model leave in use.

    Args:
        model: Built `keras.Model`.
        count: Number of classes.
    """
    for layer in model.layers:
        if isinstance(layer, ClassMask):
            layer.count.assign(count)
