"""Tracks channels through layers without weights.

Channels lie along the last axis. Each channel has a label, or -1 for none.
"""

import math

import keras
import numpy as np

from ws_keras.transforms import graphs

NONE = -1

_DIMENSIONS = ("1D", "2D", "3D")
_KEEPING = {"Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"}
_KEEPING |= {"ActivityRegularization", "RepeatVector", "Identity", "Cast"}
_KEEPING |= {
    f"{name}{dimension}"
    for dimension in _DIMENSIONS
    for name in ("ZeroPadding", "UpSampling", "Cropping", "SpatialDropout")
    + ("MaxPooling", "AveragePooling", "GlobalMaxPooling")
    + ("GlobalAveragePooling", "AdaptiveMaxPooling")
    + ("AdaptiveAveragePooling",)
}
_RESHAPING = {"Flatten", "Reshape"}
_OTHERS = {"Permute", "GetItem", "Mean", "Max", "Min", "Sum", "Transpose"}
_OTHERS |= {"ExpandDims", "Squeeze"}
_FUNCTIONS = (
    "linear relu relu6 leaky_relu elu selu celu gelu silu swish mish softplus "
    "softsign tanh sigmoid hard_sigmoid hard_silu hard_swish hard_tanh "
    "exponential log_sigmoid sparse_sigmoid sparse_plus squareplus "
    "tanh_shrink hard_shrink soft_shrink threshold"
).split()
_ACTIVATIONS = {"ReLU", "LeakyReLU", "ELU", "Tanh"}
# As operations, they have the names of the functions.
_ACTIVATIONS |= {name.title().replace("_", "") for name in _FUNCTIONS}
_SUMS = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"}
_SUMS |= {"Dot", "Divide", "TrueDivide", "Matmul", "Einsum"}
_NORMS = {"LayerNormalization", "GroupNormalization", "UnitNormalization"}
_NORMS |= {"RMSNormalization"}


def labels(call: graphs.Call, given: list) -> np.ndarray | None:
    """Returns the labels of a call's output, or `None` if unknown.

    Args:
        call: Call of a layer without weights.
        given: For each input, the labels of its last axis, or `None` if no
            channel has a label.
    """
    if not is_readable(call.operation):
        return None
    name, first = type(call.operation).__name__, given[0]
    if name == "Concatenate":
        return _concatenated(call, given)
    if len(given) > 1:
        return None
    if name in _KEEPING or is_activation(call.operation):
        return first
    if name in _RESHAPING:
        return reshaped(first, call.shapes[0], call.shape)
    if name == "Permute":
        return first if call.operation.dims[-1] == len(call.shape) - 1 else None
    if name == "GetItem":
        return first if _keeps_channels(call) else None
    return None


def is_readable(operation) -> bool:
    """Whether Keras implements an operation with channels last."""
    is_last = getattr(operation, "data_format", None) != "channels_first"
    return is_last and graphs.is_of_keras(operation)


def is_homogeneous(operation) -> bool:
    """Whether a factor above 0 of its input also multiplies the output."""
    return type(operation).__name__ in _KEEPING | _RESHAPING | _OTHERS


def combines(operation) -> bool:
    """Whether a homogeneous operation makes a value of several others."""
    name = type(operation).__name__
    is_pool = "Pooling" in name or "UpSampling" in name
    return is_pool or name in ("Mean", "Max", "Min", "Sum")


def is_activation(operation) -> bool:
    """Whether an operation is a nonlinear elementwise function."""
    if isinstance(operation, keras.layers.Activation):
        return is_elementwise(operation.activation)
    return type(operation).__name__ in _ACTIVATIONS


def is_elementwise(function) -> bool:
    """Whether the activation of a layer is elementwise."""
    if isinstance(function, keras.layers.Layer):
        return is_activation(function) and graphs.is_of_keras(function)
    found = (getattr(keras.activations, name, None) for name in _FUNCTIONS)
    return any(function is known for known in found)


def tie(operation) -> str:
    """Describes how an operation ties channels together, `""` if it does not.

    Channels that are tied together cannot be changed one by one.
    """
    if type(operation).__name__ in _SUMS:
        return "is added to, or combined with, others in"
    if type(operation).__name__ in _NORMS:
        return "is normalized together with others by"
    return ""


def reshaped(
    given: np.ndarray, before: tuple, after: tuple
) -> np.ndarray | None:
    """Returns the labels of the last axis after a reshape.

    `None` means that a position of the new last axis mixes several labels.

    Example:

    >>> reshaped(np.array([7, 8]), (None, 2, 2), (None, 4)).tolist()
    [7, 8, 7, 8]

    Args:
        given: Labels of the last axis; any integers.
        before: Shape before, including the batch axis.
        after: Shape after, including the batch axis.
    """
    if before[-1] == after[-1]:
        return given
    if None in before[1:] or None in after[1:]:
        return None
    size = math.prod(before[1:])
    if size % after[-1]:
        return None  # mixes samples
    every = np.tile(given, size // len(given)).reshape(-1, after[-1])
    return every[0] if (every == every[0]).all() else None


def _concatenated(call: graphs.Call, given: list) -> np.ndarray | None:
    axis, rank = call.operation.axis, len(call.shape)
    if axis in (-1, rank - 1):
        parts = [
            np.full(shape[-1], NONE) if each is None else each
            for each, shape in zip(given, call.shapes, strict=True)
        ]
        return np.concatenate(parts)
    first = given[0]
    if any(each is None or not np.array_equal(each, first) for each in given):
        return None
    return first


def _keeps_channels(call: graphs.Call) -> bool:
    """Whether an index selects all channels in order."""
    arguments = call.node.arguments
    key = [*arguments.args, *arguments.kwargs.values()][-1]
    key = key if isinstance(key, tuple) else (key,)
    is_plain = all(isinstance(part, (slice, int)) for part in key)
    rank = len(call.shapes[0])
    return is_plain and (len(key) < rank or key[-1] == slice(None))
