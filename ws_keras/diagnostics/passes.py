"""Forward and backward passes without side effects, traced once.

Everything that a layer writes (moving statistics, the seeds of dropout) goes to
a scope that is discarded. Nothing has to be restored afterwards.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import gradients
from ws_keras.transforms import tracing

_UNITS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
_UNITS += (keras.layers.Conv3D, keras.layers.DepthwiseConv2D)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU)
_ACTIVATIONS += (keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)


def gradient_norm(
    model: keras.Model, loss: Callable, training: bool
) -> Callable:
    """Returns a function that computes the gradient norm of a batch.

    Args:
        model: Built model.
        loss: Function of targets and predictions that returns a mean.
        training: Whether layers run in training mode.

    Returns:
        A function of `x` and `y` that returns a scalar.
    """
    trainable = {id(v) for v in model.trainable_variables}
    variables = list(model.variables)
    gradient = _GRADIENTS[keras.backend.backend()]

    factors = gradients.scales(model)

    def norm(values, x, y, scale):
        pairs = list(zip(variables, values, strict=True))
        watched = [value for v, value in pairs if id(v) in trainable]
        rest = [pair for pair in pairs if id(pair[0]) not in trainable]
        chosen = [v for v in variables if id(v) in trainable]

        def of(watched):
            state = rest + list(zip(chosen, watched, strict=True))
            with keras.StatelessScope(state):
                found = loss(y, model(x, training=training))
            return gradients.multiplied(found, scale, factors)

        squares = [
            ops.sum(ops.square(ops.cast(g, "float32") / scale))
            for g in gradient(of, watched)
            if g is not None
        ]
        return ops.sqrt(sum(squares, ops.zeros((), "float32")))

    traced = tracing.traced(variables, norm)

    def finite(x, y):
        for factor in factors:
            found = traced(x, y, np.asarray(factor, "float32"))
            if np.isfinite(ops.convert_to_numpy(found)):
                break
        return found

    return finite


def forward(model: keras.Model, units: bool, features: bool) -> Callable:
    """Returns a function that computes outputs and activations of a batch.

    Args:
        model: Built model, which runs in inference mode.
        units: Whether to sum the activations of units.
        features: Whether to return the inputs of the last layer.

    Returns:
        A function of `x` and a weight for each sample. It returns the outputs,
        the features `(n, d)` (or `None`), and the activity of hidden units. For
        each activation, the activity is the weighted sum over samples of each
        unit's mean absolute value.
    """
    variables = list(model.variables)
    layers = _keras.all_layers(model)
    # A layer that serves as the activation of another is counted there.
    inner = {id(getattr(layer, "activation", None)) for layer in layers}
    watched = [
        layer
        for layer in layers
        if _is_watched(layer) and id(layer) not in inner
    ]

    def run(values, x, weights):
        state = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state), tracing.recorded(watched) as records:
            outputs = model(x, training=False)
        heads = [given for layer, given, _ in records if is_dense(layer)]
        sums = [
            _sums(found, weights)
            for layer, _, found in records
            if is_activation(layer) and found is not outputs
        ]
        found = _rows(heads[-1]) if features else None
        return outputs, found, sums if units else []

    return tracing.traced(variables, run)


def is_dense(layer) -> bool:
    """Returns whether the input of a layer can be the last features."""
    return isinstance(layer, keras.layers.Dense)


def is_activation(layer) -> bool:
    """Returns whether the output of a layer is an activation of units."""
    if isinstance(layer, _UNITS + _ACTIVATIONS[:1]):
        plain = (keras.activations.linear, keras.activations.softmax)
        return layer.activation not in plain
    return isinstance(layer, _ACTIVATIONS)


def _is_watched(layer) -> bool:
    return is_dense(layer) or is_activation(layer)


def _rows(features):
    return ops.reshape(features, (ops.shape(features)[0], -1))


def _sums(activation, weights):
    size = abs(ops.cast(activation, "float32"))
    size = ops.mean(size, axis=tuple(range(1, len(size.shape) - 1)))
    return ops.sum(size * weights[:, None], axis=0)


def _tensorflow(of, values):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        loss = of(values)
    # The sparse gradient of an embedding becomes a dense array.
    gradients = tape.gradient(loss, values)
    return [g if g is None else tf.convert_to_tensor(g) for g in gradients]


def _jax(of, values):
    import jax

    return jax.grad(of)(values)


def _torch(of, values):
    import torch

    values = [value.detach().requires_grad_() for value in values]
    return torch.autograd.grad(of(values), values, allow_unused=True)


_GRADIENTS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
