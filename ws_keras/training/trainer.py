"""Trains a model, which is traced once, through all rounds of an arm."""

import dataclasses
import math
import time
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras import seeds
from ws_keras.callbacks import stopping
from ws_keras.storage import checkpoint as checkpoints
from ws_keras.training import feed as feeds
from ws_keras.training import keeper as keepers
from ws_keras.training import moments
from ws_keras.training import objective as objectives
from ws_keras.training import place as places
from ws_keras.training import remembered
from ws_keras.training import reporter as reporters
from ws_keras.training import state as states
from ws_keras.training import stop as stops
from ws_keras.training import terms
from ws_keras.training import traced as traces

# Values for fields that checkpoints of earlier versions do not have.
_UNKNOWN = {"cpu_seconds": (math.nan,), "cpu_part": math.nan}


class Trainer:
    """Trains one compiled model round after round, without a new trace.

    Args:
        model: Built and compiled model, or its `Traced`, which trainers share
            one after the other.
        feed: A `Feed` over all data.
        held_out: Indices of the samples to evaluate on.
        until: When a round ends. Defaults to `terms.Until()`.
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
        diagnostics: What to measure before each epoch and after each round,
            a `Measuring`. Not counted as training time.
            Defaults to `None`.
        recalibrate: Whether the moments of batch norm are measured anew
            at the end of the training of a round, with fixed weights, on up
            to 100 batches of its samples, and on 10 before each clean pass.
            Not counted as training time. Otherwise they are those of training,
            as in the authors' code, with a warning if they lag far behind.
            Defaults to `False`.
        monitor: Name of the metric that rounds are measured by; see
            `objective.find`. Defaults to `"accuracy"`.
        mode: `"max"` or `"min"`. Defaults to `None`, what the metric says.
    """

    def __init__(
        self,
        model: keras.Model | traces.Traced,
        feed: feeds.Feed,
        held_out: np.ndarray,
        *,
        until: terms.Until | None = None,
        seed: int = 0,
        monitored: int = 0,
        on_epoch: Callable[[int, terms.EpochResult], None] | None = None,
        callbacks=(),
        keeper: keepers.Keeper | None = None,
        diagnostics: reporters.Measuring | None = None,
        recalibrate: bool = False,
        monitor: str | None = "accuracy",
        mode: str | None = None,
    ):
        if not isinstance(model, traces.Traced):
            model = traces.Traced(model)
        self._traced = model
        self.model = model = model.model
        self._feed = feed
        self._until = until or terms.Until()
        self._seed = seed
        self._held_out = held_out
        self._reporter = reporters.Reporter(
            self._traced, feed, monitored, on_epoch, diagnostics
        )
        self.callbacks = list(callbacks)  # of the next round
        self._resets = [states.Reset()] if states.layers(model) else []
        self._monitor, self._mode = monitor, mode
        self._keeper = keeper
        self._moments = moments.Moments(model, feed, seed, recalibrate)
        if keeper is not None:
            keeper.stop.watch(model)
        self.rounds = 0  # that are done
        self._row = None  # of the last round that is done
        self.place = None  # inside a round that an earlier process began
        # What the start of the next round has computed, a part of its cost.
        self.start_cpu_seconds = 0.0
        # What else checkpoints are to hold, of values that JSON knows.
        self.notes = {}
        self._metrics = ()
        # By callbacks, in the round that is trained.
        self._remembered = remembered.Remembered()
        self._trace_seconds = 0.0

    @property
    def objective(self) -> objectives.Objective:
        """The metric of the rounds; accuracy until `warm_up` has found it."""
        return self._reporter.objective

    def warm_up(self, indices: np.ndarray) -> None:
        """Traces the graphs, if they are not traced; see `Traced.warm_up`.

        Args:
            indices: Samples of any round.

        Raises:
            ValueError: If the model has no metric of the monitored name.
        """
        self._trace_seconds += self._traced.warm_up(self._feed, indices)
        self._reporter.objective = objectives.find(
            self.model, self._monitor, self._mode
        )
        self.rule()  # or says what is wrong

    def resume(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Continues from a checkpoint; called after `warm_up`.

        Args:
            checkpoint: One that this trainer's `keeper` has written.

        Raises:
            ValueError: The checkpoint is of another model.
        """
        state = checkpoint.state
        variables = self._traced.variables() + self._reporter.variables
        metrics = []
        if state["place"] is not None:
            self.place = places.Place(**{**_UNKNOWN, **state["place"]})
            if self.place.step:
                metrics = self.model.metrics_variables
        slots = remembered.slots(state.get("stores", ()))
        keepers.restore(
            checkpoint, variables + metrics + remembered.arrays(slots)
        )
        stores = [{n: np.array(s) for n, s in each.items()} for each in slots]
        self._remembered = remembered.Remembered(stores)
        # The next epoch begins by setting these to zero.
        self._metrics = [ops.convert_to_numpy(metric) for metric in metrics]
        self.rounds = state["rounds"]
        self._reporter.epochs = state["epochs"]
        self._trace_seconds += state["trace_seconds"]
        self._row = state["row"]
        self.notes.update(state["notes"])

    def keep_round(self, row: dict) -> None:
        """Counts a finished round, and writes a checkpoint with its row."""
        self.rounds += 1
        self._row = row
        if self._keeper is not None:
            self._keep(None)

    def check_stop(self) -> None:
        """Raises `Interrupted` between two rounds, if a stop is requested."""
        if self._keeper is not None and self._keeper.stop.wanted:
            raise stops.Interrupted

    def fit_round(
        self, number: int, round: terms.Round | np.ndarray
    ) -> terms.RoundResult:
        """Trains on the samples of a round, then evaluates.

        After `resume` it continues at the `place` inside the round, if the
        checkpoint has one.

        Args:
            number: The round, from 1.
            round: Its `Round`, or the indices of its samples.

        Returns:
            A `RoundResult`.

        Raises:
            ValueError: If the round is smaller than a batch.
            Interrupted: A stop was requested; a checkpoint has been written.
        """
        if not isinstance(round, terms.Round):
            round = terms.Round(np.asarray(round))
        round = round.filled(self._held_out, self._until, self._feed.batch_size)
        indices, until = round.indices, round.until
        feeds.check_round(round.batch_size, len(indices))
        self._trace_seconds += self._traced.compile(
            self._feed, indices, round.batch_size
        )
        place = self.place or places.Place(cpu_part=self.start_cpu_seconds)
        self.start_cpu_seconds = 0.0
        clock = places.Clock(place)
        batches, steps, size = self._feed.training(
            indices,
            lambda: self._order(number, clock.epoch, len(indices)),
            round.batch_size,
        )
        if place.step >= steps or place.epoch >= until.limit:
            raise ValueError(
                "A checkpoint must lie within its round, which has at most "
                f"{until.limit} epochs of {steps} steps. Received: a "
                f"checkpoint after {place.epoch} epochs and {place.step} "
                "steps. Remove it to restart the setting."
            )
        rule = until.rule(lambda: self._feed.evaluation(indices), self._find)
        rule.set_state(place.rule)
        guard = places.Guard(self._keeper, self._keep, clock, rule, until.limit)
        if self.place is None:
            self._reporter.start()
            self._remembered = remembered.Remembered()
        monitor = reporters.Monitor(
            self._reporter, self._moments, (number, round, clock, size)
        )
        callbacks = guard.around(
            [
                *(clock, *self._resets, *self.callbacks),
                *(monitor, rule, self._remembered),
            ],
            steps,
            place.step,
            self._metrics,
        )
        validation = self._validation(round)
        epochs = place.epoch
        if place.step:
            epochs += 1
            rest = self._rest(number, round, place)
            seeing = remembered.shifted(
                callbacks, self.callbacks, steps, place.step
            )
            ended = remembered.Ended(self._traced.variables)
            seeing.append(ended)
            self._fit(rest, seeing, place.epoch, epochs, validation)
            rule.set_state(rule.get_state())
            if not guard.is_over(epochs):
                ended.restore()
        if not (place.step and guard.is_over(epochs)):
            self._fit(batches, callbacks, epochs, until.limit, validation)
        guard.check(len(clock.wall.seconds))
        self.place, self._metrics = None, ()
        return self._result(number, round, clock, rule, (steps, size))

    def _result(
        self, number: int, round: terms.Round, clock, rule, per_epoch: tuple
    ) -> terms.RoundResult:
        """Evaluates the model that a round has trained.

        `per_epoch` are the steps and the samples of an epoch.
        """
        until, (steps, size) = round.until, per_epoch
        epochs = len(clock.wall.seconds)
        trace_seconds, self._trace_seconds = self._trace_seconds, 0.0
        start = time.perf_counter()
        evaluated = self._traced.evaluate(
            self._reporter.evaluation(round.held_out)
        )
        eval_seconds = time.perf_counter() - start
        running = clock.logs[self.objective.log]
        if self.objective.metric.is_accuracy:
            self._moments.check(number, round, rule.watch.lag, running)
        clean = until.measured == "clean" and rule.monitor == self.objective.log
        return terms.RoundResult(
            num_samples=len(round.indices),
            epochs=epochs,
            steps=epochs * steps,
            sample_passes=epochs * size,
            train_seconds=sum(clock.wall.seconds),
            cpu_seconds=sum(clock.cpu.seconds),
            trace_seconds=trace_seconds,
            eval_seconds=eval_seconds,
            train_accuracy=rule.value if clean else running,
            accuracy=evaluated[self.objective.log],
            loss=clock.logs["loss"],
            eval_loss=evaluated["loss"],
            stopped_by=rule.stopped_by or until.other_end(epochs),
            measures=self._reporter.measure("after", number, round.indices),
            metric=self.objective.metric,
        )

    def rule(self) -> stopping.StopAtAccuracy:
        """Returns the callback that ends rounds, without data."""
        return self._until.rule(lambda: None, self._find)

    def _find(self, monitor, mode) -> objectives.Objective:
        """Returns the metric of a name; for `None` that of the rounds."""
        if monitor is None:
            return self.objective
        return objectives.find(self.model, monitor, mode)

    def _validation(self, round: terms.Round):
        """Returns data for the evaluation after each epoch, or `None`."""
        names = [getattr(c, "monitor", None) for c in self.callbacks]
        is_asked = any(map(objectives.is_validation, names))
        if not is_asked and not round.until.is_validation:
            return None
        return self._reporter.evaluation(round.held_out)

    def _fit(
        self, batches, callbacks: list, first: int, last: int, validation
    ) -> None:
        self.model.fit(
            batches,
            initial_epoch=first,
            epochs=last,
            # Else Keras makes a second iterator for each epoch.
            steps_per_epoch=len(batches),
            shuffle=False,  # the feed does
            verbose=0,
            callbacks=callbacks,
            validation_data=validation,
        )
        # A fit that BackupAndRestore resumed would start the next one late.
        _keras.forget_resumption(self.model)

    def _rest(self, number: int, round: terms.Round, place: places.Place):
        """Returns the remaining batches of an interrupted epoch."""
        order = self._order(number, place.epoch + 1, len(round.indices))
        rest = round.indices[order[place.step * round.batch_size :]]
        return self._feed.training(
            rest, lambda: np.arange(len(rest)), round.batch_size
        )[0]

    def _keep(self, place: places.Place | None):
        variables = self._traced.variables() + self._reporter.variables
        if place is not None and place.step:
            variables += self.model.metrics_variables
        state = {
            "rounds": self.rounds,
            "epochs": self._reporter.epochs,
            "trace_seconds": self._trace_seconds,
            "place": None if place is None else dataclasses.asdict(place),
            # Of the last round that is done; its line may be torn.
            "row": self._row,
            "notes": self.notes,
        }
        stores = [] if place is None else self._remembered.stores()
        if stores:
            state["stores"] = remembered.described(stores)
            variables += remembered.arrays(stores)
        self._keeper.save(state, variables)

    def _order(self, number: int, epoch: int, size: int) -> np.ndarray:
        rng = seeds.generator(self._seed, "order", number, epoch)
        return rng.permutation(size)
