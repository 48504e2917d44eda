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
    """Returns a model that `fit` trains on clean and on attacked samples.

    Adversarial training of Goodfellow et al., "Explaining and Harnessing
    Adversarial Examples" (2015), section 6, with `J` the compiled loss:
    `(1 - weight) * J(x) + weight * J(x + eps * sign(dJ(x) / dx))`. It shares
    all layers and variables with `model`, which trains with it and stays what
    it is: save and deploy that one. Evaluation, prediction and the metrics of
    training, except the loss, are those of clean samples.

    What a training step does, in this order:

    1. The clean pass. Batch norm takes the moments of the clean batch and
       updates its moving statistics, dropout draws a mask.
    2. The pass of the attack: again the clean batch in training mode, since
       the attack is to hit the network that trains. It changes no variable:
       moving statistics stay, and its dropout mask is the one that step 3
       draws. The gradient is that of the loss without sample weights, whose
       size does not matter for a sign, and without activity regularizers.
       Where the optimizer scales the loss, as in `mixed_float16`, it is that
       of the scaled loss: in half precision small ones would be 0. A sample
       whose gradient is nan is not moved. None flows back through it.
    3. The pass of the attacked batch, in training mode with moments of its
       own, which updates the moving statistics once more and draws a mask.

    So with momentum `m` a moving mean becomes
    `m * (m * mean + (1 - m) * clean) + (1 - m) * attacked`. A step costs
    three forward and three backward passes instead of one and one (of the
    backward passes one goes to the samples alone).

    On JAX activity regularizers count for clean samples alone. In
    `mixed_bfloat16` an attack on pixels is rounded to whole steps of 1/255.

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
        eps: Size of the attack, at least 0, as a part of the `value_range`:
            with pixels, in units where they span [0, 1]. It is applied to the
            samples as they are given, before the model normalizes them.
        weight: Weight of the attacked samples, in [0, 1]. Defaults to 0.5
            (Goodfellow et al.).
        value_range: Least and greatest valid value of a sample; attacked ones
            are clipped to it, as they are to be samples that can occur.
            Defaults to `None`: `(0, 255)` if the model takes `uint8`;
            otherwise no range, `eps` in units of the data, and no clipping.

    Returns:
        An uncompiled `keras.Model`, made under the strategy of `model`.

    Raises:
        ValueError: If an argument is out of its range, or the model has
            several inputs or outputs, or takes integers other than `uint8`.
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
        outputs: Likewise.
        name: Name of the model.
        eps: As in `adversarial`.
        weight: As in `adversarial`.
        value_range: As in `adversarial`; `None` is no range.
        keywords: Those of `keras.Model`.
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
        """Returns the loss; in training mode, of both kinds of samples."""
        # First, since the losses of layers are those of the latest pass.
        clean = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return clean
        x = self.attack(x, y)
        y_pred = self(x, training=True)
        attacked = super().compute_loss(x, y, y_pred, sample_weight, training)
        return (1 - self.weight) * clean + self.weight * attacked

    def attack(self, x, y):
        """Returns attacked samples; no variable changes.

        Args:
            x: Batch of samples.
            y: Their targets.

        Returns:
            Tensor of the shape of `x`, of the model's input dtype.

        Raises:
            ValueError: If the model is not compiled.
        """
        if not self.compiled:
            raise ValueError(
                "An attack needs the loss that the model is compiled with. "
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
        # Without gradients for weights, no backend goes on to second ones.
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
    """The same layers, behind an input that does not round an attack."""
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
            "`weight` must be a number in [0, 1], the part of the attacked "
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
            "`model` must take floats or `uint8` pixels, which an attack can "
            f"move by a little. Received: a model that takes {dtype!r}."
        )
