"""Hare & Tortoise: training that restarts from a slow copy of the weights."""

import math

import keras
import numpy as np

from ws_keras import callers
from ws_keras import checks
from ws_keras.callbacks import steps
from ws_keras.callbacks import travelling
from ws_keras.transforms import optimizers
from ws_keras.transforms import variables

_OLD = 0.1  # fraction of the initial weights from which a warning is given


class StartingWeights(UserWarning):
    """The slow copy still consists of the weights that the fit began with."""


@keras.saving.register_keras_serializable(package="ws_keras")
class HareAndTortoise(keras.callbacks.Callback):
    """Keeps a slow copy of the weights, evaluates it, and restarts from it.

    Hare & Tortoise networks of Lee et al., "Slow and Steady Wins the Race"
    (ICML 2024, arXiv:2406.02596). The optimizer trains the hare. The tortoise
    follows it after each batch: `tortoise <- decay * tortoise + (1 - decay) *
    hare`, including moving statistics. At the beginning of each `every`-th
    epoch, the hare is set to the tortoise. The optimizer's state is not
    changed, except for averages and copies of the weights.

    The tortoise is used for validation during `fit`. Callbacks later in the
    list see and save it at the end of an epoch, and the model holds it when
    `fit` returns. Therefore put this callback before `ModelCheckpoint`. Put it
    after `ShrinkPerturb`, because the tortoise starts as a copy of the weights.
    `BackupAndRestore` saves both copies after an epoch, so that a restored fit
    gives the same result.

    After `n` batches, the fraction `decay**n` of the tortoise still comes from
    the initial weights of the fit: 0.1 after 230 batches with a decay of 0.99,
    and after 2,302 batches with 0.999. If the fraction is larger, the returned
    model has hardly been trained, and a warning says so.

    The tortoise is stored on the host, in single precision or higher. Each
    batch therefore reads all weights. The model must be built and run one batch
    at a time (`steps_per_execution=1`).

    Example:

    ```python
    tortoise = ws_keras.HareAndTortoise(every=10)
    model.fit(x, y, epochs=50, callbacks=[tortoise])
    ```

    Args:
        every: Number of epochs between two restarts from the tortoise. Defaults
            to 10 (the article).
        decay: Decay of the tortoise's moving average per batch, in [0, 1).
            Defaults to 0.999 (the article, whose fits have tens of thousands of
            batches). For hundreds of batches, use less than 0.99.

    Raises:
        ValueError: If an argument is out of its range, or, within `fit`, if the
            model is not built or runs several batches at a time.
    """

    def __init__(self, every: int = 10, decay: float = 0.999):
        super().__init__()
        checks.check_positive("every", every)
        if not checks.is_number(decay) or not 0 <= decay < 1:
            raise ValueError(
                "`decay` must be a number in [0, 1). "
                f"Received: decay={decay!r}."
            )
        self.every, self.decay = int(every), float(decay)
        self._state = None

    def set_model(self, model):
        super().set_model(model)
        # Attach the state before any callback restores weights and state.
        if self._state is not None:
            self._state.detach(model)
        self._state = _Copies({"epoch": -1, "batches": 0})
        self._state.attach(model)
        self._weights = None
        self._is_tested = False

    def on_train_begin(self, logs=None):
        self._state.begun = True
        variables.check_built(self.model)
        steps.check_single(self)

    def on_epoch_begin(self, epoch, logs=None):
        if self._weights is None:
            self._begin()
        self._show_hare()
        values = self._state.values
        # An epoch that was interrupted begins again after a restore.
        if epoch > values["epoch"]:
            if epoch > 0 and epoch % self.every == 0:
                self._restart()
            values["epoch"] = epoch

    def on_train_batch_end(self, batch, logs=None):
        values = self._state.values
        values["batches"] = values.get("batches", 0) + 1
        if keras.backend.backend() == "jax":
            # Within an epoch the trainer holds the weights.
            self.model.jax_state_sync()
        pairs = zip(self._state.tortoise, self._weights, strict=True)
        for slow, variable in pairs:
            # In this form, values that do not change keep their exact bits.
            slow += (1 - self.decay) * (_wide(variable) - slow)

    def on_epoch_end(self, epoch, logs=None):
        self._show_tortoise()

    def on_train_end(self, logs=None):
        if self._weights is not None:
            self._restart()
            self._warn(self._state.values.get("batches", 0))
        self._state.detach(self.model)

    def on_test_begin(self, logs=None):
        if not self._state.begun:  # `evaluate` also sets the model
            self._state.detach(self.model)
        elif self._weights is not None and self._state.hare is None:
            self._is_tested = True
            self._show_tortoise()

    def on_test_end(self, logs=None):
        if self._is_tested:
            self._is_tested = False
            self._show_hare()

    def on_predict_begin(self, logs=None):
        if not self._state.begun:
            self._state.detach(self.model)

    def __getstate__(self) -> dict:
        # For copies and other processes: the model belongs to one fit.
        gone = ("_model", "_state", "_weights")
        return {**vars(self), **dict.fromkeys(gone)}

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`."""
        return {"every": self.every, "decay": self.decay}

    @classmethod
    def from_config(cls, config: dict):
        """Creates the callback from the result of `get_config`."""
        return cls(**config)

    def _begin(self) -> None:
        is_float = keras.backend.is_float_dtype
        found = [v for v in self.model.weights if is_float(v.dtype)]
        self._weights = found
        if not self._state.tortoise:  # it was not restored either
            self._state.tortoise = [_wide(v) for v in found]

    def _warn(self, batches: int) -> None:
        if not batches or self.decay**batches <= _OLD:
            return
        needed = math.ceil(math.log(_OLD) / math.log(self.decay))
        smaller = max(self.decay / 2, 1 - 10 * (1 - self.decay))
        # The number of batches is left out, so that Python warns only once.
        callers.warn(
            f"More than {_OLD:g} of the slow copy still comes from the weights "
            "that the fit began with. The returned model has hardly been "
            f"trained. Received: decay={self.decay:g} in a fit of fewer than "
            f"{needed:,} batches. Use a smaller `decay`, such as "
            f"{smaller:.4g}, or train for longer.",
            StartingWeights,
        )

    def _show_hare(self) -> None:
        if self._state.hare is not None:
            _assign(self._weights, self._state.hare)
            self._state.hare = None

    def _show_tortoise(self) -> None:
        if self._state.hare is None:
            self._state.hare = [_wide(v) for v in self._weights]
        _assign(self._weights, self._state.tortoise)

    def _restart(self) -> None:
        trained = [v for v in self._weights if v.trainable]
        state = optimizers.Change(self.model, "keep", trained)
        _assign(self._weights, self._state.tortoise)
        for variable in trained:
            value = variables.host(variable)
            state.follow(variable, value, lambda _, value=value: value)
        state.finish()


class _Copies(travelling.TravellingState):
    """Stores the tortoise, and the hare while the model holds the tortoise."""

    def __init__(self, values: dict):
        super().__init__(values)
        self.tortoise, self.hare = [], None

    def save_own_variables(self, store) -> None:
        super().save_own_variables(store)
        for name in ("tortoise", "hare"):
            for number, array in enumerate(getattr(self, name) or []):
                store[f"{name}{number}"] = array

    def load_own_variables(self, store) -> None:
        super().load_own_variables(store)
        if self.restored:
            self.tortoise = _read(store, "tortoise")
            self.hare = _read(store, "hare") or None


def _read(store, name: str) -> list:
    count = sum(key.startswith(name) for key in store.keys())
    return [np.array(store[f"{name}{number}"]) for number in range(count)]


def _wide(variable) -> np.ndarray:
    """Copies a weight, in single precision if it has half precision."""
    value = variables.host(variable)
    wide = np.float64 if value.dtype == np.float64 else np.float32
    return np.array(value, wide)


def _assign(found: list, values: list) -> None:
    for variable, value in zip(found, values, strict=True):
        # A copy, because the backend may keep and change the given array.
        variable.assign(value.copy())
