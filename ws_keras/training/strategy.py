"""Where a model trains: one device, or replicas on several."""

import contextlib
import functools

import keras

NAMES = ("none", "mirrored")


class Strategy:
    """The devices of a run.

    Args:
        name: `"none"` for one device, `"mirrored"` for one replica on each
            visible device under `tf.distribute.MirroredStrategy`. Defaults
            to `"none"`.

    Raises:
        ValueError: If `name` is unknown, or `"mirrored"` on another backend
            than TensorFlow.
    """

    def __init__(self, name: str = "none"):
        if name not in NAMES:
            raise ValueError(
                f"`strategy` must be one of {list(NAMES)}. "
                f"Received: strategy={name!r}."
            )
        self.name = name
        self._distribute = _mirrored() if name == "mirrored" else None

    @property
    def num_replicas(self) -> int:
        """Number of replicas; 1 without a strategy."""
        if self._distribute is None:
            return 1
        return self._distribute.num_replicas_in_sync

    def scope(self):
        """Returns the context in which model and optimizer are made."""
        if self._distribute is None:
            return contextlib.nullcontext()
        return self._distribute.scope()


# The collective operations of two strategies in one process would take each
# other for their own.
@functools.cache
def _mirrored():
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "`strategy='mirrored'` needs the TensorFlow backend of Keras. "
            f"Received: the backend {keras.backend.backend()!r}."
        )
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    if not devices:
        devices = tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([d.name for d in devices])


def scope_of(model: keras.Model):
    """Returns the context in which variables for a model are made."""
    if is_distributed(model):
        return model.distribute_strategy.scope()
    return contextlib.nullcontext()


def is_distributed(model: keras.Model) -> bool:
    """Returns whether a model was made under a distribution strategy."""
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is None:
        return False
    import tensorflow as tf

    # Keras gives TensorFlow's default strategy where there is none.
    return strategy is not tf.distribute.get_strategy()
