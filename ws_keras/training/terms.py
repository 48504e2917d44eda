"""The samples of a round, the rule that ends it, and its results."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ws_keras import checks
from ws_keras.callbacks import stopping
from ws_keras.storage import metric as metrics
from ws_keras.training import objective as objectives

_THRESHOLD = 0.99  # of the training accuracy, as in the paper


@dataclasses.dataclass(frozen=True)
class Until:
    """The rule that ends a round.

    A round ends when `monitor` reaches the `threshold`, after `patience` epochs
    without an improvement, or after `max_epochs`, whichever comes first. If
    `epochs` is given, each round has exactly this number of epochs instead.

    The default is the rule of the paper: train until 99 % of the training
    samples are classified correctly (Ash & Adams 2020, section 2).

    Example:

    ```python
    until = Until(monitor="val_loss", patience=5)
    ```

    Args:
        threshold: Value of `monitor` at which a round ends. An accuracy is in
            (0, 1]. The threshold of another metric requires `monitor`. `None`
            disables this rule. Defaults to `"auto"`, which is 0.99 for the
            accuracy on the training samples, and `None` for every other
            metric.
        patience: Number of epochs without an improvement after which a round
            ends. `None` disables this rule. Defaults to `None`.
        min_delta: Smallest improvement that counts. Defaults to 0.
        measured: When to measure a metric on the training samples. `"epoch"`:
            during the epoch, before each update, as in the authors' code.
            `"clean"`: in a pass over the samples after the epoch. Defaults to
            `"epoch"`.
        epochs: Exact number of epochs of each round. Defaults to `None`.
        max_epochs: Maximum number of epochs of a round. Defaults to 500.
        monitor: Name of the metric or loss to which `threshold` and `patience`
            apply. With the prefix `val_`, it is measured on the held-out
            samples after each epoch. `None` means the metric by which rounds
            are compared, measured on the training samples. Defaults to `None`.
        mode: `"max"` or `"min"`: whether a higher or lower value is better.
            `None` derives it from the metric or its name. Defaults to `None`.
        min_share: Smallest improvement that counts, as a fraction of the best
            value so far. It does not apply to accuracies. Defaults to 0.
        extra_epochs: Number of epochs to train after the threshold has been
            reached. Defaults to 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    threshold: float | str | None = "auto"
    patience: int | None = None
    min_delta: float = 0.0
    measured: str = "epoch"
    epochs: int | None = None
    max_epochs: int = 500
    monitor: str | None = None
    mode: str | None = None
    min_share: float = 0.0
    extra_epochs: int = 0

    def __post_init__(self):
        if self.measured not in ("epoch", "clean"):
            raise ValueError(
                "`measured` must be 'epoch' or 'clean'. "
                f"Received: measured={self.measured!r}."
            )
        if self.measured == "clean" and self.is_validation:
            raise ValueError(
                "`measured='clean'` requires a metric of the training samples. "
                f"Received: monitor={self.monitor!r}, a metric of held-out "
                "samples. Use `measured='epoch'`, or remove the prefix `val_`."
            )
        self._check_threshold()
        stopping.check(None, self.patience, self.min_delta)
        stopping.check_share(self.min_share)
        stopping.check_extra(self.extra_epochs)
        for name in ("epochs", "max_epochs"):
            value = getattr(self, name)
            if value is not None:
                checks.check_positive(name, value)

    def _check_threshold(self) -> None:
        # Those of other metrics are checked by their rule.
        if self.threshold != "auto" and self.monitor is None:
            stopping.check(self.threshold, None, 0)

    @property
    def limit(self) -> int:
        """The maximum number of epochs of a round."""
        return self.epochs or self.max_epochs

    def other_end(self, epochs: int) -> str:
        """Returns what ended a round that did not end by its threshold.

        It is `"callback"`, `"epochs"` or `"cap"`, as in `rows.Row`.
        """
        if epochs < self.limit:
            return "callback"
        return "epochs" if self.epochs else "cap"

    @property
    def is_validation(self) -> bool:
        """Whether held-out samples are measured after each epoch."""
        return self.epochs is None and objectives.is_validation(self.monitor)

    def rule(
        self,
        data: Callable,
        find: Callable[..., objectives.Objective] | None = None,
    ) -> stopping.StopAtAccuracy:
        """Returns the callback for a round.

        Args:
            data: Function that returns the samples of the round.
            find: Function of a name and a mode that returns the `Objective`.
                `None` supports the accuracy only. Defaults to `None`.
        """
        free = self.epochs is None
        found = find(self.monitor, self.mode) if find else objectives.ACCURACY
        threshold = self._threshold(found) if free else None
        common = {
            "monitor": found.log,
            "patience": self.patience if free else None,
            "min_delta": self.min_delta,
            "data": data() if self.measured == "clean" else None,
            "extra_epochs": self.extra_epochs,
        }
        if found.metric.is_accuracy:
            return stopping.StopAtAccuracy(threshold, **common)
        return stopping.StopAtMetric(
            mode=found.metric.mode,
            threshold=threshold,
            min_share=self.min_share,
            **common,
        )

    def _threshold(self, found: objectives.Objective) -> float | None:
        is_accuracy = found.metric.is_accuracy
        if isinstance(self.threshold, str):  # "auto"
            is_training = is_accuracy and not found.is_validation
            return _THRESHOLD if is_training else None
        if self.monitor is None and self.threshold and not is_accuracy:
            raise ValueError(
                "A `threshold` without `monitor` is an accuracy. Received: "
                f"threshold={self.threshold} for rounds that are measured by "
                f"{found.metric.name!r}. Name the metric: "
                f"`Until(threshold=..., monitor={found.metric.name!r})`."
            )
        return self.threshold


def given(until: Until | None) -> Until:
    """Returns the rule that a caller gives, or the default one.

    Raises:
        ValueError: If it is not an `Until`.
    """
    if until is None:
        # `min_share` applies only to metrics other than accuracy.
        return Until(patience=10, min_share=0.01)
    if not isinstance(until, Until):
        raise ValueError(
            f"`until` must be a `ws_keras.Until`. Received: until={until!r}. "
            "A fixed number of epochs is `until=ws_keras.Until(epochs=10)`."
        )
    return until


@dataclasses.dataclass(frozen=True)
class Round:
    """The samples and the end of a round; `None` means the trainer's value."""

    indices: np.ndarray
    held_out: np.ndarray | None = None
    until: Until | None = None
    batch_size: int | None = None

    def filled(
        self, held_out: np.ndarray, until: Until, batch_size: int
    ) -> "Round":
        """Returns the round with these values instead of `None`."""
        given = {"held_out": held_out, "until": until, "batch_size": batch_size}
        missing = {n: v for n, v in given.items() if getattr(self, n) is None}
        return dataclasses.replace(self, **missing)


@dataclasses.dataclass(frozen=True)
class EpochResult:
    """The result of one epoch; a value that was not measured is NaN.

    `train_accuracy` and `accuracy` hold the values of `metric`. An accuracy is
    in [0, 1].
    """

    epoch: int  # from 1
    total: int  # from 1, over all rounds
    loss: float
    train_accuracy: float
    accuracy: float
    learning_rate: float
    samples_per_second: float
    measures: dict[str, float]  # from before its first step
    metric: metrics.Metric = metrics.ACCURACY


@dataclasses.dataclass(frozen=True)
class RoundResult:
    """The result of a round.

    `train_accuracy` and `accuracy` hold the values of `metric`. An accuracy is
    in [0, 1].
    """

    num_samples: int
    epochs: int
    steps: int
    sample_passes: int
    train_seconds: float
    cpu_seconds: float
    trace_seconds: float  # of the processes that began in this round
    eval_seconds: float
    train_accuracy: float
    accuracy: float
    loss: float
    eval_loss: float
    stopped_by: str
    measures: dict[str, float] = dataclasses.field(default_factory=dict)
    metric: metrics.Metric = metrics.ACCURACY
