"""What a network gets of each held-out sample, and of old and new ones."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.data import growing as grown
from ws_keras.data import targets
from ws_keras.storage import rows
from ws_keras.training import feed as feeds
from ws_keras.training import objective as objectives
from ws_keras.training import state

_TOLERANCE = 0.01  # points; Keras' mean is one of single precision
_SHARE = 1e-3  # of the value of another metric


class Outcomes:
    """Asks a model for its predictions at the end of its last round.

    It has the form of a trainer's diagnostics.

    Args:
        model: Compiled model.
        feed: The `Feed` that holds all samples.
        data: The `data.growing.Data`.
    """

    def __init__(self, model: keras.Model, feed: feeds.Feed, data: grown.Data):
        self._model, self._feed, self._data = model, feed, data
        self._parts = [*_parts(data, classes_of(model, data.y))]
        self.objective = objectives.ACCURACY  # until the trainer knows it
        self.values = None
        self.variables = []  # that checkpoints would have to hold

    def start(self) -> None:
        """Nothing to be done."""

    def before(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Measures nothing."""
        return {}

    def after(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Measures old and new parts, and sets `values` after the last round.

        They are 100 for a sample that is right and 0 for one that is wrong,
        the metric of each sample where it is another one, or `None` where the
        metric is no mean over samples.
        """
        if number == len(self._data.ends):
            self.measure()
        metric = self.objective.metric
        factor = 100 if metric.is_accuracy else 1
        return {
            f"{metric.name}_{part}": factor * self._evaluate(chosen)
            for part, chosen in self._parts[number - 1].items()
            if len(chosen)
        }

    def measure(self) -> None:
        """Sets `values` by the model as it is."""
        self.values = self._measured()

    def agrees(self, row: rows.Row) -> bool:
        """Whether there are values, and their mean is the row's metric."""
        if self.values is None:
            return False
        metric = self.objective.metric
        value = metric.value(row)
        largest = _TOLERANCE if metric.is_accuracy else _SHARE * abs(value)
        return abs(self.values.mean() - value) <= largest

    def _evaluate(self, chosen: np.ndarray) -> float:
        data = self._feed.evaluation(chosen)
        if not len(data):  # smaller than a fixed batch
            return np.nan
        state.reset(self._model)
        found = self._model.evaluate(
            data, steps=len(data), verbose=0, return_dict=True
        )
        return found[self.objective.log]

    def _measured(self) -> np.ndarray | None:
        measure = of_samples(self._model, self.objective)
        if measure is None:
            return None
        held_out = self._data.held_out
        data = self._feed.evaluation(held_out)
        state.reset(self._model)
        found = self._model.predict(data, steps=len(data), verbose=0)
        size = len(keras.tree.flatten(found)[0])
        # Under several replicas the samples may be given several times; of a
        # fixed batch the last ones may be missing.
        held_out = held_out[:size]
        found = keras.tree.map_structure(lambda a: a[: len(held_out)], found)
        y = keras.tree.map_structure(lambda a: a[held_out], self._data.y)
        values = measure(y, found)
        return 100.0 * values if self.objective.metric.is_accuracy else values


def of_samples(
    model: keras.Model, objective: objectives.Objective
) -> Callable | None:
    """Returns a function for the metric of each sample, in Keras' unit.

    It takes targets and predictions, and returns an array `(n,)`. `None`
    where the metric is no mean over samples.
    """
    found = _function(model, objective.log)
    if found is None:
        return None
    function, place = found
    name = targets.outputs(model)[place].name

    def measure(y, predicted) -> np.ndarray:
        if isinstance(y, dict):
            y = y[name]
        elif isinstance(y, tuple):
            y = y[place]
        predicted = keras.tree.flatten(predicted)[place]
        values = ops.convert_to_numpy(function(y, predicted)).astype(float)
        return values.reshape(len(values), -1).mean(1)

    return measure


def _function(model, log: str) -> tuple[Callable, int] | None:
    outputs = targets.outputs(model)
    metric = objectives.known_metrics(model).get(log)
    function, given = _keras.function(metric), _keras.options(metric)
    if function is not None:
        places = [
            place
            for place, output in enumerate(outputs)
            if len(outputs) == 1 or log.startswith(f"{output.name}_")
        ]
        if len(places) != 1:
            return None
        return lambda y, p: function(y, p, **given), places[0]
    if log != "loss" or len(outputs) > 1:
        return None
    loss = model.loss
    if isinstance(loss, dict | list | tuple):
        (loss,) = keras.tree.flatten(loss)
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    return getattr(loss, "call", loss), 0


def _parts(data: grown.Data, labels: np.ndarray | None):
    """Yields for each round the held-out samples that are told apart."""
    for number, end in enumerate(data.ends, 1):
        found = {}
        pair = data.old_and_new(number)
        if pair is not None:
            found["old"], found["new"] = pair
        if labels is not None and number > 1:
            held_out = data.seen(number)
            before = np.unique(labels[: data.ends[number - 2]])
            now = np.setdiff1d(labels[data.ends[number - 2] : end], before)
            if len(now):
                for name, some in (("old", before), ("new", now)):
                    chosen = held_out[np.isin(labels[held_out], some)]
                    found[f"{name}_classes"] = chosen
        yield found


def classes_of(model: keras.Model, y) -> np.ndarray | None:
    """Returns the class of each target, `None` for a model of numbers."""
    kinds = {output.kind for output in targets.outputs(model)}
    return None if "regression" in kinds else classes(y)


def classes(y) -> np.ndarray | None:
    """Returns the class of each target, `None` where they have none.

    Args:
        y: Targets: whole numbers, booleans or strings `(n,)` or `(n, 1)`, or
            one-hot rows `(n, classes)`.

    Returns:
        An array `(n,)`.
    """
    if not isinstance(y, np.ndarray):
        return None  # of several outputs
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf":
        ones = (y == 1).sum(1)
        is_one_hot = np.all(ones == 1) and np.all((y == 0) | (y == 1))
        return y.argmax(1) if is_one_hot else None
    if y.ndim != 1 or (y.dtype.kind == "f" and np.any(y % 1)):
        return None
    return y
