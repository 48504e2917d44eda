"""Measurements during the training of a round, and their report."""

import math
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np
from keras import ops

from ws_keras.training import feed as feeds
from ws_keras.training import moments
from ws_keras.training import objective as objectives
from ws_keras.training import place as places
from ws_keras.training import terms
from ws_keras.training import traced as traces


class Measuring(Protocol):
    """Diagnostics, as a trainer calls them.

    `variables` are saved in checkpoints.
    """

    variables: list

    def start(self) -> None:
        """Called before the first step of a round."""

    def before(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Called before the first step of each epoch."""

    def after(self, number: int, indices: np.ndarray) -> dict[str, float]:
        """Called after the round."""


class Reporter:
    """Measures before epochs and after rounds, and reports each epoch.

    `epochs` are those that are done, over all rounds; `objective` is the
    metric that is reported.

    Args:
        traced: The `Traced` model.
        feed: A `Feed` over all data.
        monitored: Number of held-out samples to measure after each epoch.
        on_epoch: Function of the round and an `EpochResult`, or `None`.
        diagnostics: What to measure before each epoch and after each round,
            or `None`.
    """

    def __init__(
        self,
        traced: traces.Traced,
        feed: feeds.Feed,
        monitored: int,
        on_epoch: Callable[[int, terms.EpochResult], None] | None,
        diagnostics: Measuring | None,
    ):
        self._traced, self._feed = traced, feed
        self._monitored, self._on_epoch = monitored, on_epoch
        self._diagnostics = diagnostics
        self.epochs = 0
        self.objective = objectives.ACCURACY

    @property
    def variables(self) -> list:
        """Variables of the diagnostics, for checkpoints."""
        return self._diagnostics.variables if self._diagnostics else []

    def start(self) -> None:
        """Called when a round begins."""
        if self._diagnostics is not None:
            self._diagnostics.start()

    def evaluation(self, held_out: np.ndarray, count: int | None = None):
        """Returns data for `evaluate`: all samples, or the first `count`."""
        return self._feed.evaluation(held_out[:count])

    def measure(self, when: str, number: int, indices: np.ndarray) -> dict:
        """Returns the diagnostics `"before"` an epoch or `"after"` a round."""
        if self._diagnostics is None:
            return {}
        return getattr(self._diagnostics, when)(number, indices)

    def look(
        self, number: int, round: terms.Round, clock: places.Clock
    ) -> None:
        """Measures diagnostics before the first step of an epoch."""
        if clock.measures is None:
            with clock.left_out():
                clock.measures = self.measure("before", number, round.indices)

    def report(
        self, number: int, round: terms.Round, clock, size: int, logs: dict
    ) -> None:
        """Calls `on_epoch` with the result of an epoch that has just ended."""
        self.epochs += 1
        if self._on_epoch is None:
            return
        accuracy = math.nan
        if self._monitored:
            some = self.evaluation(round.held_out, self._monitored)
            accuracy = self._traced.evaluate(some)[self.objective.log]
        self._on_epoch(
            number,
            terms.EpochResult(
                epoch=clock.epoch,
                total=self.epochs,
                loss=logs["loss"],
                train_accuracy=logs[self.objective.log],
                accuracy=accuracy,
                learning_rate=learning_rate(self._traced.model),
                samples_per_second=size / clock.wall.seconds[-1],
                measures=clock.measures,
                metric=self.objective.metric,
            ),
        )
        clock.measures = None


class Monitor(keras.callbacks.Callback):
    """Calls the reporter and watches batch norm during the `fit` of a round.

    Args:
        reporter: The `Reporter`.
        norms: The `Moments` of the trainer.
        round: Number of the round, its `Round`, its `Clock`, and the number
            of samples of an epoch.
    """

    def __init__(
        self,
        reporter: Reporter,
        norms: moments.Moments,
        round: tuple,
    ):
        super().__init__()
        self._reporter, self._norms = reporter, norms
        self._number, self._round, self._clock, self._size = round

    def on_train_begin(self, logs=None):
        self._norms.watch(self, self._number, self._round)

    def on_epoch_begin(self, epoch, logs=None):
        self._reporter.look(self._number, self._round, self._clock)

    def on_epoch_end(self, epoch, logs=None):
        self._reporter.report(
            self._number, self._round, self._clock, self._size, logs
        )


def learning_rate(model: keras.Model) -> float:
    """Returns the current learning rate, nan if there are several.

    That of a schedule is the one of the next step; the optimizers inside a
    `MultiOptimizer` have one each.
    """
    try:
        rate = model.optimizer.learning_rate
    except AttributeError:
        return math.nan
    return float(ops.convert_to_numpy(rate))
