"""Global states of Keras and TensorFlow."""

from ws_keras._keras.gone import module


def global_state():
    """Returns the module that gets and sets Keras' global attributes.

    Reason: there is no public way to save the state of `keras.random`.
    If gone: `Gone`.
    """
    return module("keras.src.backend.common.global_state")


def forget_gradients() -> None:
    """Frees the gradients that TensorFlow has registered for traced steps.

    Reason: each trace of a training step registers a gradient (of the sum over
    replicas), which keeps the graph of the step in memory forever:
    https://github.com/tensorflow/tensorflow/issues/97697
    If gone: nothing is freed.
    """
    from tensorflow.python.framework import ops

    registry = getattr(ops, "gradient_registry", None)
    gradients = getattr(registry, "_registry", {})
    for name in [n for n in gradients if n.startswith("CustomGradient-")]:
        del gradients[name]
