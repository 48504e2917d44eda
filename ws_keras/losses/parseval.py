"""Parseval regularization: a penalty on kernels that are not orthogonal."""

import math

import keras
from keras import ops

from ws_keras import checks
from ws_keras.losses import penalties
from ws_keras.transforms import kernels


class Parseval(penalties.Penalty):
    """Penalty `strength * ||W W^T - scale I||_F^2` of one kernel.

    Args:
        strength: Factor of the penalty, at least 0.
        scale: Target of the squared singular values.
        layout: The matrices of the kernel.
        other: Regularizer that the variable already had, which is added.
            Defaults to `None`.
    """

    def __init__(self, strength: float, scale: float, layout, other=None):
        super().__init__(strength, other)
        self.scale = scale
        self.layout = layout

    def of(self, x):
        """Computes the penalty for a value of the variable."""
        x = ops.convert_to_tensor(x)
        # Outputs by summed inputs, for each group.
        x = ops.moveaxis(x, self.layout.outputs, -1)
        outputs = x.shape[-1] // self.layout.groups
        x = ops.reshape(x, (-1, self.layout.groups, outputs))
        rows = ops.transpose(x, (1, 2, 0))
        gram = ops.matmul(rows, ops.transpose(rows, (0, 2, 1)))
        wanted = self.scale * ops.eye(outputs, dtype=gram.dtype)
        return self.strength * ops.sum(ops.square(gram - wanted))


def parseval(
    model: keras.Model,
    strength: float = 1e-3,
    scale: float = 1.0,
    *,
    include=None,
    exclude=None,
) -> list[str]:
    """Adds a penalty that pulls kernels towards orthogonal matrices.

    Adds `strength * ||W W^T - scale I||_F^2` of each kernel to the loss. `W` is
    the kernel as a matrix of shape (outputs, summed inputs). This is the
    regularization of Parseval networks (Cisse et al., 2017, arXiv:1704.08847),
    a baseline of FIRE (2026, arXiv:2602.08040). The penalty is minimal if the
    weight vectors of different units are orthogonal and their squared norms
    equal `scale`. With more outputs than inputs it cannot reach 0.

    Kernels are those of `Dense` layers and of convolutions. All positions of a
    convolution form one matrix per group. Of separable convolutions, the
    pointwise kernel is used. `EinsumDense`, attention, depthwise kernels,
    embeddings and all other weights have no penalty.

    Other regularizers of the weights remain in effect. Calling the function
    again replaces the earlier penalty, and `strength=0` removes it. The penalty
    is not saved with the model. Call the function before `compile`, or compile
    again, because a training step that is already traced ignores the penalty.

    Example:

    ```python
    model = build()
    parseval(model, 1e-3)
    model.compile("sgd", loss)
    ```

    Args:
        model: Built `keras.Model`.
        strength: Factor of the penalty, finite and at least 0. Defaults to 1e-3
            (the comparison in FIRE; 1e-5 for a transformer).
        scale: Target of the squared norm of each unit's weights, finite and
            above 0. Defaults to 1.
        include: Kernels with a penalty; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Kernels without a penalty. Defaults to `None`.

    Returns:
        The paths of the kernels with a penalty.

    Raises:
        ValueError: If `strength` or `scale` is out of its range or makes the
            penalty infinite, if a pattern matches nothing, if no kernel is
            selected, or if the model is not built.
    """
    penalties.check_strength(strength)
    if not checks.is_number(scale) or not 0 < scale < math.inf:
        raise ValueError(
            "`scale` must be a finite number above 0: a squared norm. "
            f"Received: scale={scale!r}."
        )

    def make(entry, other):
        return Parseval(strength, scale, kernels.layout(entry), other)

    return penalties.add(model, make, Parseval, include, exclude, _suits)


def _suits(entry) -> bool:
    is_einsum = any(
        isinstance(owner, keras.layers.EinsumDense) for owner in entry.owners
    )
    return kernels.layout(entry) is not None and not is_einsum
