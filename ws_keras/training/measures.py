"""Loss and accuracy of an epoch whose last batch may be padded."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ws_keras")
class Accuracy(keras.metrics.SparseCategoricalAccuracy):
    """Accuracy over the samples whose weight is not zero, each counted once.

    The weights of a padded batch (see `feed.Feed.training`) are right for
    the gradient, but would count its samples as a few more than they are.

    Args:
        keywords: Those of `keras.metrics.SparseCategoricalAccuracy`.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; see `keras.metrics.SparseCategoricalAccuracy`."""
        return super().update_state(y_true, y_pred, _once(sample_weight))


@keras.saving.register_keras_serializable("ws_keras")
class Loss(keras.metrics.SparseCategoricalCrossentropy):
    """Cross-entropy over the samples whose weight is not zero.

    Under the name `"loss"` it takes the place of Keras' own mean in the logs,
    in which the last batch of an epoch counts as large as it was padded to.
    Regularizers are not in it.

    Args:
        keywords: Those of `keras.metrics.SparseCategoricalCrossentropy`.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; see `keras.metrics.SparseCategoricalCrossentropy`."""
        return super().update_state(y_true, y_pred, _once(sample_weight))


def for_compile(num_replicas: int, penalized: bool = False) -> dict[str, list]:
    """Returns the metrics of a classifier of logits, as for `compile`.

    Example:

    ```python
    model.compile("sgd", loss, **for_compile(num_replicas=2))
    ```

    Args:
        num_replicas: With several, the metrics are exact for padded batches.
        penalized: Whether the loss has a penalty in it, which is then left
            out of what is logged as `"loss"`. Defaults to `False`.

    Returns:
        Keywords of `compile`: a metric named `"accuracy"`, and under
        several replicas or with a penalty one that replaces `"loss"`.
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
