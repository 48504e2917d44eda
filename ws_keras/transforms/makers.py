"""Finds the layers that have units, and the weights of each unit."""

from collections.abc import Iterator

import keras

_CONVOLUTIONS = tuple(
    getattr(keras.layers, f"{name}{number}D")
    for name, numbers in (("Conv", "123"), ("SeparableConv", "12"))
    for number in numbers
)
TRANSPOSED = tuple(
    getattr(keras.layers, f"Conv{number}DTranspose") for number in "123"
)
DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
MAKERS = (keras.layers.Dense, *_CONVOLUTIONS, *TRANSPOSED)


def is_plain(layer) -> bool:
    """Whether the kernel of a layer is a single variable."""
    lora = getattr(layer, "lora_enabled", False)
    return not lora and not getattr(layer, "quantization_mode", None)


def incoming(layer) -> Iterator[tuple]:
    """Yields the incoming weights of a layer, each with its unit axis."""
    if isinstance(layer, TRANSPOSED):
        yield layer.kernel, -2
    elif hasattr(layer, "pointwise_kernel"):
        yield layer.pointwise_kernel, -1
    else:
        yield layer.kernel, -1
    if layer.use_bias:
        yield layer.bias, -1
