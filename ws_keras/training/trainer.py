"""A model that is traced once and trained through all rounds of an arm."""

import dataclasses
import math
import time
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import seeds
from ws_keras.callbacks import stopping
from ws_keras.training import checkpoint as checkpoints
from ws_keras.training import feed as feeds
from ws_keras.training import keeper as keepers
from ws_keras.training import place as places
from ws_keras.training import stop as stops
from ws_keras.training import strategy as strategies

_ACCURACY = "accuracy"


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
class EpochResult:
    """One epoch of a round; accuracies in [0, 1], nan where not measured."""

    epoch: int  # from 1
    total: int  # from 1, over all rounds
    loss: float
    train_accuracy: float
    accuracy: float
    learning_rate: float
    samples_per_second: float


@dataclasses.dataclass(frozen=True)
class RoundResult:
    """What a round has come to; accuracies in [0, 1]."""

    num_samples: int
    epochs: int
    steps: int
    sample_passes: int
    train_seconds: float
    trace_seconds: float  # of the processes that began in this round
    eval_seconds: float
    train_accuracy: float
    accuracy: float
    loss: float
    eval_loss: float
    stopped_by: str
    measures: dict[str, float] = dataclasses.field(default_factory=dict)


class Trainer:
    """Trains one compiled model round after round, without a new trace.

    Args:
        model: Built and compiled model with a metric named `"accuracy"`.
        feed: A `Feed` over all data.
        held_out: Indices of the samples to evaluate on.
        until: When a round ends. Defaults to `Until()`.
        seed: Seed of the order of the samples, which depends on it, the
            round and the epoch alone. Defaults to 0.
        monitored: Number of held-out samples (the first ones) to measure
            after each epoch; 0 measures none. Not counted as training time.
            Defaults to 0.
        on_epoch: Function of the round and an `EpochResult`, called after
            each epoch. Defaults to `None`.
        callbacks: Further Keras callbacks for each `fit`. Defaults to none.
        keeper: The `keeper.Keeper` of its checkpoints. Defaults to `None`,
            which keeps none.
    """

    def __init__(
        self,
        model: keras.Model,
        feed: feeds.Feed,
        held_out: np.ndarray,
        *,
        until: Until | None = None,
        seed: int = 0,
        monitored: int = 0,
        on_epoch: Callable[[int, EpochResult], None] | None = None,
        callbacks=(),
        keeper: keepers.Keeper | None = None,
    ):
        self.model = model
        self._feed = feed
        self._until = until or Until()
        self._seed = seed
        # A pipeline is made once: that takes longer than a small evaluation.
        self._held_out = feed.evaluation(held_out)
        self._monitored = feed.evaluation(held_out[:monitored])
        self._is_monitored = monitored > 0
        self._on_epoch = on_epoch
        self._callbacks = list(callbacks)
        self._keeper = keeper
        if keeper is not None:
            keeper.stop.watch(model)
        self.rounds = 0  # that are done
        self.epochs = 0  # that are done, over all rounds
        self.place = None  # inside a round that an earlier process began
        self._metrics = ()
        self._trace_seconds = 0.0

    def warm_up(self, indices: np.ndarray) -> None:
        """Traces the graphs by one step that leaves no mark.

        Args:
            indices: Samples of any round.

        Raises:
            ValueError: If the model has no metric named `"accuracy"`.
        """
        start = time.perf_counter()
        model = self.model
        with strategies.scope_of(model):
            model.optimizer.build(model.trainable_variables)
        kept = self._variables()
        values = [ops.convert_to_numpy(variable) for variable in kept]
        some = indices[: self._feed.batch_size]
        if not strategies.is_distributed(model):
            self._build_metrics(some[:1])
        batches, _, _ = self._feed.training(some, lambda: np.arange(len(some)))
        model.fit(batches, epochs=1, shuffle=False, verbose=0)
        names = list(self._evaluate(self._feed.evaluation(some[:1])))
        for variable, value in zip(kept, values, strict=True):
            variable.assign(value)
        if _ACCURACY not in names:
            raise ValueError(
                "The model must be compiled with a metric named "
                f"{_ACCURACY!r}, which ends the rounds. Received: {names}."
            )
        self._trace_seconds += time.perf_counter() - start

    def resume(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Goes on from a checkpoint; called after `warm_up`.

        Args:
            checkpoint: One that this trainer's `keeper` has written.

        Raises:
            ValueError: The checkpoint is of another model.
        """
        state = checkpoint.state
        variables = self._variables()
        metrics = []
        if state["place"] is not None:
            self.place = places.Place(**state["place"])
            if self.place.step:
                metrics = self.model.metrics_variables
        keepers.restore(checkpoint, variables + metrics)
        # The next epoch begins by setting these to zero.
        self._metrics = [ops.convert_to_numpy(metric) for metric in metrics]
        self.rounds, self.epochs = state["rounds"], state["epochs"]
        self._trace_seconds += state["trace_seconds"]

    def keep_round(self, row: dict) -> None:
        """Counts a round that is done, and keeps a checkpoint with its row."""
        self.rounds += 1
        if self._keeper is not None:
            self._keep(None, row)

    def check_stop(self) -> None:
        """Raises `Interrupted` between two rounds if a stop is wanted."""
        if self._keeper is not None and self._keeper.stop.wanted:
            raise stops.Interrupted

    def fit_round(self, number: int, indices: np.ndarray) -> RoundResult:
        """Trains on the samples of a round, then evaluates.

        After `resume` it goes on from the `place` inside the round, if the
        checkpoint has one.

        Args:
            number: The round, from 1.
            indices: Its samples.

        Returns:
            A `RoundResult`.

        Raises:
            ValueError: If the round is smaller than a batch.
            Interrupted: A stop was wanted; a checkpoint has been written.
        """
        feeds.check_round(self._feed.batch_size, len(indices))
        place = self.place or places.Place()
        clock = places.Clock(place)
        batches, steps, size = self._feed.training(
            indices, lambda: self._order(number, clock.epoch, len(indices))
        )
        rule = self._until.rule(lambda: self._feed.evaluation(indices))
        rule.set_state(place.rule)
        guard = places.Guard(
            self._keeper, self._keep, clock, rule, self._until.limit
        )
        monitor = _Monitor(self, number, clock, size)
        callbacks = guard.around(
            [clock, *self._callbacks, monitor, rule],
            steps,
            place.step,
            self._metrics,
        )
        epochs = place.epoch
        if place.step:
            epochs += 1
            rest = self._rest(number, indices, place)
            self._fit(rest, callbacks, place.epoch, epochs)
            rule.set_state(rule.get_state())
        if not (place.step and guard.is_over(epochs)):
            self._fit(batches, callbacks, epochs, self._until.limit)
        self.place, self._metrics = None, ()
        epochs = len(clock.seconds)
        trace_seconds, self._trace_seconds = self._trace_seconds, 0.0
        start = time.perf_counter()
        evaluated = self._evaluate(self._held_out)
        clean = self._until.measured == "clean"
        return RoundResult(
            num_samples=len(indices),
            epochs=epochs,
            steps=epochs * steps,
            sample_passes=epochs * size,
            train_seconds=sum(clock.seconds),
            trace_seconds=trace_seconds,
            eval_seconds=time.perf_counter() - start,
            train_accuracy=rule.value if clean else clock.logs[_ACCURACY],
            accuracy=evaluated[_ACCURACY],
            loss=clock.logs["loss"],
            eval_loss=evaluated["loss"],
            stopped_by=rule.stopped_by or self._ran_out(),
        )

    def _fit(self, batches, callbacks: list, first: int, last: int) -> None:
        self.model.fit(
            batches,
            initial_epoch=first,
            epochs=last,
            shuffle=False,  # the feed does
            verbose=0,
            callbacks=callbacks,
        )
        # A fit that BackupAndRestore resumed would start the next one late.
        self.model._initial_epoch = None

    def _rest(self, number: int, indices: np.ndarray, place: places.Place):
        """Returns the batches of an epoch that was left after some steps."""
        order = self._order(number, place.epoch + 1, len(indices))
        rest = indices[order[place.step * self._feed.batch_size :]]
        return self._feed.training(rest, lambda: np.arange(len(rest)))[0]

    def _keep(self, place: places.Place | None, row: dict | None = None):
        variables = self._variables()
        if place is not None and place.step:
            variables += self.model.metrics_variables
        state = {
            "rounds": self.rounds,
            "epochs": self.epochs,
            "trace_seconds": self._trace_seconds,
            "place": None if place is None else dataclasses.asdict(place),
            "row": row,
        }
        self._keeper.save(state, variables)

    def _variables(self) -> list:
        return [*self.model.variables, *self.model.optimizer.variables]

    def _ran_out(self) -> str:
        return "epochs" if self._until.epochs else "cap"

    def _order(self, number: int, epoch: int, size: int) -> np.ndarray:
        rng = seeds.generator(self._seed, "order", number, epoch)
        return rng.permutation(size)

    def _evaluate(self, data) -> dict[str, float]:
        return self.model.evaluate(data, verbose=0, return_dict=True)

    def _build_metrics(self, indices: np.ndarray) -> None:
        # They make their variables at their first use; were that inside a
        # graph, TensorFlow would trace it a second time. Under a strategy
        # Keras itself takes care of it.
        x, y = next(iter(self._feed.evaluation(indices)))
        self.model.compute_metrics(x, y, self.model(x, training=False))

    def report(self, number: int, clock: places.Clock, size: int, logs) -> None:
        """Hands the figures of an epoch that has just ended to `on_epoch`."""
        self.epochs += 1
        if self._on_epoch is None:
            return
        accuracy = math.nan
        if self._is_monitored:
            accuracy = self._evaluate(self._monitored)[_ACCURACY]
        rate = ops.convert_to_numpy(self.model.optimizer.learning_rate)
        self._on_epoch(
            number,
            EpochResult(
                epoch=clock.epoch,
                total=self.epochs,
                loss=logs["loss"],
                train_accuracy=logs[_ACCURACY],
                accuracy=accuracy,
                learning_rate=float(rate),
                samples_per_second=size / clock.seconds[-1],
            ),
        )


class _Monitor(keras.callbacks.Callback):
    def __init__(self, trainer, number, clock, size):
        super().__init__()
        self._trainer = trainer
        self._arguments = (number, clock, size)

    def on_epoch_end(self, epoch, logs=None):
        self._trainer.report(*self._arguments, logs)
