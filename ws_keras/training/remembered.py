"""What is kept between the fits of a round: states of callbacks, variables."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras.callbacks import travelling

Store = dict[str, np.ndarray]


class Remembered(keras.callbacks.Callback):
    """The states that travel with a model, over the fits of one round.

    A round that continues takes two fits: one for the rest of an epoch, one
    for the other epochs. This callback comes after all that have such a state,
    because these create it at the beginning of each fit.

    Args:
        stores: States from an earlier process. Defaults to none.
    """

    def __init__(self, stores: list[Store] | None = None):
        super().__init__()
        self._stores = list(stores or ())
        self._is_over = True

    def stores(self) -> list[Store]:
        """Returns a copy of all states as they are now."""
        return self._stores if self._is_over else self._copies()

    def on_train_begin(self, logs=None):
        found = travelling.states(self.model)
        for state, store in zip(found, self._stores, strict=False):
            state.load_own_variables(store)
        self._is_over = False

    def on_epoch_end(self, epoch, logs=None):
        # When the fit has ended there are none.
        self._stores = self._copies()

    def on_train_end(self, logs=None):
        self._is_over = True

    def _copies(self) -> list[Store]:
        found = []
        for state in travelling.states(self.model):
            store = {}
            state.save_own_variables(store)
            found.append({k: np.array(value) for k, value in store.items()})
        return found


class Ended(keras.callbacks.Callback):
    """Keeps the variables of an epoch's end, which the end of a fit changes.

    Keras then sets the weights to their averages (`use_ema`), and callbacks
    may set them to others.

    Args:
        variables: Function without arguments that returns the variables.
    """

    def __init__(self, variables: Callable[[], list]):
        super().__init__()
        self._variables, self._values = variables, []

    def on_epoch_end(self, epoch, logs=None):
        found = map(ops.convert_to_numpy, self._variables())
        self._values = [np.array(value) for value in found]

    def restore(self) -> None:
        """Sets the variables that have changed to the values they had."""
        pairs = zip(self._variables(), self._values, strict=True)
        for variable, value in pairs:
            if not np.array_equal(ops.convert_to_numpy(variable), value):
                variable.assign(value)


class Slot:
    """An array of a store, as checkpoints save and restore variables."""

    def __init__(self, shape: list[int], dtype: str):
        self._value = np.zeros(shape, dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self._value, dtype)

    def assign(self, value: np.ndarray) -> None:
        self._value = np.array(value)


def described(stores: list[Store]) -> list:
    """Returns names, shapes and dtypes of stores, as JSON can hold them."""
    return [
        [[name, list(a.shape), str(a.dtype)] for name, a in store.items()]
        for store in stores
    ]


def slots(description: list) -> list[dict[str, Slot]]:
    """Returns slots for the arrays of stores, as `described` lists them."""
    return [
        {name: Slot(shape, dtype) for name, shape, dtype in store}
        for store in description
    ]


def arrays(stores: list[dict]) -> list:
    """Returns all arrays, or slots, of stores in their order."""
    return [value for store in stores for value in store.values()]


def shifted(callbacks: list, own: list, steps: int, done: int) -> list:
    """Returns the callbacks, with `own` ones wrapped in `Shifted`."""
    ids = set(map(id, own))
    return [Shifted(c, steps, done) if id(c) in ids else c for c in callbacks]


class Shifted(keras.callbacks.Callback):
    """Shows a callback a whole epoch, in a fit on the rest of one.

    Args:
        callback: The callback.
        steps: Steps of a whole epoch.
        done: Steps that were done before.
    """

    def __init__(self, callback: keras.callbacks.Callback, steps, done):
        super().__init__()
        self._callback, self._steps, self._done = callback, steps, done

    def set_params(self, params):
        self._callback.set_params({**params, "steps": self._steps})

    def set_model(self, model):
        super().set_model(model)
        self._callback.set_model(model)

    def on_train_begin(self, logs=None):
        self._callback.on_train_begin(logs)

    def on_train_end(self, logs=None):
        self._callback.on_train_end(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._callback.on_train_batch_begin(self._done + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self._callback.on_train_batch_end(self._done + batch, logs)
