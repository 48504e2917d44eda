"""What a retraining gives on old and on new data, measured apart."""

import dataclasses
import math

import numpy as np
from keras import tree

from ws_keras.data import parts as makers
from ws_keras.report.render import markdown
from ws_keras.training import feed as feeds
from ws_keras.training import objective

_BATCH = 256


@dataclasses.dataclass(frozen=True)
class Group:
    """Some of the held-out samples, by their places there."""

    name: str
    places: object


def groups(parts, classes: int | None) -> list[Group]:
    """Returns the groups of held-out samples that are shown apart.

    Args:
        parts: The `Parts`.
        classes: Number of classes that the model had before, `None` where
            there are no new ones.

    Returns:
        A list of `Group`: old and new samples, where it is known which are,
        and samples of old and new classes. None is empty, and none is the
        only one of its pair.
    """
    found = []
    if parts.is_old is not None:
        found.append(("samples", parts.is_old))
    if classes is not None:
        found.append(("classes", _class(parts.held_out[1]) < classes))
    return [
        Group(f"{age} {what}", np.flatnonzero(mask))
        for what, is_old in found
        if is_old.any() and not is_old.all()
        for age, mask in (("old", is_old), ("new", ~is_old))
    ]


class Measured:
    """The metric of models on groups of held-out samples, by start.

    Args:
        parts: The `Parts`.
        found: The groups.
        monitor: Name of the metric, `None` for the model's own first.
        mode: Its mode, or `None`.
    """

    def __init__(self, parts, found: list[Group], monitor, mode):
        self._held_out = parts.held_out
        self._monitor, self._mode = monitor, mode
        count = len(tree.flatten(parts.held_out[1])[0])
        self._places = {"all": np.arange(count)}
        self._places |= {group.name: group.places for group in found}
        self._values = {}  # of each start, a list of dicts
        self._scale = None

    def add(self, start: str, model) -> dict[str, float]:
        """Measures a model; returns its value of each group.

        Args:
            start: What the model began with.
            model: The model.
        """
        values = self.values(model)
        self._values.setdefault(start, []).append(values)
        return values

    def add_old(self, model, classes: int | None) -> dict[str, float]:
        """Measures the model as it was; returns its value of each group.

        It is wrong about each sample of a class that it does not know. What
        other metrics than the accuracy say of these is nan.

        Args:
            model: The model.
            classes: Number of its classes, `None` if there are no others.
        """
        values = {
            name: self._known(model, places, classes)
            for name, places in self._places.items()
        }
        self._values["the old model"] = [values]
        return values

    def values(self, model) -> dict[str, float]:
        """Returns a model's value on all samples and on each group."""
        return {
            name: self._value(model, places)
            for name, places in self._places.items()
        }

    def table(self) -> str:
        """Returns the means over seeds as Markdown, if there are groups."""
        if len(self._places) < 2:
            return ""
        header = ["held out"]
        header += [f"{n} ({len(p):,})" for n, p in self._places.items()]
        lines = [
            [start, *(self.level(_mean(values, n)) for n in self._places)]
            for start, values in self._values.items()
        ]
        return markdown.table(header, lines)

    def level(self, value: float) -> str:
        """Returns a value of the metric as text, accuracies in percent."""
        if math.isnan(value):
            return "—"
        if self.metric.is_accuracy:
            return f"{100 * value:.1f} %"
        return f"{value:.4g}"

    @property
    def metric(self):
        """The metric, known as soon as a model is measured."""
        return self._scale.metric

    def _known(self, model, places, classes: int | None) -> float:
        if classes is None:
            return self._value(model, places)
        known = places[_class(self._held_out[1])[places] < classes]
        value = self._value(model, known) if len(known) else 0.0
        if self._scale is not None and self.metric.is_accuracy:
            return value * len(known) / len(places)
        return value if len(known) == len(places) else math.nan

    def _value(self, model, places) -> float:
        feed = feeds.Feed(*self._held_out, _BATCH)
        data = feed.evaluation(places)
        found = model.evaluate(
            data, steps=len(data), verbose=0, return_dict=True
        )
        if self._scale is None:
            self._scale = objective.find(model, self._monitor, self._mode)
        return float(found[self._scale.log])


def _mean(values: list, name: str) -> float:
    return sum(one[name] for one in values) / len(values)


def _class(y) -> np.ndarray:
    y = makers.labels(y)
    return y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
