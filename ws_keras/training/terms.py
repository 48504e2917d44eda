"""The samples of a round, the rule that ends it, and its result."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ws_keras.callbacks import stopping
from ws_keras.storage import metric as metrics
from ws_keras.training import objective as objectives

_THRESHOLD = 0.99  # of the training accuracy, as in the paper


@dataclasses.dataclass(frozen=True)
class Until:
    """The rule that ends a round, for any metric.

    Either the round has exactly `epochs` epochs; or it ends at the
    `threshold`, after `patience` epochs without improvement, or at
    `max_epochs`, whichever comes first.

    Example:

    ```python
    until = Until(monitor="val_loss", patience=5)
    ```

    Args:
        threshold: Value at which to stop: at least that of an accuracy, in
            (0, 1], or of another metric of which more is better, at most that
            of others, which `monitor` must name. `None` has none. Defaults
            to `"auto"`: 0.99 for the accuracy of the training samples, none
            for anything else.
        patience: Epochs without an improvement that end a round as well;
            `None` never does. Defaults to `None`.
        min_delta: Least improvement that counts. Defaults to 0.
        measured: `"epoch"` (during the epoch, before each update, as the
            paper's authors do) or `"clean"` (a pass over the round's samples
            after it). Defaults to `"epoch"`.
        epochs: Exactly so many epochs. Defaults to `None`.
        max_epochs: The most epochs. Defaults to 500.
        monitor: Name of the metric or loss that `threshold` and `patience`
            are about; with `val_` that of the held-out samples after each
            epoch. Defaults to `None`, the metric that rounds are measured
            by, on the training samples.
        mode: `"max"` or `"min"`, whether more or less is better. Defaults to
            `None`, what the metric or its name says.
        min_share: Least improvement that counts, as a share of the best value
            so far; not for accuracies. Defaults to 0.
        extra_epochs: Epochs after the one that has reached the threshold.
            Defaults to 0.

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
                "`measured='clean'` is a pass over the training samples. "
                f"Received: monitor={self.monitor!r}."
            )
        self._check_threshold()
        stopping.check(None, self.patience, self.min_delta)
        stopping.check_share(self.min_share)
        stopping.check_extra(self.extra_epochs)
        for name in ("epochs", "max_epochs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {name}={value}."
                )

    def _check_threshold(self) -> None:
        # Those of other metrics are checked by their rule.
        if self.threshold != "auto" and self.monitor is None:
            stopping.check(self.threshold, None, 0)

    @property
    def limit(self) -> int:
        """The most epochs of a round."""
        return self.epochs or self.max_epochs

    def other_end(self, epochs: int) -> str:
        """Returns what has ended a round after so many epochs, if not its rule.

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
            data: Gives the round's samples.
            find: Returns the `Objective` of a name, and of a mode. Defaults
                to `None`, which knows the accuracy alone.
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
                f"{found.metric.name!r}. Give its name as well: "
                f"`Until(threshold=..., monitor={found.metric.name!r})`."
            )
        return self.threshold


@dataclasses.dataclass(frozen=True)
class Round:
    """The terms of a round; for `None` the value of the trainer is used."""

    indices: np.ndarray
    held_out: np.ndarray | None = None
    until: Until | None = None
    batch_size: int | None = None

    def filled(
        self, held_out: np.ndarray, until: Until, batch_size: int
    ) -> "Round":
        """Returns the round with these values in place of `None`."""
        given = {"held_out": held_out, "until": until, "batch_size": batch_size}
        missing = {n: v for n, v in given.items() if getattr(self, n) is None}
        return dataclasses.replace(self, **missing)


@dataclasses.dataclass(frozen=True)
class EpochResult:
    """One epoch of a round; accuracies in [0, 1], nan where not measured.

    `train_accuracy` and `accuracy` hold the `metric`, whichever it is.
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
    """The result of a round; accuracies in [0, 1].

    `train_accuracy` and `accuracy` hold the `metric`, whichever it is.
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
