"""State of a callback that travels with the weights of a model."""

import json

import keras
import numpy as np

_ATTRIBUTE = "_ws_keras_state"
_KEY = "json"


class TravellingState(keras.layers.Layer):
    """A small dict that is saved and restored together with a model.

    Whoever saves the weights of the model (`BackupAndRestore`,
    `ModelCheckpoint`, `save_weights`) saves the dict as well, and restoring
    them restores it. It is no layer of the model: `layers`, `weights`,
    `summary` and `get_config` do not show it, and files with it load into a
    model without it and the other way round.

    Args:
        values: Dict of values that JSON knows.
    """

    def __init__(self, values: dict):
        super().__init__(name=_ATTRIBUTE)
        self.values = dict(values)
        self.restored = False
        self.built = True

    def attach(self, model: keras.Model) -> None:
        """Lets the state travel with the model, in place of an older one."""
        # Past the model's `__setattr__`, which would make it a layer of the
        # model; saving walks all attributes.
        model.__dict__[_ATTRIBUTE] = self

    def detach(self, model: keras.Model) -> None:
        """Takes the state off the model, if it is there."""
        if model.__dict__.get(_ATTRIBUTE) is self:
            del model.__dict__[_ATTRIBUTE]

    def save_own_variables(self, store) -> None:
        """Keras' hook for saving."""
        text = json.dumps(self.values).encode("utf8")
        store[_KEY] = np.frombuffer(text, np.uint8)

    def load_own_variables(self, store) -> None:
        """Keras' hook for restoring; a file without the state is let pass."""
        if _KEY in store.keys():
            text = np.asarray(store[_KEY], np.uint8).tobytes()
            self.values = json.loads(text.decode("utf8"))
            self.restored = True
