"""Loss and accuracy of an epoch whose last batch may be padded."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ws_keras")
class Accuracy(keras.metrics.SparseCategoricalAccuracy):
    """Accuracy over the samples whose weight is not 0, each counted once.

    The weights of a padded batch (see `feed.Feed.training`) give the correct
    gradient. Keras' own metric would use them too, and so count too many
    samples.

    Args:
        keywords: Arguments of `keras.metrics.SparseCategoricalAccuracy`.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; see `keras.metrics.SparseCategoricalAccuracy`."""
        return super().update_state(y_true, y_pred, _once(sample_weight))


@keras.saving.register_keras_serializable("ws_keras")
class Loss(keras.metrics.SparseCategoricalCrossentropy):
    """Cross-entropy over the samples whose weight is not 0.

    With the name `"loss"`, it replaces Keras' own mean in the logs, which
    counts the padding of the last batch of an epoch. It does not include
    regularizers.

    Args:
        keywords: Arguments of `keras.metrics.SparseCategoricalCrossentropy`.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; see `keras.metrics.SparseCategoricalCrossentropy`."""
        return super().update_state(y_true, y_pred, _once(sample_weight))


def for_compile(num_replicas: int, penalized: bool = False) -> dict[str, list]:
    """Returns the metrics of a classifier that outputs logits, for `compile`.

    Example:

    ```python
    model.compile("sgd", loss, **for_compile(num_replicas=2))
    ```

    Args:
        num_replicas: Number of replicas. With several replicas, the metrics
            are exact for padded batches.
        penalized: Whether the loss includes a penalty, which the logged
            `"loss"` then excludes. Defaults to `False`.

    Returns:
        Arguments of `compile`: a metric named `"accuracy"` and, with several
        replicas or a penalty, a metric that replaces `"loss"`.
    """
    if num_replicas == 1 and not penalized:
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        return {"metrics": [accuracy]}
    loss = Loss(name="loss", from_logits=True)
    return {"weighted_metrics": [Accuracy(name="accuracy"), loss]}


def _once(sample_weight):
    if sample_weight is None:
        return None
    return ops.cast(ops.not_equal(sample_weight, 0), "float32")
