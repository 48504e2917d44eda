"""A penalty on how far kernels are from being orthogonal."""

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
        scale: What the squares of the singular values are pulled to.
        layout: How the kernel lies as matrices.
        other: Regularizer that the variable had before, which goes on to
            count. Defaults to `None`.
    """

    def __init__(self, strength: float, scale: float, layout, other=None):
        super().__init__(strength, other)
        self.scale = scale
        self.layout = layout

    def of(self, x):
        """Returns the penalty of a value of the variable."""
        x = ops.convert_to_tensor(x)
        # Outputs by all that is summed over, for each group.
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
    """Pulls the kernels of a model towards orthogonal ones, by a penalty.

    Adds `strength * ||W W^T - scale I||_F^2` of each kernel to the loss, with
    `W` the kernel as a matrix of shape (outputs, all that is summed over):
    the regularization of Parseval networks (Cisse et al., 2017,
    arXiv:1704.08847), which FIRE (2026, arXiv:2602.08040) is compared with.
    It is least where the weights of different units are orthogonal and have
    the square of their norm equal to `scale`; with more outputs than inputs
    it cannot be 0.

    Kernels are those of `Dense` layers and of convolutions, all positions in
    one matrix and each of the `groups` in its own; of separable ones, the
    pointwise part. `EinsumDense`, attention, depthwise kernels, embeddings and
    all other weights are left alone.

    Regularizers that the weights have already go on to count; calling it
    again replaces an earlier call, and `strength=0` takes it back. It is not
    saved with the model. Call it before `compile`, or compile again, because
    a training step that was traced before does not know of the penalty.

    Example:

    ```python
    model = build()
    parseval(model, 1e-3)
    model.compile("sgd", loss)
    ```

    Args:
        model: Built `keras.Model`.
        strength: Factor of the penalty, finite and at least 0. Defaults to
            1e-3 (of the comparison in FIRE; 1e-5 for a transformer).
        scale: Square of the norm that each unit's weights are pulled to,
            finite and above 0. Defaults to 1.
        include: Kernels to pull; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Kernels to leave. Defaults to `None`.

    Returns:
        The paths of the kernels that are pulled.

    Raises:
        ValueError: If `strength` or `scale` is out of its range or makes the
            penalty infinite, a pattern matches nothing, no kernel is left,
            or the model is not built.
    """
    penalties.check_strength(strength)
    if not checks.is_number(scale) or not 0 < scale < math.inf:
        raise ValueError(
            "`scale` must be a finite number above 0, the square of a norm. "
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
