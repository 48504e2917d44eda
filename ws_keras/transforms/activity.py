"""Measures how active the units of a network are."""

import keras
import numpy as np
from keras import ops

from ws_keras.transforms import errors
from ws_keras.transforms import tracing
from ws_keras.transforms import units as graph_units


class Activity:
    """Measures the activation of units on batches, without side effects.

    The model runs in inference mode. The activation of a unit is the output of
    the last activation function behind it, or of the last normalization if
    there is no activation function. If several layers read a unit through
    different functions, their values are summed. The computation is traced once
    for each batch size.

    Args:
        model: Built model.
        found: Units of the model's layers.
    """

    def __init__(self, model: keras.Model, found: list[graph_units.Units]):
        self._found = found
        self._points = {
            _key(point): point for each in found for point in each.points
        }
        operations = {id(p.operation): p.operation for p in self.points}
        values = list(model.variables)

        def run(values_of, x):
            state = list(zip(values, values_of, strict=True))
            watched = list(operations.values())
            with (
                keras.StatelessScope(state),
                tracing.recorded(watched) as records,
            ):
                model(x, training=False)
            return _sizes(records, self._points)

        self._run = tracing.traced(values, run)

    @property
    def points(self) -> list[graph_units.Point]:
        """The calls whose outputs are measured."""
        return list(self._points.values())

    def __call__(self, x) -> list[np.ndarray]:
        """Returns the mean absolute activation of each unit over a batch.

        Args:
            x: Batch of inputs of the model.

        Returns:
            For each layer, an array `(units,)` in float64 with values of at
            least 0: the mean over the samples and over the positions of an
            image or a text.

        Raises:
            ValueError: If the model does not accept the batch.
        """
        with errors.refused("`data`"):
            sizes = [ops.convert_to_numpy(size) for size in self._run(x)]
        known = dict(zip(self._points, sizes, strict=True))
        return [
            sum(
                (_of_units(known[_key(p)], p.units, each.count))
                for p in each.points
            )
            for each in self._found
        ]


def scores(sizes: np.ndarray) -> np.ndarray:
    """Divides activations by their mean, so that they average to 1.

    Example:

    >>> scores(np.array([0.0, 1.0, 3.0, 0.0])).tolist()
    [0.0, 1.0, 3.0, 0.0]

    Args:
        sizes: Mean absolute activation of each unit of a layer.

    Returns:
        An array of the same shape; all zeros if no unit is active.
    """
    mean = sizes.mean()
    return sizes / mean if mean > 0 else np.zeros_like(sizes)


def _key(point) -> tuple:
    return id(point.operation), point.number


def _sizes(records: list, points: dict) -> list:
    """Returns the mean absolute value of each channel at each point."""
    counts, found = {}, {}
    for operation, _, output in records:
        number = counts.get(id(operation), 0)
        counts[id(operation)] = number + 1
        key = id(operation), number
        if key in points:
            size = ops.abs(ops.cast(output, "float32"))
            axes = tuple(range(len(size.shape) - 1))
            found[key] = ops.mean(size, axis=axes)
    return [found[key] for key in points]


def _of_units(sizes: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Returns the mean over the channels of each unit."""
    own = labels >= 0
    total = np.bincount(labels[own], sizes[own], minlength=count)
    places = np.bincount(labels[own], minlength=count)
    return total / np.maximum(places, 1)
