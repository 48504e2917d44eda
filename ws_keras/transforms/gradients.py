"""Computes the mean gradient of a loss without changing the model."""

from collections.abc import Callable
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops
from keras import tree

from ws_keras import _keras
from ws_keras.transforms import errors

# In half precision, gradients underflow after training, so the loss is
# multiplied by the first of these with which none overflows.
_HALF = 2.0**20, 2.0**15, 2.0**10, 2.0**5, 1.0


def mean_gradient(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    loss: Callable,
    batch_size: int = 1000,
) -> list[np.ndarray]:
    """Computes the gradient of the mean loss over all samples.

    The model runs in inference mode: batch norm uses its moving statistics and
    no variable changes. Therefore `batch_size` affects memory, not the result.
    Regularization losses are not included.

    Args:
        model: Built model.
        x: Samples, `(n, ...)`, or a dict, list or tuple with such an array for
            each input.
        y: Targets, likewise.
        loss: Function of targets and predictions that returns the mean over a
            batch, such as a `keras.losses.Loss`.
        batch_size: Maximum number of samples per pass. Defaults to 1000.

    Returns:
        One array for each of `model.trainable_variables`; zeros if the loss
        does not depend on the variable.

    Raises:
        ValueError: If the model or the loss does not accept the samples.
    """
    total = [np.zeros(v.shape, np.float64) for v in model.trainable_variables]
    size = len(tree.flatten(x)[0])
    for start in range(0, size, batch_size):
        part = slice(start, min(start + batch_size, size))
        given = tree.map_structure(lambda a, part=part: a[part], (x, y))
        with errors.refused(f"Samples {start} to {part.stop - 1}"):
            found = _unscaled(model, *given, loss)
        weight = (part.stop - start) / size
        for place, array in zip(total, found, strict=True):
            if array is not None:
                place += weight * array
    return total


def mean_loss(model: keras.Model, loss: Callable | str | None) -> Callable:
    """Returns a function that computes the mean loss of a batch.

    Args:
        model: Model. It must be compiled if `loss` is `None`.
        loss: Function of targets and predictions or the name of a loss. `None`
            means the loss that the model is compiled with.

    Returns:
        A function of targets and predictions that returns a scalar.

    Raises:
        ValueError: If there is no loss, or its name is unknown.
    """
    is_compiled = not loss
    loss = loss or getattr(model, "loss", None)
    if isinstance(loss, (Mapping, list, tuple)):
        if len(loss) > 1:
            raise ValueError(
                "`loss` must be a function of all targets and predictions for "
                "a model that is compiled with a loss for each output. "
                f"Received: {len(loss)} losses."
            )
        loss = next(iter(tree.flatten(loss)), None)
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            raise ValueError(
                "`loss` must be the name of a Keras loss. "
                f"Received: loss={loss!r}."
            ) from None
    if not callable(loss):
        raise ValueError(
            "`loss` must be a function of targets and predictions, or the "
            f"model must be compiled with a loss. Received: loss={loss!r}."
        )

    def mean(y, predictions):
        if is_compiled:  # Keras gives a loss the array of its output
            y, predictions = map(_single, (y, predictions))
        return ops.mean(loss(y, predictions))

    return mean


def _single(part):
    """Returns the array of a structure that holds only one."""
    leaves = tree.flatten(part)
    return leaves[0] if len(leaves) == 1 else part


def scales(model: keras.Model) -> tuple[float, ...]:
    """Returns the factors of the loss to try, the largest first."""
    layers = _keras.all_layers(model)
    is_half = any(layer.compute_dtype == "float16" for layer in layers)
    return _HALF if is_half else (1.0,)


def multiplied(loss, scale, factors: tuple[float, ...]):
    """Returns a loss times a factor, as float32 if there are several."""
    return scale * ops.cast(loss, "float32") if len(factors) > 1 else loss


def _unscaled(model, x, y, loss) -> list[np.ndarray | None]:
    """Computes gradients of a batch."""
    gradient = _BACKENDS[keras.backend.backend()]
    factors = scales(model)
    for scale in factors:

        def scaled(y, predictions, scale=scale):
            return multiplied(loss(y, predictions), scale, factors)

        found = [
            g if g is None else ops.convert_to_numpy(g).astype(float) / scale
            for g in gradient(model, x, y, scaled)
        ]
        if all(g is None or np.isfinite(g).all() for g in found):
            break
    return found


def _tensorflow(model, x, y, loss):
    import tensorflow as tf

    values = [v.value for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = loss(y, model(x, training=False))
    # The sparse gradient of an embedding becomes a dense array.
    gradients = tape.gradient(found, values)
    return [g if g is None else tf.convert_to_tensor(g) for g in gradients]


def _jax(model, x, y, loss):
    import jax

    rest = [v.value for v in model.non_trainable_variables]

    def of(values):
        predictions, _ = model.stateless_call(values, rest, x, training=False)
        return loss(y, predictions)

    return jax.grad(of)([v.value for v in model.trainable_variables])


def _torch(model, x, y, loss):
    import torch

    values = [v.value for v in model.trainable_variables]
    found = loss(ops.convert_to_tensor(y), model(x, training=False))
    return torch.autograd.grad(found, values, allow_unused=True)


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
