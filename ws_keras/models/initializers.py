"""The weight initializations of the package's models."""

import math

import keras

from ws_keras import seeds

NAMES = ("torch", "kaiming", "keras")


def kernel_and_bias(
    name: str, fan_in: int, layer: str, fan_out: int | None = None
) -> dict:
    """Returns the initializer arguments of a `Dense` or `Conv2D` layer.

    `"torch"` is the default of the authors' framework: kernels and biases are
    uniform in `+-1 / sqrt(fan_in)` (Kaiming-uniform with `a = sqrt(5)`).
    `"kaiming"` differs in the kernels of convolutions, which are normal with
    standard deviation `sqrt(2 / fan_out)`, as in torchvision's residual
    networks and in the replication. `"keras"` is Glorot-uniform with zero
    biases.

    Args:
        name: `"torch"`, `"kaiming"` or `"keras"`.
        fan_in: Number of inputs of an output unit. For a convolution: input
            channels times kernel height times kernel width.
        layer: Name of the layer. Different names have different draws.
        fan_out: For a convolution: output channels times kernel height times
            kernel width. Defaults to `None`, for a dense layer.

    Returns:
        A dict with `kernel_initializer` and `bias_initializer`.

    Raises:
        ValueError: If `name` is unknown.
    """
    # Explicit seeds do not use Python's global random state. The experiment
    # redraws all weights from an addressed seed anyway.
    kernel, bias = (seeds.derive(0, layer, part) for part in ("kernel", "bias"))
    if name == "keras":
        return {
            "kernel_initializer": keras.initializers.GlorotUniform(seed=kernel),
            "bias_initializer": "zeros",
        }
    if name not in NAMES:
        raise ValueError(
            f"Unknown initializer. Received: initializer={name!r}. "
            f"Choose one of {list(NAMES)}."
        )
    limit = 1.0 / math.sqrt(fan_in)
    start = keras.initializers.RandomUniform(-limit, limit, seed=kernel)
    if name == "kaiming" and fan_out is not None:
        deviation = math.sqrt(2.0 / fan_out)
        start = keras.initializers.RandomNormal(0.0, deviation, seed=kernel)
    return {
        "kernel_initializer": start,
        "bias_initializer": keras.initializers.RandomUniform(
            -limit, limit, seed=bias
        ),
    }
