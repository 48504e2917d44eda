"""Passes of a model that change nothing, traced once.

Everything that a layer writes (moving statistics, the seeds of dropout) goes
to a scope that is dropped, so there is nothing to put back afterwards.
"""

from collections.abc import Callable

import keras
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import tracing

_UNITS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
_UNITS += (keras.layers.Conv3D, keras.layers.DepthwiseConv2D)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU)
_ACTIVATIONS += (keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)


def gradient_norm(
    model: keras.Model, loss: Callable, training: bool
) -> Callable:
    """Returns a function of a batch: the L2 norm of its loss's gradient.

    Args:
        model: Built model.
        loss: Function of targets and predictions that gives a mean.
        training: Whether layers are in training mode.

    Returns:
        Function of `x` and `y` that gives a scalar.
    """
    trainable = {id(v) for v in model.trainable_variables}
    variables = list(model.variables)
    gradient = _GRADIENTS[keras.backend.backend()]

    def norm(values, x, y):
        pairs = list(zip(variables, values, strict=True))
        watched = [value for v, value in pairs if id(v) in trainable]
        rest = [pair for pair in pairs if id(pair[0]) not in trainable]
        chosen = [v for v in variables if id(v) in trainable]

        def of(watched):
            state = rest + list(zip(chosen, watched, strict=True))
            with keras.StatelessScope(state):
                return loss(y, model(x, training=training))

        squares = [
            ops.sum(ops.square(ops.cast(g, "float32")))
            for g in gradient(of, watched)
            if g is not None
        ]
        return ops.sqrt(sum(squares, ops.zeros((), "float32")))

    return tracing.traced(variables, norm)


def forward(model: keras.Model, units: bool, features: bool) -> Callable:
    """Returns a function of a batch: what the model makes of it at inference.

    Args:
        model: Built model.
        units: Whether to sum the activations of units up.
        features: Whether to give the features before the last layer.

    Returns:
        Function of `x` and a weight for each sample. It gives the outputs,
        the features `(n, d)` (or `None`), and for each activation, other than
        the outputs, the weighted sum over samples of each unit's mean
        absolute value.
    """
    variables = list(model.variables)
    layers = _keras.all_layers(model)
    # A layer that is another one's activation is counted with that one.
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
    """Returns whether what a layer is given can be the last features."""
    return isinstance(layer, keras.layers.Dense)


def is_activation(layer) -> bool:
    """Returns whether a layer's output is the activation of units."""
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
    # A gradient of rows (an embedding's) becomes a whole array.
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
