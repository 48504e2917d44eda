"""Stops training at a training accuracy, the rule of the paper."""

import inspect
import math

import keras

from ws_keras import checks
from ws_keras.callbacks import moments


@keras.saving.register_keras_serializable(package="ws_keras")
class StopAtAccuracy(keras.callbacks.Callback):
    """Stops `fit` once the training accuracy has reached a threshold.

    The paper trains every round until 99 % of the training samples are
    classified correctly (section 2, and the authors' e-mail to the
    replicators). A model that never reaches this accuracy stops when its
    accuracy no longer improves. A loss that is NaN or infinite also stops
    training.

    With batch norm, an accuracy that is measured during the epoch does not
    depend on the moving moments that are used in inference. If these moments
    lag behind the weights at the end of `fit`, a warning says so and how to
    correct it.

    After `fit`, `stopped_by` is `"threshold"`, `"plateau"`, `"nan"`, or `None`
    if all `epochs` were trained.

    Example:

    ```python
    model.fit(x, y, epochs=500, callbacks=[StopAtAccuracy(0.99)])
    ```

    Args:
        threshold: Accuracy in (0, 1] at which to stop. `None` disables this
            rule. Defaults to 0.99.
        monitor: Name of the metric in the logs of an epoch; higher is better.
            Without a `val_` prefix, the metric is measured during the epoch,
            before each update, as in the authors' code. Defaults to
            `"accuracy"`.
        patience: Number of epochs without an improvement of more than
            `min_delta` after which to stop. `None` disables this rule. Defaults
            to `None`.
        min_delta: Smallest improvement that counts. Defaults to 0.
        data: Data for `model.evaluate`, such as a `tf.data.Dataset` of training
            samples. `monitor` is then measured on them after each epoch, with
            constant weights. If `ShrinkPerturb` has `data`, the moments of
            batch norm are measured first. Defaults to `None`.
        extra_epochs: Number of further epochs to train after the threshold has
            been reached. Defaults to 0.

    Raises:
        ValueError: If an argument is out of its range, or if the logs have no
            such metric.
    """

    def __init__(
        self,
        threshold: float | None = 0.99,
        monitor: str = "accuracy",
        patience: int | None = None,
        min_delta: float = 0.0,
        data=None,
        extra_epochs: int = 0,
    ):
        super().__init__()
        self._check(threshold, patience, min_delta)
        check_extra(extra_epochs)
        self.threshold = threshold
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.data = data
        self.extra_epochs = extra_epochs
        self._earlier = {}
        self.watch = moments.Watch()
        self._begin()

    def on_train_begin(self, logs=None):
        self._begin(**self._earlier)
        self._earlier = {}
        self.watch = moments.watch(self)

    def on_train_batch_begin(self, batch, logs=None):
        self.watch.on_batch_begin(self, batch)

    def on_train_end(self, logs=None):
        self.watch.on_train_end(self)

    def on_epoch_end(self, epoch, logs=None):
        self.watch.on_epoch_end(self, epoch)
        logs = logs or {}
        if not math.isfinite(logs.get("loss", 0.0)):
            self._stop("nan")
            return
        self.value = self._measure(logs)
        if self._is_done():
            self._stop("threshold")
        elif self._is_plateau():
            self._stop("plateau")

    def get_state(self) -> dict:
        """Returns the state of the rule as values that JSON can represent."""
        return {
            "value": self.value,
            "best": self._best,
            "waited": self._waited,
            "since": self._since,
        }

    def set_state(self, state: dict) -> None:
        """Makes the next `fit` continue from the result of `get_state`."""
        self._earlier = dict(state)

    @property
    def code(self) -> str:
        """The code that creates this callback, without `data`."""
        known = inspect.signature(type(self)).parameters
        given = [
            f"{name}={value!r}"
            for name, value in self.get_config().items()
            if value != known[name].default
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def get_config(self) -> dict:
        """Returns the arguments except `data`, which is not serializable."""
        return {
            "threshold": self.threshold,
            "monitor": self.monitor,
            "patience": self.patience,
            "min_delta": self.min_delta,
            "extra_epochs": self.extra_epochs,
        }

    @classmethod
    def from_config(cls, config: dict):
        """Creates the callback from the result of `get_config`."""
        return cls(**config)

    _worst = -math.inf

    def _begin(self, value=math.nan, best=None, waited=0, since=-1) -> None:
        self.stopped_by = None
        self._since = since  # epochs since the threshold; -1 before it
        self.value = value  # monitored value of the last epoch
        self._best = self._worst if best is None else best
        self._waited = waited

    def _stop(self, reason: str) -> None:
        self.stopped_by = reason
        self.model.stop_training = True

    def _is_done(self) -> bool:
        if self.threshold is None:
            return False
        if self._since >= 0 or self._is_reached():
            self._since += 1
        return self._since >= self.extra_epochs

    def _is_plateau(self) -> bool:
        if self._since >= 0:
            return False
        if self._is_better():
            self._best = self.value
            self._waited = 0
            return False
        self._waited += 1
        return self.patience is not None and self._waited >= self.patience

    def _check(self, threshold, patience, min_delta) -> None:
        check(threshold, patience, min_delta)

    def _is_reached(self) -> bool:
        return self.value >= self.threshold or self._is_at_threshold()

    def _is_at_threshold(self) -> bool:
        # Keras' metrics have single precision, in which 9 of 10 is below 0.9.
        return math.isclose(self.value, self.threshold, rel_tol=1e-7)

    def _is_better(self) -> bool:
        return self.value > self._best + self.min_delta

    def _measure(self, logs: dict) -> float:
        if self.data is not None:
            self.watch.refresh(self.model)
            logs = self.model.evaluate(self.data, verbose=0, return_dict=True)
        if self.monitor not in logs:
            raise ValueError(
                "`monitor` must be a metric of the model. Received: "
                f"monitor={self.monitor!r}; the model has {sorted(logs)}. "
                "Compile the model with `metrics=['accuracy']`."
            )
        return float(logs[self.monitor])


@keras.saving.register_keras_serializable(package="ws_keras")
class StopAtMetric(StopAtAccuracy):
    """Stops `fit` by any metric or loss.

    Args:
        monitor: Name of the metric in the logs of an epoch.
        mode: `"max"` or `"min"`: whether a higher or lower value is better.
        threshold: Value at which to stop. `None` disables this rule. Defaults
            to `None`.
        patience: As in `StopAtAccuracy`. Defaults to `None`.
        min_delta: Smallest improvement that counts. Defaults to 0.
        min_share: Smallest improvement that counts, as a fraction of the best
            value so far. Defaults to 0.
        data: As in `StopAtAccuracy`. Defaults to `None`.
        extra_epochs: As in `StopAtAccuracy`. Defaults to 0.

    Raises:
        ValueError: If an argument is out of its range, or if the logs have no
            such metric.
    """

    def __init__(
        self,
        monitor: str,
        mode: str,
        threshold: float | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        min_share: float = 0.0,
        data=None,
        extra_epochs: int = 0,
    ):
        check_share(min_share)
        self.mode, self.min_share = mode, min_share
        self._worst = -math.inf if mode == "max" else math.inf
        super().__init__(
            threshold, monitor, patience, min_delta, data, extra_epochs
        )

    def get_config(self) -> dict:
        """Returns the arguments except `data`, which is not serializable."""
        own = {"mode": self.mode, "min_share": self.min_share}
        return {**super().get_config(), **own}

    def _check(self, threshold, patience, min_delta) -> None:
        is_number = checks.is_number(threshold) and math.isfinite(threshold)
        if threshold is not None and not is_number:
            raise ValueError(
                "`threshold` must be a finite number or None. "
                f"Received: threshold={threshold!r}."
            )
        check(None, patience, min_delta)

    def _is_reached(self) -> bool:
        if not math.isfinite(self.value):
            return False
        sign = 1 if self.mode == "max" else -1
        is_beyond = sign * self.value >= sign * self.threshold
        return is_beyond or self._is_at_threshold()

    def _is_better(self) -> bool:
        if not math.isfinite(self.value):
            return False
        gain = self.value - self._best
        if self.mode == "min":
            gain = -gain
        if math.isinf(self._best):
            return True
        return gain > max(self.min_delta, self.min_share * abs(self._best))


def check_share(min_share) -> None:
    """Raises a ValueError unless a fraction is at least 0 and below 1."""
    if not checks.is_number(min_share) or not 0 <= min_share < 1:
        raise ValueError(
            "`min_share` must be at least 0 and below 1. "
            f"Received: min_share={min_share!r}."
        )


def check_extra(extra_epochs) -> None:
    """Raises a ValueError unless `extra_epochs` is a whole number >= 0."""
    if not checks.is_whole(extra_epochs) or extra_epochs < 0:
        raise ValueError(
            "`extra_epochs` must be a whole number of at least 0. "
            f"Received: extra_epochs={extra_epochs!r}."
        )


def check(threshold, patience, min_delta) -> None:
    """Raises a ValueError if an argument of `StopAtAccuracy` is invalid."""
    is_accuracy = checks.is_number(threshold) and 0 < threshold <= 1
    if threshold is not None and not is_accuracy:
        raise ValueError(
            "`threshold` must be an accuracy in (0, 1] or None. "
            f"Received: threshold={threshold!r}."
        )
    is_count = checks.is_whole(patience) and patience >= 1
    if patience is not None and not is_count:
        raise ValueError(
            "`patience` must be a positive integer of epochs or None. "
            f"Received: patience={patience!r}."
        )
    if not checks.is_number(min_delta) or not 0 <= min_delta < math.inf:
        raise ValueError(
            "`min_delta` must be finite and at least 0. "
            f"Received: min_delta={min_delta!r}."
        )
