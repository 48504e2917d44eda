"""What a round trains on, when it ends, and what it came to."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ws_keras.callbacks import stopping


@dataclasses.dataclass(frozen=True)
class Until:
    """When a round ends.

    Either `epochs` is given, and exactly so many are trained; or training
    ends at the `threshold` of training accuracy, after `patience` epochs
    without improvement, or at `max_epochs`, whichever comes first.

    `measured` is `"epoch"` (during the epoch, before each update, as the
    authors do) or `"clean"` (a pass over the round's samples after it).
    """

    threshold: float | None = 0.99
    patience: int | None = None
    min_delta: float = 0.0
    measured: str = "epoch"
    epochs: int | None = None
    max_epochs: int = 500

    def __post_init__(self):
        if self.measured not in ("epoch", "clean"):
            raise ValueError(
                "`measured` must be 'epoch' or 'clean'. "
                f"Received: measured={self.measured!r}."
            )
        stopping.check(self.threshold, self.patience, self.min_delta)
        for name in ("epochs", "max_epochs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {name}={value}."
                )

    @property
    def limit(self) -> int:
        """The most epochs of a round."""
        return self.epochs or self.max_epochs

    def rule(self, data: Callable) -> stopping.StopAtAccuracy:
        """Returns the callback for a round; `data` gives its samples."""
        free = self.epochs is None
        return stopping.StopAtAccuracy(
            self.threshold if free else None,
            patience=self.patience if free else None,
            min_delta=self.min_delta,
            data=data() if self.measured == "clean" else None,
        )


@dataclasses.dataclass(frozen=True)
class Round:
    """What a round trains on; `None` is what the trainer has for all."""

    indices: np.ndarray
    held_out: np.ndarray | None = None
    until: Until | None = None
    batch_size: int | None = None


@dataclasses.dataclass(frozen=True)
class EpochResult:
    """One epoch of a round; accuracies in [0, 1], nan where not measured."""

    epoch: int  # from 1
    total: int  # from 1, over all rounds
    loss: float
    train_accuracy: float
    accuracy: float
    learning_rate: float
    samples_per_second: float
    measures: dict[str, float]  # from before its first step


@dataclasses.dataclass(frozen=True)
class RoundResult:
    """What a round has come to; accuracies in [0, 1]."""

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
