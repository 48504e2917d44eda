"""Batch-norm moments in the course of a fit, and at its very end.

Batch norm is used with moving averages of the moments of its batches. They lag
behind weights that still move: after a short fit, or one that is stopped as
soon as it has learned its data, a model can be right in training and wrong in
use. How far they lag can be seen without any data: what the moving averages
have become in the last steps says what the moments of these batches were.
"""

import collections
import dataclasses
import math
import warnings
import zlib

import keras
import numpy as np

from ws_keras.transforms import batches
from ws_keras.transforms import statistics
from ws_keras.transforms import variables

FEW = 10  # batches to measure on where it is done in each epoch
_WINDOW = 16  # batches to compare with: fewer are noise, more lag themselves
# Standard deviations, and the logarithm of a ratio: in use, networks whose
# moments were closer lost two points of accuracy at most, others up to 90
# (`python -m benchmarks.moments`).
_MOST_MEAN, _MOST_VARIANCE = 0.1, 0.25
_NAME = "_ws_keras_moments"


class LaggingMoments(UserWarning):
    """Batch-norm moments do not belong to the weights."""


@dataclasses.dataclass(frozen=True)
class Lag:
    """How far moving moments are from those of the last batches.

    `mean` is in standard deviations, `variance` the logarithm of a ratio; both
    are root mean squares over the channels of the layer that lags most,
    without what the noise of single batches makes of them.
    """

    layer: str
    momentum: float
    mean: float
    variance: float
    batches: int
    steps: int
    since: str

    @property
    def size(self) -> float:
        """What is more than 1 is large."""
        return max(self.mean / _MOST_MEAN, self.variance / _MOST_VARIANCE)

    @property
    def is_large(self) -> bool:
        return self.size > 1

    def describe(self) -> str:
        """Returns a sentence with the numbers, without its full stop."""
        return (
            f"The moments of layer {self.layer!r} (momentum "
            f"{self.momentum:g}) are {self.mean:.2f} standard deviations in "
            f"the mean and a factor of {math.exp(self.variance):.2f} in the "
            f"variance away from what the last {self.batches} batches say, "
            f"after {self.steps} steps {self.since}"
        )


@dataclasses.dataclass
class _Look:
    """The moments before a batch, and before the next that was begun."""

    batch: int
    values: list
    next: tuple | None = None


class Watch:
    """Follows the moments of one fit, for all callbacks that ask for it.

    `lag` is known after the fit: a `Lag` where the model has ended with
    moments that were seen at the end of an epoch, otherwise `None`.
    """

    def __init__(self):
        self.lag = None
        self.is_quiet = False  # `lag` is enough
        self._is_done = False
        self._data = []
        self._norms = []
        self._lags = {}  # of the moments at the end of each epoch
        self._old = collections.deque(maxlen=2)
        self._steps = None  # batches of an epoch, once they are known
        self._batch, self._size, self._total = 0, 1, 0
        self._reset = None  # batches of this fit before the last reset
        self._epoch = None

    def __reduce__(self):
        # A callback that is copied is to take no layers along.
        return type(self), ()

    def measure_on(self, data) -> None:
        """Has moments measured on data when all callbacks have ended."""
        self._data.append(data)

    def refresh(self, model: keras.Model) -> None:
        """Measures them within the fit, if there are data to do it on."""
        for data in self._data:
            self._measure(model, data, FEW)

    def reset(self) -> None:
        """Notes that the moments have just been put back to their start."""
        self._reset = self._total + self._batch
        self._old.clear()

    def on_batch_begin(self, callback, batch: int) -> None:
        """Looks at the moments where the end of the epoch is near."""
        if batch == 0:
            self._begin(callback.model)
        self._batch = batch
        if not self._norms:
            return
        steps = self._steps or callback.params.get("steps")
        if self._old and batch > self._old[-1].batch and not self._old[-1].next:
            self._old[-1].next = batch, self._read(callback.model)
        if steps is None:
            # It may end at any time: of two looks one is far enough away.
            due = batch % _WINDOW == 0
            due &= not self._old or self._old[-1].batch != batch
        else:
            due = batch > steps - self._window() - self._size
            due &= not self._old
        if due:
            # Only then: to ask a callback for its model makes JAX wait.
            self._old.append(_Look(batch, self._read(callback.model)))

    def on_epoch_end(self, callback, epoch: int) -> None:
        """Notes how far the moments lag behind the weights."""
        if epoch == self._epoch:
            return
        self._epoch = epoch
        # Of unknown length, the last batch that began was none.
        self._steps = callback.params.get("steps") or self._batch
        self._total += self._steps
        if self._old:
            now = self._read(callback.model)
            old = self._old[0]
            length = self._total - (self._reset or 0)
            since = "since their reset"
            if self._reset is None:
                since = "in this fit"
            lag = _lag(
                self._norms, old, now, self._steps - old.batch, length, since
            )
            self._lags[_checksum(now)] = lag
        self._old.clear()
        self._batch = 0

    def end(self, model) -> None:
        """Measures, or says what has not been measured."""
        for data in self._data:
            self._measure(model, data, batches.MOST)
        if not self._data and not self._is_done:
            self._say(model)
        self._is_done = True

    def on_train_end(self, callback) -> None:
        """Ends where no history of the fit comes last and does it."""
        history = getattr(callback.model, "history", None)
        if history is None or _NAME not in vars(history):
            self.end(callback.model)

    def _measure(self, model, data, most: int) -> None:
        try:
            read = batches.Batches(model, data, most=most)
            statistics.assign(statistics.measure(model, read))
        except Exception as error:  # of data that come from anywhere
            # The trained weights are worth more than their moments.
            self._warn(
                "Batch-norm moments could not be measured anew and are those "
                f"of training: {error} Before you use the model, measure them: "
                "`ws_keras.recalibrate(model, x)`."
            )

    def _warn(self, text: str) -> None:
        if not self.is_quiet:
            warnings.warn(text, LaggingMoments, stacklevel=2)

    def _say(self, model) -> None:
        self.lag = self._lags.get(_checksum(self._read(model)))
        if self.lag is None or not self.lag.is_large:
            return
        self._warn(
            "Batch-norm moments lag behind the weights, so that the model may "
            f"be far worse in use than in training. {self.lag.describe()}. "
            "Before you use the model, measure them anew on training data: "
            "`ws_keras.recalibrate(model, x)`. `ShrinkPerturb(data=x)` does "
            "so at the end of `fit`."
        )

    def _begin(self, model) -> None:
        norms = statistics.trained_norms(model)
        # A model may be built by its first batch.
        self._norms = [norm for norm in norms if norm.built]
        self._size = getattr(model, "steps_per_execution", None) or 1

    def _window(self) -> int:
        """Fewer batches than the moments remember, where they remember few."""
        momentum = max(norm.momentum for norm in self._norms)
        remembered = 0.8 / max(1 - momentum, 1e-3)
        return int(min(_WINDOW, max(4, remembered)))

    def _read(self, model) -> list[list[np.ndarray]]:
        del model  # Keras has brought its variables up to date for it.
        return [
            [
                np.array(variables.host(variable), "float64")
                for variable in (norm.moving_mean, norm.moving_variance)
            ]
            for norm in self._norms
        ]


def check(model: keras.Model, data) -> None:
    """Raises a ValueError unless the model takes the first batch of data."""
    first = batches.Batches(model, data, most=1)
    statistics.measure(model, first)


def watch(callback: keras.callbacks.Callback) -> Watch:
    """Returns the watch of the fit that has just begun; each fit has one."""
    history = getattr(callback.model, "history", None)
    if history is None:  # of a list of callbacks that is not Keras' own
        return Watch()
    found = vars(history).get(_NAME)
    if found is None:
        found = Watch()
        _hook(history, found)
    return found


def _hook(history, watch: Watch) -> None:
    """Lets a watch end after all callbacks of a fit.

    Keras puts its history behind them. It matters for those that write
    weights when they end, such as `EarlyStopping`.
    """
    on_train_end = history.on_train_end

    def last(logs=None):
        del vars(history)["on_train_end"], vars(history)[_NAME]
        on_train_end(logs)
        watch.end(history.model)

    vars(history)[_NAME] = watch
    vars(history)["on_train_end"] = last


def _lag(norms, old: _Look, now, batches: int, *rest) -> Lag | None:
    found = []
    for i, norm in enumerate(norms):
        kept = norm.momentum**batches
        if kept >= 1:
            continue
        noise = 0.0, 0.0
        recent = _between(norm, old.values[i], now[i], batches)
        spread = recent[1] + norm.epsilon
        if old.next:
            count = old.next[0] - old.batch
            some = _between(norm, old.values[i], old.next[1][i], count)
            noise = (
                count * _square(some[0] - recent[0], np.sqrt(spread)),
                count * _square(some[1] - recent[1], spread),
            )
        with np.errstate(invalid="ignore"):  # of a model that has diverged
            ratio = np.log((now[i][1] + norm.epsilon) / spread)
        squares = (
            _square(now[i][0] - recent[0], np.sqrt(spread)),
            _square(ratio, 1.0),
        )
        mean, variance = (
            _cleaned(square, of_batch, norm.momentum, batches)
            for square, of_batch in zip(squares, noise, strict=True)
        )
        lag = Lag(norm.name, norm.momentum, mean, variance, batches, *rest)
        found.append(lag)
    return max(found, key=lambda lag: lag.size, default=None)


def _between(norm, before, after, batches: int) -> tuple:
    """Returns the moments of the batches between two looks."""
    kept = norm.momentum**batches
    mean, variance = (
        (new - kept * old) / (1 - kept)
        for old, new in zip(before, after, strict=True)
    )
    return mean, np.maximum(variance, 0)


def _cleaned(square, noise, momentum: float, batches: int) -> float:
    """Returns the whole lag from the square of what is seen of it.

    Args:
        square: Mean square of the distance from the last batches.
        noise: Mean square of the noise of a batch.
        momentum: Momentum of the moments.
        batches: The number of these batches.
    """
    kept = momentum**batches
    by_chance = 1 / batches + (1 - momentum) / (1 + momentum)
    # Twice, since what is by chance may be more than usual.
    square -= 2 * kept**2 * by_chance * noise
    # The last batches are a while ago themselves. Where weights drift evenly,
    # this is by how much more the averages lag than is seen.
    seen = batches * kept / (1 - kept)
    factor = momentum / (1 - momentum) / seen if seen else 1.0
    return float(np.sqrt(max(square, 0.0)) * min(max(1.0, factor), 3.0))


def _square(values, scale) -> float:
    return float(np.mean(np.square(values / scale)))


def _checksum(values) -> int:
    return zlib.crc32(b"".join(v.tobytes() for pair in values for v in pair))
