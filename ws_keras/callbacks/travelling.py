"""Saves the state of a callback with the weights of a model."""

import itertools
import json

import keras
import numpy as np

_PREFIX = "_ws_keras_state"
_KEY = "json"


class TravellingState(keras.layers.Layer):
    """A small dict that is saved and restored together with a model.

    Everything that saves the weights of the model (`BackupAndRestore`,
    `ModelCheckpoint`, `save_weights`) saves the dict as well, and restoring the
    weights restores it. The state is not a layer of the model: `layers`,
    `weights`, `summary` and `get_config` do not show it. Files with the state
    load into a model without it, and vice versa.

    Args:
        values: Dict of values that JSON can represent.
    """

    def __init__(self, values: dict):
        super().__init__(name=_PREFIX)
        self.values = dict(values)
        self.restored = False
        self.begun = False
        self.built = True

    def attach(self, model: keras.Model) -> None:
        """Attaches the state to a model.

        The states of one fit are attached before the first of them begins, and
        are numbered in that order. A state that has begun was left by a fit
        that failed, and is removed.
        """
        # Bypasses the model's `__setattr__`, which would add a layer. Saving
        # visits all attributes.
        own = model.__dict__
        for name in _names(model):
            if own[name].begun:
                del own[name]
        taken = _names(model)
        own[next(n for n in _numbered() if n not in taken)] = self

    def detach(self, model: keras.Model) -> None:
        """Removes the state from the model, if it is attached."""
        for name in _names(model):
            if model.__dict__[name] is self:
                del model.__dict__[name]

    def __reduce__(self):
        # For copies of a callback: Keras would need a config.
        return type(self), (self.values,)

    def save_own_variables(self, store) -> None:
        """Saves the state; called by Keras."""
        text = json.dumps(self.values).encode("utf8")
        store[_KEY] = np.frombuffer(text, np.uint8)

    def load_own_variables(self, store) -> None:
        """Restores the state, if the file has it; called by Keras."""
        if _KEY in store.keys():
            text = np.asarray(store[_KEY], np.uint8).tobytes()
            self.values = json.loads(text.decode("utf8"))
            self.restored = True


def states(model: keras.Model) -> list[TravellingState]:
    """Returns the states that are attached to a model, in order."""
    return [model.__dict__[name] for name in sorted(_names(model), key=_rank)]


def _rank(name: str) -> int:
    return int(name.removeprefix(_PREFIX))


def _names(model: keras.Model) -> list[str]:
    states = model.__dict__.items()
    return [n for n, state in states if isinstance(state, TravellingState)]


def _numbered():
    return (f"{_PREFIX}{number}" for number in itertools.count())
