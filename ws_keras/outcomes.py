"""Measures a network on each held-out sample, and on old and new samples."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.data import arrivals
from ws_keras.data import targets
from ws_keras.storage import rows
from ws_keras.training import feed as feeds
from ws_keras.training import objective as objectives
from ws_keras.training import state

_TOLERANCE = 0.01  # points; Keras computes the mean in single precision
_SHARE = 1e-3  # tolerance as a fraction of the value of other metrics


class Outcomes:
    """Records the predictions of a model at the end of its last round.

    It has the interface of a trainer's diagnostics.

    Args:
        model: Compiled model.
        feed: `Feed` that holds all samples.
        data: The `data.arrivals.Data`.
    """

    def __init__(
        self, model: keras.Model, feed: feeds.Feed, data: arrivals.Data
    ):
        self._model, self._feed, self._data = model, feed, data
        self._parts = [*_parts(data, classes_of(model, data.y))]
        self.objective = objectives.ACCURACY  # until the trainer sets it
        self.values = None
        self.variables = []  # nothing to store in checkpoints

    def start(self) -> None:
        """Does nothing."""

    def before(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Measures nothing."""
        return {}

    def after(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Measures old and new samples, and sets `values` after the last round.

        `values` holds 100 for each correct sample and 0 for each wrong one. For
        another metric it holds the metric of each sample, or `None` if the
        metric is not a mean over samples.
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
        """Sets `values` from the present model."""
        self.values = self._measured()

    def agrees(self, row: rows.Row) -> bool:
        """Whether `values` exist and their mean equals the row's metric."""
        if self.values is None:
            return False
        metric = self.objective.metric
        value = metric.value(row)
        largest = _TOLERANCE if metric.is_accuracy else _SHARE * abs(value)
        return abs(self.values.mean() - value) <= largest

    def _evaluate(self, chosen: np.ndarray) -> float:
        data = self._feed.evaluation(chosen)
        if not len(data):  # fewer samples than a fixed batch
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
        # Several replicas may repeat samples. A fixed batch size may leave
        # out the last ones.
        held_out = held_out[:size]
        found = keras.tree.map_structure(lambda a: a[: len(held_out)], found)
        y = keras.tree.map_structure(lambda a: a[held_out], self._data.y)
        values = measure(y, found)
        return 100.0 * values if self.objective.metric.is_accuracy else values


def of_samples(
    model: keras.Model, objective: objectives.Objective
) -> Callable | None:
    """Returns a function that computes the metric of each sample.

    It takes targets and predictions and returns an array `(n,)` in Keras' unit.
    The result is `None` if the metric is not a mean over samples.
    """
    found = _function(model, objective.log)
    if found is None:
        return None
    function, place = found
    name = targets.outputs(model)[place].name

    def measure(y, predicted) -> np.ndarray:
        y = _of_output(y, name, place)
        if isinstance(predicted, dict) and name in predicted:
            predicted = predicted[name]
        else:
            predicted = keras.tree.flatten(predicted)[place]
        values = ops.convert_to_numpy(function(y, predicted)).astype(float)
        return values.reshape(len(values), -1).mean(1)

    return measure


def _function(model, log: str) -> tuple[Callable, int] | None:
    outputs = targets.outputs(model)
    metric = objectives.known_metrics(model).get(log)
    function, given = _keras.function(metric), _keras.options(metric)
    if function is not None:
        place = _place(outputs, log)
        if place is None:
            return None
        return lambda y, p: function(y, p, **given), place
    if log != "loss" or len(outputs) > 1:
        return None
    loss = model.loss
    if isinstance(loss, dict | list | tuple):
        (loss,) = keras.tree.flatten(loss)
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    return getattr(loss, "call", loss), 0


def _place(outputs: list[targets.Output], log: str) -> int | None:
    """Returns the place of the output that a metric measures, if it is known.

    Args:
        outputs: Outputs of a model.
        log: Name of the metric in the logs, such as `"kind_accuracy"`.
    """
    places = [
        place
        for place, output in enumerate(outputs)
        if len(outputs) == 1 or log.startswith(f"{output.name}_")
    ]
    return places[0] if len(places) == 1 else None


def _parts(data: arrivals.Data, labels: np.ndarray | None):
    """Yields the held-out samples of each round that are shown separately."""
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


def classes_of(model: keras.Model, y, log: str = "") -> np.ndarray | None:
    """Returns the class of each target, or `None` for regression.

    Args:
        model: Compiled model.
        y: Targets.
        log: Name of the metric in the logs. Among several outputs, it decides
            which targets are meant. Defaults to `""`, none.
    """
    outputs = targets.outputs(model)
    place = _place(outputs, log)
    if place is None:
        return None
    y = _of_output(y, outputs[place].name, place)
    if outputs[place].kind == "regression" or _is_by_label(model, y, log):
        return None
    return classes(y)


def check_labels(model: keras.Model, data: arrivals.Data, log: str) -> None:
    """Raises a ValueError if a metric sees one class in rows of several labels.

    Args:
        model: Compiled model whose metrics have been used once.
        data: Data, whose held-out targets are checked.
        log: Name of the metric in the logs.
    """
    metric = objectives.known_metrics(model).get(log)
    outputs = targets.outputs(model)
    place = _place(outputs, log)
    if type(metric).__name__ != "CategoricalAccuracy" or place is None:
        return
    y = _of_output(data.y, outputs[place].name, place)[data.held_out]
    if y.ndim < 2 or y.shape[-1] < 2 or not np.isin(y, (0, 1)).all():
        return
    counts = y.astype(int).sum(-1)
    if (counts == 1).all():
        return
    losses = keras.tree.flatten(getattr(model, "loss", None))
    has_logits = any(_keras.options(some).get("from_logits") for some in losses)
    threshold = ", threshold=0.0" * has_logits
    raise ValueError(
        "The metric of several labels per sample must measure each label. "
        f"Received: {log!r}, for which Keras compares the largest output with "
        f"the first label, and targets with {counts.min()} to {counts.max()} "
        "labels per sample. Compile with "
        f"`metrics=[keras.metrics.BinaryAccuracy(name='accuracy'{threshold})]`."
    )


def _of_output(y, name: str, place: int):
    """Returns the targets of an output."""
    if isinstance(y, dict):
        return y[name]
    return y[place] if isinstance(y, tuple) else y


def _is_by_label(model: keras.Model, y, log: str) -> bool:
    """Whether a metric measures each column of the targets for itself."""
    metric = objectives.known_metrics(model).get(log)
    is_binary = type(metric).__name__ == "BinaryAccuracy"
    return is_binary and np.ndim(y) > 1 and np.shape(y)[-1] > 1


def classes(y) -> np.ndarray | None:
    """Returns the class of each target, or `None` if there are no classes.

    Args:
        y: Targets: integers, booleans or strings `(n,)` or `(n, 1)`, or one-hot
            rows `(n, classes)`.

    Returns:
        An array `(n,)`, or `None`.
    """
    if not isinstance(y, np.ndarray):
        return None  # several outputs
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf":
        ones = (y == 1).sum(1)
        is_one_hot = np.all(ones == 1) and np.all((y == 0) | (y == 1))
        return y.argmax(1) if is_one_hot else None
    if y.ndim != 1 or (y.dtype.kind == "f" and np.any(y % 1)):
        return None
    return y
