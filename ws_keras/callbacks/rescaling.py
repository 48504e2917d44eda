"""Soft weight rescaling: pulls kernels back to their initial norms."""

import dataclasses
from typing import Any

import keras
import numpy as np

from ws_keras import _keras
from ws_keras import checks
from ws_keras.transforms import arrays
from ws_keras.transforms import fresh
from ws_keras.transforms import norm_reset
from ws_keras.transforms import variables

_LINEAR = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_PASSING = ("Flatten", "Dropout", "LeakyReLU", "Reshape", "Permute")
_PASSING += tuple(
    f"{name}{number}D"
    for number in (1, 2, 3)
    for name in ("ZeroPadding", "UpSampling", "Cropping", "SpatialDropout")
    + ("MaxPooling", "AveragePooling")
    + ("GlobalMaxPooling", "GlobalAveragePooling")
)
_RECTIFIERS = (
    keras.activations.linear,
    keras.activations.relu,
    keras.activations.leaky_relu,
)


@keras.saving.register_keras_serializable(package="ws_keras")
class SoftWeightRescaling(keras.callbacks.Callback):
    """Pulls the norm of each kernel towards that of a fresh draw.

    Soft weight rescaling of Oh et al., "Recovering Plasticity of Neural
    Networks via Soft Weight Rescaling" (2025, arXiv:2507.04683). After each
    batch, the kernel of layer `l` becomes `c_l * W_l` with `c_l = (strength *
    ||fresh_l|| + (1 - strength) * ||W_l||) / ||W_l||`, and its bias becomes
    `c_1 * ... * c_l * b_l`. In a network of rectifiers, this multiplies all
    outputs by `c_1 * ... * c_L`. The network predicts the same classes, and its
    weights do not grow. `||fresh_l||` is the norm of a draw from the kernel's
    own initializer. The seed fixes this draw, so that later and resumed fits
    use the same norms.

    The model must be a chain of `Dense` and convolution layers with rectifiers
    (`relu`, `leaky_relu`, none; the last layer may have any activation), and of
    pooling, flattening, dropout and similar layers. Before the first trainable
    kernel, any layers are permitted if they do not train. Other models raise an
    error, because with normalization, tanh or several paths the predictions
    would change. Frozen kernels, kernels of zeros and kernels that are
    initialized with zeros keep their norm. Each batch reads and writes all
    weights on the host.

    Example:

    ```python
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", loss)
    model.fit(x, y, callbacks=[SoftWeightRescaling(1e-3)])
    ```

    Args:
        strength: The article's lambda, in [0, 1]. 1 restores the initial norm
            at once, 0 does nothing. The article uses 1 to 1e-4.
        seed: Non-negative integer that fixes the draws. Defaults to 0.

    Raises:
        ValueError: If an argument is out of its range, or, within `fit`, if the
            model is not such a chain, is not built, or runs several batches at
            a time.
    """

    def __init__(self, strength: float, seed: int = 0):
        super().__init__()
        if not checks.is_number(strength) or not 0 <= strength <= 1:
            raise ValueError(
                "`strength` must be a number in [0, 1]: 1 restores the initial "
                f"norm, 0 does nothing. Received: strength={strength!r}."
            )
        arrays.check_seed(seed)
        self.strength, self.seed = float(strength), int(seed)
        self._stages = []

    def on_train_begin(self, logs=None):
        if self.model.steps_per_execution not in (None, 1):
            raise ValueError(
                "`SoftWeightRescaling` needs a model that runs one batch at a "
                "time. Received: steps_per_execution="
                f"{self.model.steps_per_execution}. Compile with "
                "`steps_per_execution=1`."
            )
        self._stages = stages(self.model, self.seed)

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            # Within an epoch the trainer holds the weights.
            self.model.jax_state_sync()
        rescale(self._stages, self.strength)

    def __getstate__(self) -> dict:
        # For copies and other processes: the model belongs to one fit.
        return {**vars(self), "_model": None, "_stages": []}

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`."""
        return {"strength": self.strength, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict):
        """Creates the callback from the result of `get_config`."""
        return cls(**config)


@dataclasses.dataclass(frozen=True)
class Stage:
    """A kernel, its bias or `None`, and its target norm."""

    kernel: Any
    bias: Any
    norm: float


def rescale(found: list[Stage], strength: float) -> float:
    """Rescales the kernels of a chain once, in place.

    Args:
        found: Result of `stages`.
        strength: As in `SoftWeightRescaling`.

    Returns:
        The factor by which the outputs of a network of rectifiers change.
    """
    product = 1.0
    for stage in found:
        kernel = variables.host(stage.kernel)
        old = norm_reset.norm(kernel)
        if stage.norm and 0 < old < np.inf:
            factor = (strength * stage.norm + (1 - strength) * old) / old
            product *= factor
            stage.kernel.assign(_times(kernel, factor))
        if stage.bias is not None and product != 1:
            stage.bias.assign(_times(variables.host(stage.bias), product))
    return product


def stages(model, seed: int) -> list[Stage]:
    """Returns the kernels of a chain, beginning at the input.

    Raises:
        ValueError: If the model is not a chain of rectifiers or not built.
    """
    entries = {id(e.variable): e for e in variables.entries(model)}
    layers = _chain(model)
    last = max(
        (i for i, la in enumerate(layers) if isinstance(la, _LINEAR)),
        default=-1,
    )
    draw, found, is_moved = fresh.Fresh(seed), [], False
    for place, layer in enumerate(layers):
        is_first = not found and not layer.trainable_weights
        if is_first or (place > last >= 0 and not layer.weights):
            continue
        reason = _unsuited(layer, is_head=place == last)
        if reason:
            raise _refusal(model, f"the layer {layer.name!r} {reason}")
        if not isinstance(layer, _LINEAR):
            continue
        norm = 0.0
        if layer.kernel.trainable:
            norm = norm_reset.norm(draw(entries[id(layer.kernel)]))
        is_moved = is_moved or norm > 0
        bias = layer.bias if layer.use_bias else None
        if is_moved and bias is not None and not bias.trainable:
            what = f"the frozen layer {layer.name!r} behind a trainable one"
            raise _refusal(model, what)
        found.append(Stage(layer.kernel, bias, norm))
    if not found:
        raise _refusal(model, "no Dense or convolution layer")
    return found


def _times(array: np.ndarray, factor: float) -> np.ndarray:
    wide = np.float64 if array.dtype == np.float64 else np.float32
    return (array.astype(wide) * wide(factor)).astype(array.dtype)


def _chain(model) -> list:
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    nodes = _keras.nodes(model)
    if nodes is None:
        raise _refusal(model, f"a {type(model).__name__} without a graph")
    if any(len(each) > 1 for each in nodes.values()):
        raise _refusal(model, "several paths, or several inputs")
    found = [nodes[depth][0].operation for depth in sorted(nodes)[::-1]]
    if len({id(layer) for layer in found}) < len(found):
        raise _refusal(model, "a layer that is used twice")
    return found


def _unsuited(layer, is_head: bool) -> str:
    """Says why a layer would change the predictions, `""` if it would not."""
    if isinstance(layer, _LINEAR):
        variables_of = (layer.kernel, layer.bias if layer.use_bias else None)
        if any(
            v is not None and v.constraint is not None for v in variables_of
        ):
            return "with a constraint"
        if getattr(layer, "lora_enabled", False) or layer.quantization_mode:
            return "with LoRA or quantized weights"
        is_rectifier = is_head or layer.activation in _RECTIFIERS
        return "" if is_rectifier else "with another activation"
    if isinstance(layer, keras.layers.Activation):
        is_rectifier = layer.activation in _RECTIFIERS
        return "" if is_rectifier else "with another activation"
    if isinstance(layer, keras.layers.ReLU):
        is_plain = layer.max_value is None and not layer.threshold
        return "" if is_plain else "with a bound"
    is_known = type(layer) in [getattr(keras.layers, n) for n in _PASSING]
    return "" if is_known else f"({type(layer).__name__})"


def _refusal(model, what: str) -> ValueError:
    return ValueError(
        "`SoftWeightRescaling` needs a chain of Dense and convolution layers "
        "with rectifiers. In other models, predictions would change. Received: "
        f"{model.name!r} with {what}. `norm_reset` accepts any model."
    )
