"""The position of training inside a round, to stop and to continue there."""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from collections.abc import Iterable

import keras
from keras import ops

from ws_keras import _keras
from ws_keras.callbacks import stopping
from ws_keras.training import keeper as keepers
from ws_keras.training import stop as stops


@dataclasses.dataclass(frozen=True)
class Place:
    """A place between two steps of a round.

    `epoch` epochs of the round are done, in `seconds`, and `step` steps of
    the next one, in `part` seconds; `cpu_seconds` and `cpu_part` are the same
    in the time that the process computed. `rule` is what the stopping rule
    remembers, `measures` what was measured before that epoch.
    """

    epoch: int = 0
    step: int = 0
    seconds: tuple[float, ...] = ()
    part: float = 0.0
    cpu_seconds: tuple[float, ...] = ()
    cpu_part: float = 0.0
    rule: dict = dataclasses.field(default_factory=dict)
    measures: dict | None = None


class Stopwatch:
    """Seconds of each epoch, by one of the system's clocks.

    Args:
        clock: Function that returns seconds.
        seconds: Those of the epochs that are done.
        part: Those of the epoch that is not over.
    """

    def __init__(
        self, clock: Callable[[], float], seconds: Iterable[float], part: float
    ):
        self._clock = clock
        self.seconds = list(seconds)
        self._begun = part

    @property
    def part(self) -> float:
        """Seconds of the epoch that is not over."""
        return self._clock() - self._start

    def begin(self) -> None:
        """Called when an epoch begins or continues."""
        self._start = self._clock() - self._begun
        self._begun = 0.0

    def end(self) -> None:
        """Called when the epoch has ended."""
        self.seconds.append(self.part)

    @contextlib.contextmanager
    def left_out(self):
        """Does not count the time of the block."""
        start = self._clock()
        yield
        self._start += self._clock() - start


class Clock(keras.callbacks.Callback):
    """Counts epochs, and the seconds of each without evaluation after it."""

    def __init__(self, place: Place):
        super().__init__()
        self.epoch = place.epoch + 1  # the one that is trained, from 1
        self.wall = Stopwatch(time.perf_counter, place.seconds, place.part)
        # All threads of the process, not its children.
        self.cpu = Stopwatch(
            time.process_time, place.cpu_seconds, place.cpu_part
        )
        self.logs = {}
        self.measures = place.measures  # before the epoch; None: not yet
        self._test = None

    @contextlib.contextmanager
    def left_out(self):
        """Does not count the time of the block, which is no training."""
        with self.wall.left_out(), self.cpu.left_out():
            yield

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1
        self.wall.begin()
        self.cpu.begin()

    def on_test_begin(self, logs=None):
        self._test = self.left_out()
        self._test.__enter__()

    def on_test_end(self, logs=None):
        self._test.__exit__(None, None, None)

    def on_epoch_end(self, epoch, logs=None):
        self.wall.end()
        self.cpu.end()
        self.logs = logs


class Guard:
    """Writes checkpoints during the `fit` of a round, and obeys a stop.

    Args:
        keeper: The `keeper.Keeper`, or `None` for a round without.
        save: Function of a `Place` that writes a checkpoint.
        clock: The `Clock` of the round.
        rule: Its `StopAtAccuracy`.
        limit: The most epochs of the round.
    """

    def __init__(
        self,
        keeper: keepers.Keeper | None,
        save: Callable[[Place], None],
        clock: Clock,
        rule: stopping.StopAtAccuracy,
        limit: int,
    ):
        self.keeper = keeper
        self._save, self._clock = save, clock
        self._rule, self._limit = rule, limit

    def is_over(self, epochs: int) -> bool:
        """Returns whether the round ends after so many epochs."""
        return self._rule.stopped_by is not None or epochs >= self._limit

    def check(self, epochs: int) -> None:
        """Raises `Interrupted` if a stop has ended the `fit` too early.

        A stop may be requested at any time, such as after the last callback
        of an epoch.
        """
        wanted = self.keeper is not None and self.keeper.stop.wanted
        if wanted and not self.is_over(epochs):
            self.keep(epochs)
            raise stops.Interrupted

    def keep(self, epoch: int, step: int = 0) -> None:
        """Writes a checkpoint after so many epochs and steps of the next."""
        wall, cpu = self._clock.wall, self._clock.cpu
        self._save(
            Place(
                epoch=epoch,
                step=step,
                seconds=tuple(wall.seconds[:epoch]),
                part=wall.part if step else 0.0,
                cpu_seconds=tuple(cpu.seconds[:epoch]),
                cpu_part=cpu.part if step else 0.0,
                rule=self._rule.get_state(),
                measures=self._clock.measures if step else None,
            )
        )

    def around(self, callbacks: list, steps: int, done: int, metrics) -> list:
        """Returns the callbacks of a `fit` with those of the guard.

        Args:
            callbacks: The others, the clock first.
            steps: Steps of a whole epoch.
            done: Steps of the first epoch that are done before.
            metrics: Values of the model's metrics after these.
        """
        if self.keeper is None:
            return callbacks
        halt = _Halt(self, steps, done, metrics)
        return [callbacks[0], halt, *callbacks[1:], _Due(self)]


class _Halt(keras.callbacks.Callback):
    """Stops between two steps, if a stop is requested."""

    def __init__(self, guard: Guard, steps: int, done: int, metrics):
        super().__init__()
        self._guard, self._steps = guard, steps
        self._done, self._metrics = done, metrics

    def on_epoch_begin(self, epoch, logs=None):
        # Keras has just set the metrics to zero.
        variables = self.model.metrics_variables
        for variable, value in zip(variables, self._metrics, strict=False):
            variable.assign(value)
        self._metrics = ()
        self._first = self._batches() - self._done
        if self._guard.keeper.stop.wanted:
            self._halt(epoch, self._done)
        self._done = 0

    def on_epoch_end(self, epoch, logs=None):
        done = self._batches() - self._first
        if self._guard.keeper.stop.wanted and done < self._steps:
            self._halt(epoch, done)

    def _halt(self, epoch: int, done: int) -> None:
        self._guard.keep(epoch, done)
        raise stops.Interrupted

    def _batches(self) -> int:
        # `iterations` is another number if gradients accumulate.
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        return int(ops.convert_to_numpy(_keras.batches_seen(optimizer)))


class _Due(keras.callbacks.Callback):
    """Writes a checkpoint at the end of an epoch, after all other callbacks."""

    def __init__(self, guard: Guard):
        super().__init__()
        self._guard = guard

    def on_epoch_end(self, epoch, logs=None):
        guard, done = self._guard, epoch + 1
        if guard.is_over(done) or not guard.keeper.is_due(done):
            return
        guard.keep(done)
        if guard.keeper.stop.wanted:
            raise stops.Interrupted
