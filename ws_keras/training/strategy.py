"""The devices on which a model trains: one, or several with a replica each."""

import contextlib
import functools

import keras

from ws_keras.training import devices as device_names

# Each strategy and the backend of Keras that has it.
_BACKENDS = {"mirrored": "tensorflow", "data_parallel": "jax"}
NAMES = ("none", *_BACKENDS)


class Strategy:
    """The devices of a run.

    With one device no strategy is used, which is faster than a strategy with
    one replica. On JAX it applies to the whole process, until the next one.

    Example:

    ```python
    strategy = Strategy("mirrored")
    with strategy.scope():
        model = build()
    ```

    Args:
        name: `"none"` for one device; for one replica on each device
            `"mirrored"`, the `tf.distribute.MirroredStrategy` of the
            TensorFlow backend, or `"data_parallel"`, the
            `keras.distribution.DataParallel` of the JAX backend. Defaults
            to `"none"`.
        devices: Which devices; see `devices.find`. Defaults to `None`.

    Raises:
        ValueError: If `name` is unknown or of another backend, or `devices`
            are not there.
    """

    def __init__(self, name: str = "none", devices: int | str | None = None):
        _check(name, devices)
        self.name = name
        self.devices = [] if name == "none" else device_names.find(devices)
        self._distribute = None
        if self.num_replicas > 1 and name == "mirrored":
            self._distribute = _mirrored(tuple(self.devices))
        if keras.backend.backend() == "jax":
            _set_distribution(self.devices)

    @property
    def num_replicas(self) -> int:
        """Number of replicas; 1 without a strategy."""
        return max(1, len(self.devices))

    @property
    def notice(self) -> str | None:
        """A sentence, if the strategy is not used; otherwise `None`."""
        if len(self.devices) != 1:
            return None
        return (
            f"`strategy={self.name!r}` found one device, {self.devices[0]}. "
            "The model is trained on it without a strategy."
        )

    def scope(self):
        """Returns the context in which model and optimizer are made."""
        if self._distribute is None:
            return contextlib.nullcontext()
        return self._distribute.scope()


def scope_of(model: keras.Model):
    """Returns the context in which variables for a model are made."""
    if is_distributed(model):
        return model.distribute_strategy.scope()
    return contextlib.nullcontext()


def num_replicas(model: keras.Model) -> int:
    """Returns the number of replicas of a model; 1 without a strategy."""
    if is_distributed(model):
        return model.distribute_strategy.num_replicas_in_sync
    if keras.backend.backend() == "jax":
        distribution = keras.distribution.distribution()
        return distribution.num_model_replicas if distribution else 1
    return 1


def is_distributed(model: keras.Model) -> bool:
    """Returns whether a model was made under a `tf.distribute` strategy."""
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is None:
        return False
    import tensorflow as tf

    if strategy.num_replicas_in_sync > 1:
        return True
    # Keras gives TensorFlow's default strategy where there is none.
    return strategy is not tf.distribute.get_strategy()


def _check(name, devices) -> None:
    if name not in NAMES:
        raise ValueError(
            f"`strategy` must be one of {list(NAMES)}. "
            f"Received: strategy={name!r}."
        )
    backend = keras.backend.backend()
    if _BACKENDS.get(name, backend) != backend:
        raise ValueError(
            f"`strategy={name!r}` requires the Keras backend "
            f"{_BACKENDS[name]!r}. Received: the backend {backend!r}. Set "
            f"KERAS_BACKEND={_BACKENDS[name]}."
        )
    if name == "none" and devices is not None:
        raise ValueError(
            "`devices` requires a strategy that uses several devices. "
            f"Received: devices={devices!r} with strategy='none'."
        )


# The collective operations of two strategies in one process would take each
# other for their own.
@functools.cache
def _mirrored(devices: tuple[str, ...]):
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(devices))


def _set_distribution(devices: list[str]) -> None:
    distribution = None
    if len(devices) > 1:
        distribution = keras.distribution.DataParallel(devices=devices)
    # Keras looks for it in each `fit`, not only where a model is made.
    keras.distribution.set_distribution(distribution)
