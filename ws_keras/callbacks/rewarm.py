"""Raises the learning rate again when data have arrived."""

import math
from collections.abc import Callable

import keras

from ws_keras import _keras
from ws_keras import callers
from ws_keras import checks
from ws_keras.callbacks import serialization
from ws_keras.transforms import optimizers
from ws_keras.transforms import rates


class StillWarmingUp(UserWarning):
    """A fit ended before the learning rate had risen to its peak."""


@keras.saving.register_keras_serializable(package="ws_keras")
class Rewarm(keras.callbacks.Callback):
    """Warms up the learning rate at the beginning of `fit`.

    When data have arrived, the rate rises linearly to its first peak and then
    follows `decay` (for language models, Ibrahim et al., "Simple and Scalable
    Strategies to Continually Pre-train Large Language Models", 2024,
    arXiv:2403.08763). With `n` batches of warm-up, the rate in batch `i` of a
    fit (from 0) is `peak * (i + 1) / n` for `i < n`, and `decay(i - n + 1)`
    afterwards.

    A warning says so if a fit ends before the warm-up does, for example by an
    early stop, which `fraction` cannot foresee.

    Batches are counted within one fit. A fit with `initial_epoch` above 0, or
    one that `BackupAndRestore` restores, continues the count. When a fit ends,
    the rate is set to `peak`. With `steps_per_execution` above 1, batches that
    run together use the rate of the first one.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    model.fit(grown_data, epochs=10, callbacks=[Rewarm(0.001)])
    ```

    Args:
        peak: Learning rate at the end of the warm-up, finite and above 0.
        steps: Number of warm-up batches, at least 1. `None` means a `fraction`
            of all batches of the fit. Defaults to `None`.
        epochs: Number of warm-up epochs, at least 1, in place of `steps`.
            Defaults to `None`.
        fraction: Fraction of the batches of the fit, in (0, 1]. The warm-up has
            at least one batch. Defaults to 0.1 (FIRE and Hare & Tortoise).
        decay: Learning rate after the peak: a Keras `LearningRateSchedule` or
            any function of the number of batches since the peak. It must return
            `peak` for 0. `None` keeps the rate at the peak, where other
            callbacks, such as `ReduceLROnPlateau`, may change it. Defaults to
            `None`.
        optimizer: State of the optimizer when the fit begins: `"keep"`,
            `"reset"` or `"reset_slots"`, as in `shrink_perturb`. Defaults to
            `"keep"`.

    Raises:
        ValueError: If an argument is out of its range, or, within `fit`, if the
            optimizer has no single assignable learning rate, or if the number
            of batches is required but unknown.
    """

    def __init__(
        self,
        peak: float,
        steps: int | None = None,
        *,
        epochs: int | None = None,
        fraction: float = 0.1,
        decay: Callable | None = None,
        optimizer: str = "keep",
    ):
        super().__init__()
        _check(peak, steps, fraction, decay)
        _check_epochs(epochs, steps)
        optimizers.check_policy(optimizer)
        self.peak = float(peak)
        self.steps = steps
        self.epochs = epochs
        self.fraction = fraction
        self.decay = decay
        self.policy = optimizer
        self._begin()

    def rate(self, batch: int, steps: int) -> float:
        """Returns the learning rate of a batch.

        Args:
            batch: Number of earlier batches of this fit.
            steps: Number of warm-up batches.
        """
        if batch < steps:
            return self.peak * (batch + 1) / steps
        if self.decay is None:
            return self.peak
        return float(self.decay(batch - steps + 1))

    def on_train_begin(self, logs=None):
        self._begin()
        if rates.present(self.model) is None:
            raise ValueError(
                "`Rewarm` needs an optimizer with one learning rate that is "
                "a number. Received: an optimizer with a schedule, or several "
                "optimizers. Compile with a number, and pass the schedule as "
                "`decay`."
            )
        length = self.params["steps"]
        self._warm_up = self.steps
        if self.steps is None:
            if length is None:
                raise ValueError(
                    f"`{'epochs' if self.epochs else 'fraction'}` needs data "
                    "whose number of batches is known. "
                    "Received: data of unknown length. Give `steps=`, or give "
                    "`fit` its `steps_per_epoch`."
                )
            whole = length * self.params["epochs"]
            self._warm_up = max(1, round(self.fraction * whole))
            if self.epochs is not None:
                self._warm_up = length * self.epochs

    def on_epoch_begin(self, epoch, logs=None):
        length = self.params["steps"]
        if self._is_first:
            self._is_first = False
            if epoch > 0 and length is None:
                raise ValueError(
                    "A fit that continues at a later epoch needs data whose "
                    f"number of batches is known. Received: epoch {epoch} of "
                    "data of unknown length. Give `fit` its "
                    "`steps_per_epoch`."
                )
            if epoch == 0 and not self._is_restored():
                optimizers.reset(self.model.optimizer, self.policy)
            self._is_up = self._is_restored()
        self._before = self._seen if length is None else epoch * length

    def on_train_batch_begin(self, batch, logs=None):
        number = self._before + batch
        is_after = self.decay is None and number >= self._warm_up
        # At the peak, other callbacks may lower the rate.
        if not (is_after and self._is_up):
            self._set(self.rate(number, self._warm_up))
            self._is_up = is_after

    def on_train_batch_end(self, batch, logs=None):
        self._seen = self._before + batch + 1

    def on_train_end(self, logs=None):
        self._warn_of_short_fit()
        self._set(self.peak)

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "epochs": self.epochs,
            "fraction": self.fraction,
            "decay": serialization.to_config("decay", self.decay),
            "optimizer": self.policy,
        }

    @classmethod
    def from_config(cls, config: dict):
        """Creates the callback from the result of `get_config`."""
        found = {k: serialization.from_config(v) for k, v in config.items()}
        return cls(**found)

    def _begin(self) -> None:
        self._is_first, self._is_up = True, False
        self._before = self._seen = 0

    def _warn_of_short_fit(self) -> None:
        if not 0 < self._seen < self._warm_up:
            return
        # The number of batches is left out, so that Python warns only once.
        callers.warn(
            "The fit ended before the warm-up, so the learning rate never "
            f"reached its peak. Received: a warm-up of {self._warm_up:,} "
            "batches in a shorter fit. Give fewer `steps` or `epochs`; "
            "`fraction` counts all epochs of `fit`, even if an early stop "
            "leaves most of them out.",
            StillWarmingUp,
        )

    def _is_restored(self) -> bool:
        # `BackupAndRestore` reports this even if it restarts epoch 0.
        return _keras.is_resumed(self.model)

    def _set(self, rate: float) -> None:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        optimizer.learning_rate = rate


def _check_epochs(epochs, steps) -> None:
    if epochs is None:
        return
    checks.check_positive("epochs", epochs)
    if steps is not None:
        raise ValueError(
            "Only one of `steps` and `epochs` may give the length of the "
            f"warm-up. Received: steps={steps!r}, epochs={epochs!r}."
        )


def _check(peak, steps, fraction, decay) -> None:
    if not checks.is_number(peak) or not 0 < peak < math.inf:
        raise ValueError(
            "`peak` must be a finite learning rate above 0. "
            f"Received: peak={peak!r}."
        )
    if steps is not None:
        checks.check_positive("steps", steps)
    if not checks.is_number(fraction) or not 0 < fraction <= 1:
        raise ValueError(
            "`fraction` must be a number in (0, 1]: the fraction of a fit's "
            f"batches. Received: fraction={fraction!r}."
        )
    if decay is None:
        return
    if not callable(decay):
        raise ValueError(
            "`decay` must be a `LearningRateSchedule`, a function of the "
            f"number of batches, or None. Received: decay={decay!r}."
        )
    first = float(decay(0))
    if not abs(first - peak) <= 1e-5 * peak:
        raise ValueError(
            "`decay` must return `peak` for 0 batches. Received: "
            f"peak={peak!r}, decay(0)={first:.6g}."
        )
