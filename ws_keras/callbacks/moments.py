"""Detects and corrects batch-norm moments that lag behind the weights.

In inference, batch norm uses moving averages of the moments of its batches.
These averages lag behind weights that change fast. After a short fit, or a fit
that stops as soon as it has learned its data, a model can be accurate in
training mode and inaccurate in inference. The lag can be estimated without
data: the change of the moving averages over the last steps gives the moments of
these batches.
"""

import collections
import dataclasses
import math
import zlib

import keras
import numpy as np

from ws_keras import callers
from ws_keras.transforms import batches
from ws_keras.transforms import statistics
from ws_keras.transforms import variables

FEW = 10  # batches to measure on if this is done in each epoch
_WINDOW = 16  # batches to compare with: fewer are noisy, more lag themselves
# The limits of the lag, in standard deviations and as the logarithm of a
# ratio. In inference, networks with a smaller lag lost at most two points of
# accuracy, others up to 90 (`python -m benchmarks.moments`).
_MOST_MEAN, _MOST_VARIANCE = 0.1, 0.25
_NAME = "_ws_keras_moments"


class LaggingMoments(UserWarning):
    """Batch-norm moments lag behind the weights."""


@dataclasses.dataclass(frozen=True)
class Lag:
    """The distance of moving moments from the moments of the last batches.

    `mean` is in standard deviations, `variance` is the logarithm of a ratio.
    Both are root mean squares over the channels of the layer that lags most,
    corrected for the noise of single batches.
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
        """The lag relative to the limits; a value above 1 is large."""
        return max(self.mean / _MOST_MEAN, self.variance / _MOST_VARIANCE)

    @property
    def is_large(self) -> bool:
        return self.size > 1

    def describe(self) -> str:
        """Describes the lag in a sentence, without a full stop."""
        return (
            f"The moments of layer {self.layer!r} (momentum "
            f"{self.momentum:g}) differ by {self.mean:.2f} standard "
            f"deviations in the mean and by a factor of "
            f"{math.exp(self.variance):.2f} in the variance from those of the "
            f"last {self.batches} batches, after {self.steps} steps "
            f"{self.since}"
        )


@dataclasses.dataclass
class _Look:
    """The moments before a batch, and the number of that batch."""

    batch: int
    values: list
    next: tuple | None = None


class Watch:
    """Watches the moments of one fit, on behalf of all its callbacks.

    After the fit, `lag` is a `Lag` if the model ended with moments that were
    seen at the end of an epoch. Otherwise it is `None`.
    """

    def __init__(self):
        self.lag = None
        self.is_quiet = False  # do not warn; the caller reads `lag`
        self._is_done = False
        self._data = []
        self._norms = []
        self._lags = {}  # by the moments at the end of each epoch
        self._old = collections.deque(maxlen=2)
        self._steps = None  # batches per epoch, when known
        self._batch, self._size, self._total = 0, 1, 0
        self._reset = None  # batches of this fit before the last reset
        self._epoch = None

    def __reduce__(self):
        # A copy of a callback must not copy layers.
        return type(self), ()

    def measure_on(self, data) -> None:
        """Schedules a measurement on data after all callbacks have ended."""
        self._data.append(data)

    def refresh(self, model: keras.Model) -> None:
        """Measures the moments within the fit, if data were given."""
        for data in self._data:
            self._measure(model, data, FEW)

    def reset(self) -> None:
        """Records that the moments have just been reset."""
        self._reset = self._total + self._batch
        self._old.clear()

    def on_batch_begin(self, callback, batch: int) -> None:
        """Reads the moments when the end of the epoch is near."""
        if batch == 0:
            self._begin(callback.model)
        self._batch = batch
        if not self._norms:
            return
        steps = self._steps or callback.params.get("steps")
        if self._old and batch > self._old[-1].batch and not self._old[-1].next:
            self._old[-1].next = batch, self._read(callback.model)
        if steps is None:
            # The length is unknown: keep two readings, one far enough back.
            due = batch % _WINDOW == 0
            due &= not self._old or self._old[-1].batch != batch
        else:
            due = batch > steps - self._window() - self._size
            due &= not self._old
        if due:
            # Only now: reading the model from a callback makes JAX wait.
            self._old.append(_Look(batch, self._read(callback.model)))

    def on_epoch_end(self, callback, epoch: int) -> None:
        """Records how far the moments lag behind the weights."""
        if epoch == self._epoch:
            return
        self._epoch = epoch
        # With unknown length, the last begun batch did not exist.
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
        """Measures the moments, or warns that they lag."""
        for data in self._data:
            self._measure(model, data, batches.MOST)
        if not self._data and not self._is_done:
            self._say(model)
        self._is_done = True

    def on_train_end(self, callback) -> None:
        """Ends the watch unless the history of the fit will do so."""
        history = getattr(callback.model, "history", None)
        if history is None or _NAME not in vars(history):
            self.end(callback.model)

    def _measure(self, model, data, most: int) -> None:
        try:
            read = batches.Batches(model, data, most=most)
            statistics.assign(statistics.measure(model, read))
        except Exception as error:  # user data raise many types
            # The trained weights are worth more than their moments.
            self._warn(
                "Batch-norm moments could not be measured and are those of "
                f"training: {error} Before you use the model, measure them: "
                "`ws_keras.recalibrate(model, x)`."
            )

    def _warn(self, text: str) -> None:
        if not self.is_quiet:
            callers.warn(text, LaggingMoments)

    def _say(self, model) -> None:
        self.lag = self._lags.get(_checksum(self._read(model)))
        if self.lag is None or not self.lag.is_large:
            return
        self._warn(
            "Batch-norm moments lag behind the weights, so the model may be "
            f"far less accurate in inference. {self.lag.describe()}. "
            "Before you use the model, measure the moments on training data: "
            "`ws_keras.recalibrate(model, x)`. `ShrinkPerturb(data=x)` does "
            "this at the end of `fit`."
        )

    def _begin(self, model) -> None:
        norms = statistics.trained_norms(model)
        # The first batch may build the model.
        self._norms = [norm for norm in norms if norm.built]
        self._size = getattr(model, "steps_per_execution", None) or 1

    def _window(self) -> int:
        """Returns the batches to compare with; fewer at a low momentum."""
        momentum = max(norm.momentum for norm in self._norms)
        remembered = 0.8 / max(1 - momentum, 1e-3)
        return int(min(_WINDOW, max(4, remembered)))

    def _read(self, model) -> list[list[np.ndarray]]:
        del model  # the caller's access has made Keras update its variables
        return [
            [
                np.array(variables.host(variable), "float64")
                for variable in (norm.moving_mean, norm.moving_variance)
            ]
            for norm in self._norms
        ]


def check(model: keras.Model, data) -> None:
    """Raises a ValueError unless the model accepts the first batch."""
    first = batches.Batches(model, data, most=1)
    statistics.measure(model, first)


def watch(callback: keras.callbacks.Callback) -> Watch:
    """Returns the watch of the fit that has just begun, one per fit."""
    history = getattr(callback.model, "history", None)
    if history is None:  # the list of callbacks is not Keras' own
        return Watch()
    found = vars(history).get(_NAME)
    if found is None:
        found = Watch()
        _hook(history, found)
    return found


def _hook(history, watch: Watch) -> None:
    """Makes a watch end after all callbacks of a fit.

    Keras puts its history last. The order matters for callbacks that write
    weights at the end, such as `EarlyStopping`.
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
        with np.errstate(invalid="ignore"):  # the model may have diverged
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
    """Returns the moments of the batches between two readings."""
    kept = norm.momentum**batches
    mean, variance = (
        (new - kept * old) / (1 - kept)
        for old, new in zip(before, after, strict=True)
    )
    return mean, np.maximum(variance, 0)


def _cleaned(square, noise, momentum: float, batches: int) -> float:
    """Estimates the whole lag from the square of its visible part.

    Args:
        square: Mean square of the distance from the last batches.
        noise: Mean square of the noise of one batch.
        momentum: Momentum of the moments.
        batches: Number of these batches.
    """
    kept = momentum**batches
    by_chance = 1 / batches + (1 - momentum) / (1 + momentum)
    # Twice the noise, since chance may exceed its usual size.
    square -= 2 * kept**2 * by_chance * noise
    # The last batches themselves are outdated. If the weights drift evenly,
    # the true lag exceeds the visible lag by this factor.
    seen = batches * kept / (1 - kept)
    factor = momentum / (1 - momentum) / seen if seen else 1.0
    return float(np.sqrt(max(square, 0.0)) * min(max(1.0, factor), 3.0))


def _square(values, scale) -> float:
    return float(np.mean(np.square(values / scale)))


def _checksum(values) -> int:
    return zlib.crc32(b"".join(v.tobytes() for pair in values for v in pair))
