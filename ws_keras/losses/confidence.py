"""Cross-entropy with a penalty for confident outputs."""

import keras
from keras import ops

from ws_keras.losses import penalties


@keras.saving.register_keras_serializable("ws_keras")
class ConfidencePenalty(keras.losses.Loss):
    """Cross-entropy minus `weight` times the entropy of the outputs.

    This is the confidence penalty of Pereyra et al., "Regularizing Neural
    Networks by Penalizing Confident Output Distributions" (2017), equation 2.
    For a sample with logits `z` and label `y`, the loss is `-log p[y] - weight
    * H(p)`, where `p = softmax(z)` and `H(p) = -sum(p * log(p))` in nats.

    The loss can be negative; its lower bound is `-weight * log(num_classes)`.
    It needs no additional forward pass.

    Example:

    >>> loss = ConfidencePenalty(weight=1.0)
    >>> zero = loss(np.array([0]), np.array([[0.0, 0.0]]))
    >>> round(float(zero), 6)  # log 2, minus an entropy of log 2
    0.0

    Args:
        weight: Factor of the entropy, finite and at least 0. With 0, the loss
            is the cross-entropy. Defaults to 0.1.
        reduction: As in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`, the mean over the samples.
        name: Name of the loss. Defaults to `"confidence_penalty"`.
        dtype: Dtype of the computation. `None` means Keras' default float.
            Defaults to `None`.

    Raises:
        ValueError: If `weight` is out of its range.
    """

    def __init__(
        self,
        weight: float = 0.1,
        reduction: str = "sum_over_batch_size",
        name: str = "confidence_penalty",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        penalties.check_strength(weight, "weight")
        self.weight = weight

    def call(self, y_true, y_pred):
        """Computes the loss of each sample.

        Args:
            y_true: Integer labels, `(n,)` or `(n, 1)`.
            y_pred: Logits, `(n, num_classes)`.

        Returns:
            Tensor `(n,)`.
        """
        cross_entropy = keras.losses.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=True
        )
        log = ops.log_softmax(y_pred)
        # For a logit of minus infinity, p * log(p) is 0.
        known = ops.where(ops.isfinite(log), log, ops.zeros_like(log))
        entropy = -ops.sum(ops.exp(log) * known, axis=-1)
        return cross_entropy - self.weight * entropy

    def get_config(self) -> dict:
        """Returns the arguments."""
        return {**super().get_config(), "weight": self.weight}
