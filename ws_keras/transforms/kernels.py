"""Views the kernel of a layer as matrices."""

import dataclasses
import math

import keras
import numpy as np

from ws_keras import _keras
from ws_keras.transforms import variables

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_EMBEDDINGS = (keras.layers.Embedding,)
_ATTENTIONS = tuple(
    getattr(keras.layers, name)
    for name in ("MultiHeadAttention", "GroupQueryAttention")
    if hasattr(keras.layers, name)
)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Describes how a kernel consists of input-by-output matrices.

    `inputs` and `outputs` are the axes of one matrix, counted from the end. All
    other axes index further matrices; `summed` of these matrices are summed in
    each output. `groups` divides the last axis, which holds the outputs.
    """

    inputs: int
    outputs: int
    summed: int = 1
    groups: int = 1

    def apart(self, kernel: np.ndarray) -> np.ndarray:
        """Returns a kernel as a stack of matrices `(..., inputs, outputs)`."""
        if self.groups > 1:
            shape = (*kernel.shape[:-1], self.groups, -1)
            kernel = np.moveaxis(kernel.reshape(shape), -2, 0)
        return np.moveaxis(kernel, (self.inputs, self.outputs), (-2, -1))

    def together(self, matrices: np.ndarray) -> np.ndarray:
        """Returns the kernel that a stack of matrices belongs to."""
        axes = (self.inputs, self.outputs)
        kernel = np.moveaxis(matrices, (-2, -1), axes)
        if self.groups > 1:
            kernel = np.moveaxis(kernel, 0, -2)
            kernel = kernel.reshape(*kernel.shape[:-2], -1)
        return kernel


def layout(entry: variables.Entry) -> Layout | None:
    """Returns how a variable consists of matrices.

    Args:
        entry: Any variable.

    Returns:
        A `Layout`, or `None` if the variable is not the kernel of a dense or
        convolution layer, if it is empty, if it mixes no channels (depthwise),
        if an embedding shares it, or if it is the value or output projection of
        an attention layer.
    """
    if any(isinstance(owner, _EMBEDDINGS) for owner in entry.owners):
        return None
    if 0 in entry.variable.shape:
        return None
    if _is_left_in_attention(entry):
        return None
    found = (_of(owner, entry.variable) for owner in entry.owners)
    return next((each for each in found if each is not None), None)


def _is_left_in_attention(entry) -> bool:
    for layer in entry.around:
        if isinstance(layer, _ATTENTIONS):
            kept = _keras.head_projections(layer)
            if any(owner is part for owner in entry.owners for part in kept):
                return True
    return False


def _of(owner, variable) -> Layout | None:
    if isinstance(owner, _SEPARABLE):
        if variable is owner.pointwise_kernel:
            return Layout(-2, -1)
        return None
    if getattr(owner, "kernel", None) is not variable:
        return None
    shape = tuple(variable.shape)
    if isinstance(owner, keras.layers.EinsumDense):
        return _of_einsum(owner.equation, shape)
    if isinstance(owner, keras.layers.Dense):
        return Layout(-2, -1)
    positions = math.prod(shape[:-2])
    if isinstance(owner, _TRANSPOSED):
        return Layout(-1, -2, positions)
    if isinstance(owner, _CONVOLUTIONS):
        if owner.groups > 1 and shape[-2] == 1:
            return None  # depthwise
        return Layout(-2, -1, positions, owner.groups)
    return None


def _of_einsum(equation: str, shape: tuple) -> Layout | None:
    left, after = equation.replace(".", "").replace(" ", "").split("->")
    before, names = left.split(",")
    summed = [n for n in names if n in before and n not in after]
    new = [n for n in names if n in after and n not in before]
    if not summed or not new:
        return None  # an elementwise product
    size = dict(zip(names, shape, strict=True))

    def axis(name):
        return names.index(name) - len(names)

    further = math.prod(size[name] for name in summed[:-1])
    return Layout(axis(summed[-1]), axis(new[-1]), further)
