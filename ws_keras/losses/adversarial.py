"""Adversarial training by the fast gradient sign method."""

import contextlib
import math

import keras
from keras import ops

from ws_keras import checks


def adversarial(
    model: keras.Model,
    eps: float,
    weight: float = 0.5,
    *,
    value_range: tuple[float, float] | None = None,
) -> keras.Model:
    """Creates a model that trains on clean and on attacked samples.

    Adversarial training of Goodfellow et al., "Explaining and Harnessing
    Adversarial Examples" (2015), section 6. With the compiled loss `J`, the new
    loss is `(1 - weight) * J(x) + weight * J(x + eps * sign(dJ(x) / dx))`. The
    returned model shares all layers and variables with `model`. Train the
    returned model; save and deploy `model`. Evaluation, prediction and the
    training metrics, except the loss, use clean samples.

    A training step has three parts:

    1. A forward pass of the clean batch. Batch norm uses the moments of this
       batch and updates its moving statistics, and dropout draws a mask.
    2. The attack, which is computed on the clean batch in training mode, so
       that it targets the network as it trains. No variable changes; the
       dropout mask is that of part 3. The gradient excludes sample weights,
       which do not affect its sign, and activity regularizers. If the optimizer
       scales the loss, as in `mixed_float16`, the scaled loss is used, because
       small gradients would vanish in half precision. A sample with a NaN
       gradient is not changed. No gradient flows through the attack.
    3. A forward pass of the attacked batch in training mode. Batch norm uses
       the moments of this batch and updates its moving statistics again, and
       dropout draws another mask.

    With momentum `m`, a moving mean therefore becomes `m * (m * mean + (1 - m)
    * clean) + (1 - m) * attacked`. A step costs three forward and three
    backward passes instead of one each; one of the backward passes computes
    gradients of samples only.

    On JAX, activity regularizers apply to clean samples only. In
    `mixed_bfloat16`, an attack on pixels is rounded to whole multiples of
    1/255.

    Example:

    ```python
    attacked = adversarial(model, eps=0.1)
    attacked.compile("sgd", loss, metrics=["accuracy"])
    attacked.fit(x, y)
    model.save("robust.keras")
    ```

    Args:
        model: Built functional or `Sequential` model with one input and one
            output.
        eps: Size of the attack, at least 0, as a fraction of `value_range`. For
            pixels, the unit is that of images in [0, 1]. The attack is applied
            to the given samples, before the model normalizes them.
        weight: Weight of the attacked samples, in [0, 1]. Defaults to 0.5
            (Goodfellow et al.).
        value_range: Smallest and largest valid value of a sample. Attacked
            samples are clipped to it. `None` means `(0, 255)` if the model
            takes `uint8`. Otherwise, `None` means no range: `eps` is in units
            of the data and nothing is clipped. Defaults to `None`.

    Returns:
        An uncompiled `keras.Model` under the strategy of `model`. Compile it.

    Raises:
        ValueError: If an argument is out of its range, or if the model has
            several inputs or outputs or takes integers other than `uint8`.
    """
    _check(eps, weight, value_range)
    _check_model(model)
    with _scope_of(model):
        (start,), (end,) = model.inputs, model.outputs
        plain = keras.Model(start, end, name=model.name)
        if keras.backend.standardize_dtype(start.dtype) == "uint8":
            value_range = value_range or (0.0, 255.0)
            plain = _on_floats(plain)
        return Adversarial(
            plain.inputs[0],
            plain.outputs[0],
            name=model.name,
            eps=eps,
            weight=weight,
            value_range=value_range,
        )


@keras.saving.register_keras_serializable("ws_keras")
class Adversarial(keras.Model):
    """The model that `adversarial` returns.

    Args:
        inputs: As in a functional `keras.Model`, of a float dtype.
        outputs: As in a functional `keras.Model`.
        name: Name of the model.
        eps: As in `adversarial`.
        weight: As in `adversarial`.
        value_range: As in `adversarial`; `None` means no range.
        keywords: Further arguments of `keras.Model`.
    """

    def __init__(
        self,
        inputs,
        outputs,
        name=None,
        *,
        eps: float,
        weight: float = 0.5,
        value_range: tuple[float, float] | None = None,
        **keywords,
    ):
        super().__init__(inputs, outputs, name=name, **keywords)
        self.eps = eps
        self.weight = weight
        self.value_range = None if value_range is None else tuple(value_range)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Computes the loss; in training, of clean and attacked samples."""
        # First, because layers hold the losses of their latest pass.
        clean = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return clean
        x = self.attack(x, y)
        y_pred = self(x, training=True)
        attacked = super().compute_loss(x, y, y_pred, sample_weight, training)
        return (1 - self.weight) * clean + self.weight * attacked

    def attack(self, x, y):
        """Computes attacked samples without changing variables.

        Args:
            x: Batch of samples.
            y: Targets of the samples.

        Returns:
            Tensor of the shape of `x`, in the model's input dtype.

        Raises:
            ValueError: If the model is not compiled.
        """
        if not self.compiled:
            raise ValueError(
                "The model must be compiled, because an attack uses its loss. "
                "Received: a model that is not compiled. Call `compile`."
            )
        x = ops.cast(x, self.inputs[0].dtype)
        gradient = _BACKENDS[keras.backend.backend()]
        found = ops.nan_to_num(gradient(self._loss_of(y), x))
        sign = ops.stop_gradient(ops.sign(found))
        if self.value_range is None:
            return x + self.eps * sign
        low, high = self.value_range
        return ops.clip(x + self.eps * (high - low) * sign, low, high)

    def get_config(self) -> dict:
        """Returns the graph and the arguments."""
        return {
            **super().get_config(),
            "eps": self.eps,
            "weight": self.weight,
            "value_range": self.value_range,
        }

    def _loss_of(self, y):
        # Constant weights prevent second derivatives on every backend.
        state = [(v, ops.stop_gradient(v.value)) for v in self.variables]

        def loss(x):
            with keras.StatelessScope(state):
                y_pred = self(x, training=True)
                loss = super(Adversarial, self).compute_loss(x, y, y_pred)
            return self.optimizer.scale_loss(loss)

        return loss


def _tensorflow(loss, x):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        value = loss(x)
    return tape.gradient(value, x)


def _jax(loss, x):
    import jax

    return jax.grad(loss)(x)


def _torch(loss, x):
    import torch

    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(x), [x])
    return gradient


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def _on_floats(model: keras.Model) -> keras.Model:
    """Returns the same layers behind an input that keeps fractions."""
    (start,) = model.inputs
    floats = keras.Input(batch_shape=start.shape, dtype=keras.config.floatx())
    return keras.models.clone_model(
        model, input_tensors=floats, clone_function=lambda layer: layer
    )


def _scope_of(model: keras.Model):
    strategy = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _check(eps, weight, value_range) -> None:
    if not checks.is_number(eps) or not 0 <= eps < math.inf:
        raise ValueError(
            "`eps` must be a finite number of at least 0. "
            f"Received: eps={eps!r}."
        )
    if not checks.is_number(weight) or not 0 <= weight <= 1:
        raise ValueError(
            "`weight` must be a number in [0, 1]: the weight of the attacked "
            f"samples. Received: weight={weight!r}."
        )
    if value_range is None:
        return
    is_pair = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    if (
        not is_pair
        or not all(map(checks.is_number, value_range))
        or not -math.inf < value_range[0] < value_range[1] < math.inf
    ):
        raise ValueError(
            "`value_range` must be a pair (low, high) of finite numbers with "
            f"low < high, or None. Received: value_range={value_range!r}."
        )


def _check_model(model) -> None:
    inputs = getattr(model, "inputs", None) or ()
    outputs = getattr(model, "outputs", None) or ()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            "`model` must be a built functional or Sequential model with one "
            f"input and one output. Received: model={model!r} with "
            f"{len(inputs)} inputs and {len(outputs)} outputs. Build a "
            "subclassed model as `keras.Model(inputs, outputs)`."
        )
    dtype = keras.backend.standardize_dtype(inputs[0].dtype)
    if dtype != "uint8" and not keras.backend.is_float_dtype(dtype):
        raise ValueError(
            "`model` must take floats or `uint8` pixels, so that an attack can "
            f"change them slightly. Received: a model that takes {dtype!r}."
        )
