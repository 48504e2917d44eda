"""FIRE: replaces kernels by near ones with equal singular values."""

import functools
import math

import keras
import numpy as np

from ws_keras import checks
from ws_keras.transforms import kernels
from ws_keras.transforms import optimizers
from ws_keras.transforms import polar
from ws_keras.transforms import report as reports
from ws_keras.transforms import rewriting
from ws_keras.transforms import selecting
from ws_keras.transforms import variables


def fire(
    model: keras.Model,
    *,
    iterations: int | None = None,
    include=None,
    exclude=None,
    frozen: bool = False,
    optimizer: str = "reset",
) -> reports.Report:
    """Makes all singular values of each kernel equal, in place.

    FIRE of Han et al., "FIRE: Frobenius-Isometry Reinitialization for Balancing
    the Stability-Plasticity Tradeoff" (ICLR 2026, arXiv:2602.08040). Call it
    when data have arrived, before training continues. A kernel from `d_in`
    inputs to `d_out` outputs is a matrix `W = U S V^T`. FIRE sets `W <- scale *
    U V^T`, the polar factor of `W`: of all matrices with equal singular values,
    it is the nearest one. The scale is `sqrt(d_out / d_in)`, divided by the
    number of positions of a convolution kernel. FIRE needs no data, gradient,
    strength or random draw. A second application changes nothing.

    These are the matrices of each kernel. All axes that are not named index
    separate matrices:

    - `Dense`: the kernel.
    - `Conv1D` to `Conv3D`: input by output channels, one matrix per position
      and per group.
    - `Conv1DTranspose` to `Conv3DTranspose`: the same. Input channels are the
      last axis. The number of positions is that of the kernel for any stride.
    - `SeparableConv1D`, `SeparableConv2D`: the pointwise kernel.
    - `EinsumDense`: the last summed axis by the last new axis. If the layer has
      an axis of heads, there is one matrix per head. Further summed axes
      count as positions.
    - `MultiHeadAttention`, `GroupQueryAttention`: query and key projections,
      one matrix per head. As in the article, value and output projections are
      not changed.

    FIRE does not change biases, normalization, embeddings (including tied
    weights), recurrent layers or custom layers. It does not change kernels that
    mix no channels: depthwise kernels, and grouped convolutions with one input
    channel per group. For transformers, the article changes only query and key
    projections: `include=keras.layers.MultiHeadAttention`. The article starts
    training with a linear warm-up of the learning rate; use `Rewarm` for this.

    Singular values of 0 remain 0, so a matrix of zeros does not change. All
    arguments are checked before the first variable is written.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    fire(model)
    model.fit(grown_data, epochs=10)
    ```

    Args:
        model: Built `keras.Model`.
        iterations: Number of Newton-Schulz iterations that approximate the
            polar factor, at least 1: starting from `X = W / ||W||_F`, with the
            shorter side as columns, `X <- 1.5 X - 0.5 X (X^T X)`. The article's
            code uses 10, which leaves the small singular values of a square
            kernel small: a value below 1/57 of the Frobenius norm does not
            reach 1. `None` computes the exact factor by a singular value
            decomposition. Defaults to `None`.
        include: Kernels to change; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Kernels to keep. Defaults to `None`.
        frozen: Whether to change kernels of frozen layers too. Defaults to
            `False`.
        optimizer: State of the model's optimizer: `"reset"` (the article),
            `"reset_slots"` or `"keep"`; see `shrink_perturb`. Defaults to
            `"reset"`.

    Returns:
        A `Report` with one line per variable.

    Raises:
        ValueError: If an argument is out of its range, if a pattern matches
            nothing, if no kernel is selected, if a kernel holds NaN or
            infinity, if a selected layer is quantized or has LoRA weights, if
            the model is not built, or if the optimizer cannot be rebuilt.
    """
    if iterations is not None:
        checks.check_positive("iterations", iterations)
    optimizers.check_policy(optimizer)
    found = variables.entries(model)
    chosen = selecting.selected(
        found, variables.WEIGHT, include, exclude, frozen
    )
    variables.check_plain(
        selecting.with_integers(found, include, exclude, frozen)
    )
    layouts = {entry.index: kernels.layout(entry) for entry in chosen}
    changes = {
        index: functools.partial(isometry, layout=each, iterations=iterations)
        for index, each in layouts.items()
        if each is not None
    }
    if not changes:
        layers = sorted({entry.owner.name for entry in chosen})
        raise ValueError(
            "`fire` changes kernels of dense, convolution and EinsumDense "
            "layers, and the query and key kernels of attention layers; at "
            "least one must be selected. Received: a selection without any"
            + (f", of the layers {layers}." if layers else ".")
            + " Unfreeze a layer, pass `frozen=True`, or widen `include` and "
            "`exclude`."
        )

    def reason(entry):
        return variables.reason(entry, layouts, "no kernel of FIRE")

    return rewriting.rewrite(model, found, changes, optimizer, reason)


def isometry(
    kernel: np.ndarray, layout: kernels.Layout, iterations: int | None = None
) -> np.ndarray:
    """Computes the kernel that FIRE replaces a kernel by.

    Example:

    >>> kernel = np.array([[2.0, 0.0, 0.0, 0.0]])  # one input, four outputs
    >>> isometry(kernel, kernels.Layout(-2, -1)).tolist()
    [[2.0, 0.0, 0.0, 0.0]]

    Args:
        kernel: Finite array.
        layout: The matrices of the kernel.
        iterations: As in `fire`. Defaults to `None`.

    Returns:
        An array of the same shape and dtype.
    """
    matrices = layout.apart(kernel)
    d_in, d_out = matrices.shape[-2:]
    scale = math.sqrt(d_out / d_in) / layout.summed
    new = layout.together(scale * polar.factor(matrices, iterations))
    return np.ascontiguousarray(new).astype(kernel.dtype)
