"""What a network gets right of each held-out sample."""

import functools

import keras
import numpy as np
from keras import ops

from ws_keras.storage import rows
from ws_keras.training import feed as feeds

_TOLERANCE = 0.01  # points; Keras' mean is one of single precision


class Outcomes:
    """Asks a model for its predictions at the end of its last round.

    It has the form of a trainer's diagnostics.

    Args:
        model: Compiled model with a metric named `"accuracy"`.
        feed: The `Feed` that holds all samples.
        y: Targets of all samples.
        held_out: Indices of the held-out samples.
        last: Number of the last round.
    """

    def __init__(
        self,
        model: keras.Model,
        feed: feeds.Feed,
        y: np.ndarray,
        held_out: np.ndarray,
        last: int,
    ):
        self._model, self._feed = model, feed
        self._y, self._held_out, self._last = y, held_out, last
        self.values = None
        self.variables = []  # that checkpoints would have to hold

    def start(self) -> None:
        """Nothing to be done."""

    def before(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Measures nothing."""
        return {}

    def after(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Sets `values` after the last round.

        They are 100 for a sample that is right and 0 for one that is wrong,
        or `None` where the metric is no mean over samples.
        """
        if number == self._last:
            self.measure()
        return {}

    def measure(self) -> None:
        """Sets `values` by the model as it is."""
        self.values = self._measured()

    def agrees(self, row: rows.Row) -> bool:
        """Whether there are values, and their mean is the row's accuracy."""
        if self.values is None:
            return False
        return abs(self.values.mean() - row.accuracy) < _TOLERANCE

    def _measured(self) -> np.ndarray | None:
        metric = _accuracy(self._model)
        if metric is None:
            return None
        data = self._feed.evaluation(self._held_out)
        found = self._model.predict(data, steps=len(data), verbose=0)
        # Under several replicas the samples may be given several times.
        found = found[: len(self._held_out)]
        right = metric(self._y[self._held_out], found)
        right = 100.0 * ops.convert_to_numpy(right).astype(float)
        return right.reshape(len(right), -1).mean(1)


def classes(y: np.ndarray) -> np.ndarray | None:
    """Returns the class of each target, `None` where they have none.

    Args:
        y: Targets: whole numbers, booleans or strings `(n,)` or `(n, 1)`, or
            one-hot rows `(n, classes)`.

    Returns:
        An array `(n,)`.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf":
        ones = (y == 1).sum(1)
        is_one_hot = np.all(ones == 1) and np.all((y == 0) | (y == 1))
        return y.argmax(1) if is_one_hot else None
    if y.ndim != 1 or (y.dtype.kind == "f" and np.any(y % 1)):
        return None
    return y


def _accuracy(model: keras.Model):
    """Returns the function behind the metric `"accuracy"`, of each sample."""
    for metric in _flat(model.metrics):
        if metric.name == "accuracy":
            # Keras has no public names for these.
            function = getattr(metric, "_fn", None)
            given = getattr(metric, "_fn_kwargs", {})
            return function and functools.partial(function, **given)
    return None


def _flat(metrics):
    for metric in metrics:
        yield metric
        yield from getattr(metric, "metrics", ())
