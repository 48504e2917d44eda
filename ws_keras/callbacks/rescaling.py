"""Soft weight rescaling: pulls kernels back to their initial norms."""

import dataclasses
import functools
import math

import keras
import numpy as np

from ws_keras import checks
from ws_keras.callbacks import steps
from ws_keras.transforms import arrays
from ws_keras.transforms import fresh
from ws_keras.transforms import norm_reset
from ws_keras.transforms import optimizers
from ws_keras.transforms import scaling
from ws_keras.transforms import variables


@keras.saving.register_keras_serializable(package="ws_keras")
class SoftWeightRescaling(keras.callbacks.Callback):
    """Pulls the norm of each kernel towards that of a fresh draw.

    Soft weight rescaling of Oh et al., "Recovering Plasticity of Neural
    Networks via Soft Weight Rescaling" (2025, arXiv:2507.04683). After each
    batch, the kernel of layer `l` becomes `c_l * W_l` with `c_l = (strength *
    ||fresh_l|| + (1 - strength) * ||W_l||) / ||W_l||`, and its bias becomes
    `c_1 * ... * c_l * b_l`, with the factors of all layers before it. In a
    network of rectifiers, this multiplies all outputs by `c_1 * ... * c_L`. The
    network predicts the same classes, and its weights do not grow.
    `||fresh_l||` is the norm of a draw from the kernel's own initializer. The
    seed fixes this draw, so that later and resumed fits use the same norms.

    A normalization layer removes the factor of its input: its output stays the
    same, except for the effect of epsilon. The moving mean and variance of a
    batch norm are multiplied together with its input. A residual network
    therefore keeps its predictions if each branch ends with a normalization,
    as in the ResNet-18 of this package.

    The model must be a graph of `Dense` and convolution layers with rectifiers
    (`relu`, `leaky_relu`, `PReLU`, none), normalization, pooling, flattening,
    dropout, concatenation and similar layers. Any activation is permitted at
    the outputs and directly after a normalization. Other models raise an error
    that names the layer, because their predictions would change:

    - sums and concatenations of tensors with different factors, as in a
      residual network without normalization;
    - other activations, such as tanh, after a kernel;
    - constants that are added after a kernel, also to the outputs;
    - a frozen bias or a frozen batch norm after a trainable kernel;
    - recurrent, attention and other layers with kernels of unknown effect;
    - models without a graph of layers, such as subclassed ones.

    Embeddings, frozen kernels, kernels of zeros and kernels that are
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
            predictions of the model would change, it is not built, or it runs
            several batches at a time.
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
        self._rescaling = None

    def on_train_begin(self, logs=None):
        steps.check_single(self)
        self._rescaling = of(self.model, self.seed)

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            # Within an epoch the trainer holds the weights.
            self.model.jax_state_sync()
        self._rescaling.apply(self.strength)

    def __getstate__(self) -> dict:
        # For copies and other processes: the model belongs to one fit.
        return {**vars(self), "_model": None, "_rescaling": None}

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`."""
        return {"strength": self.strength, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict):
        """Creates the callback from the result of `get_config`."""
        return cls(**config)


@dataclasses.dataclass(frozen=True)
class Rescaling:
    """The kernels of a network and their target norms.

    A kernel with a norm of 0 is not changed.
    """

    model: keras.Model
    scaling: scaling.Scaling
    norms: tuple[float, ...]

    @functools.cached_property
    def _optimizers(self) -> optimizers.Change:
        # They are built after the first batch.
        held = [*self.scaling.kernels, *self.scaling.followers]
        weights = [each.variable for each in held]
        return optimizers.Change(self.model, "keep", weights)

    def apply(self, strength: float) -> list[float]:
        """Rescales the kernels once, in place.

        Averages and copies of the weights in the optimizer are rescaled too.
        Otherwise the next step of some optimizers would undo the rescaling.

        Args:
            strength: As in `SoftWeightRescaling`.

        Returns:
            For each output, the factor by which it changes.
        """
        state, followers = self._optimizers, self.scaling.followers

        def multiply(variable, factor: float) -> None:
            change = functools.partial(_times, factor=factor)
            after = change(variables.host(variable))
            state.follow(variable, after, change)
            variable.assign(after)

        factors = []
        for entry, norm in zip(self.scaling.kernels, self.norms, strict=True):
            old = norm_reset.norm(variables.host(entry.variable))
            factor = 1.0
            if norm and 0 < old < math.inf:
                factor = (strength * norm + (1 - strength) * old) / old
                multiply(entry.variable, factor)
            factors.append(factor)

        def product(kernels) -> float:
            return math.prod(factors[number] for number in kernels)

        for each in followers:
            factor = product(each.kernels) ** each.power
            if factor != 1:
                multiply(each.variable, factor)
        state.finish()
        return [product(kernels) for kernels in self.scaling.outputs]


def of(model: keras.Model, seed: int) -> Rescaling:
    """Returns the kernels of a model with their target norms.

    Args:
        model: Built model.
        seed: Non-negative integer that fixes the fresh draws.

    Raises:
        ValueError: If rescaling would change the predictions of the model, or
            if the model is not built.
    """
    draw, norms = fresh.Fresh(seed), {}

    def is_meant(entry) -> bool:
        norms[entry.index] = norm_reset.norm(draw(entry))
        return norms[entry.index] > 0

    try:
        found = scaling.of(model, is_meant)
    except scaling.Unscalable as error:
        raise ValueError(
            "`SoftWeightRescaling` needs a network of Dense and convolution "
            "layers with rectifiers and normalization. In other models, "
            f"predictions would change. Received: {model.name!r} with "
            f"{error}. `norm_reset` also accepts other layers."
        ) from None
    return Rescaling(model, found, tuple(norms[e.index] for e in found.kernels))


def _times(array: np.ndarray, factor: float) -> np.ndarray:
    wide = np.float64 if array.dtype == np.float64 else np.float32
    return (array.astype(wide) * wide(factor)).astype(array.dtype)
