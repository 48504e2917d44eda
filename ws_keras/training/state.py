"""States that a model keeps from batch to batch, as stateful RNNs do."""

import keras

from ws_keras import _keras
from ws_keras.data import inputs


def layers(model: keras.Model) -> list:
    """Returns the layers of a model that keep a state."""
    found = _keras.all_layers(model)
    return [layer for layer in found if getattr(layer, "stateful", False)]


def reset(model: keras.Model) -> None:
    """Sets all states to their start: no batch then follows another one."""
    for layer in layers(model):
        reset_state = getattr(layer, "reset_state", None)
        if reset_state is not None:
            reset_state()


class Reset(keras.callbacks.Callback):
    """Sets states to their start before each epoch and each validation."""

    def on_epoch_begin(self, epoch, logs=None):
        reset(self.model)

    def on_test_begin(self, logs=None):
        reset(self.model)


def batch_size(model: keras.Model) -> int | None:
    """Returns the only size of a batch that a model takes, if there is one."""
    tensors = keras.tree.flatten(inputs.structure(model))
    sizes = {tensor.shape[0] for tensor in tensors if tensor is not None}
    sizes -= {None}
    return min(sizes, default=None)
