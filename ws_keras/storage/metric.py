"""The metric of the rows of a run, and whether more or less is better."""

import math
from typing import NamedTuple

from ws_keras.storage import rows

_TRAINING = "train_"


class Metric(NamedTuple):
    """A metric's name, and its mode: whether `"max"` or `"min"` is better.

    Rows have fields for accuracies, in percent. The values of another metric
    are in the measures, under its name and, for the training samples, under
    `train_NAME`; its name and mode are in the labels.
    """

    name: str = "accuracy"
    mode: str = "max"

    @property
    def is_accuracy(self) -> bool:
        """Whether the rows' own fields hold it, in percent."""
        return self.name == "accuracy"

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.mode == "max" else -1

    @property
    def labels(self) -> dict[str, str]:
        """The labels of a row that name it."""
        if self.is_accuracy:
            return {}
        return {"monitor": self.name, "mode": self.mode}

    def fields(self, training: float, held_out: float) -> dict[str, float]:
        """Returns fields of a row or an epoch.

        Args:
            training: Value of the training samples, as Keras gives it.
            held_out: Value of the held-out samples.

        Returns:
            `train_accuracy` and `accuracy`, nan for another metric.
        """
        known = 100.0 if self.is_accuracy else math.nan
        return {
            "train_accuracy": known * training,
            "accuracy": known * held_out,
        }

    def measures(self, training: float, held_out: float) -> dict[str, float]:
        """Returns the measures of a row or an epoch; see `fields`."""
        if self.is_accuracy:
            return {}
        return {self.name: held_out, f"{_TRAINING}{self.name}": training}

    def value(self, row: rows.Row | rows.Epoch) -> float:
        """Returns the value of the held-out samples; accuracies in percent."""
        if self.is_accuracy:
            return row.accuracy
        return row.measures.get(self.name, math.nan)

    def training(self, row: rows.Row | rows.Epoch) -> float:
        """Returns the value of the training samples; accuracies in percent."""
        if self.is_accuracy:
            return row.train_accuracy
        return row.measures.get(f"{_TRAINING}{self.name}", math.nan)


ACCURACY = Metric()


def of(row: rows.Row) -> Metric:
    """Returns the metric of a row."""
    found = row.labels.get("monitor"), row.labels.get("mode")
    # Older rows, and those of an accuracy, have no such labels.
    if not all(isinstance(part, str) for part in found):
        return ACCURACY
    return Metric(*found)
