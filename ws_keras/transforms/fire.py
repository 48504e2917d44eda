"""Kernels with equal singular values, near to the old ones: FIRE."""

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

    FIRE of Han et al., "FIRE: Frobenius-Isometry Reinitialization for
    Balancing the Stability-Plasticity Tradeoff" (ICLR 2026,
    arXiv:2602.08040), to be applied when data have arrived and before
    training goes on. With `W = U S V^T` the matrix of a kernel from `d_in`
    inputs to `d_out` outputs, `W <- scale * U V^T`, its polar factor: of all
    matrices with equal singular values the nearest one. The scale is
    `sqrt(d_out / d_in)`, divided by the number of positions of a convolution.
    It needs no data, no gradient and no strength, and draws nothing: a second
    application changes nothing.

    The matrices of a kernel, all other axes being separate ones:

    - `Dense`: the kernel.
    - `Conv1D` to `Conv3D`: from input to output channels, at each position;
      with `groups`, that of each group.
    - `Conv1DTranspose` to `Conv3DTranspose`: likewise, from the input
      channels, which are the last axis. The number of positions is that of
      the kernel, whatever the strides.
    - `SeparableConv1D`, `SeparableConv2D`: the pointwise kernel. Depthwise
      kernels, those in `DepthwiseConv` layers too, and convolutions with one
      input channel in each of several groups mix no channels and stay.
    - `EinsumDense`: from the last axis that is summed over to the last axis
      that is new. So one that has an axis of heads has a matrix for each head.
      Further axes that are summed over count as positions.
    - `MultiHeadAttention`, `GroupQueryAttention`: query and key projections,
      each head. Value and output projections stay, as in the article.

    Biases, normalization, embeddings (with what is tied to them), recurrent
    layers and layers of your own stay. In a transformer the article changes
    the query and key projections alone:
    `include=keras.layers.MultiHeadAttention`. It begins training with a linear
    warm-up of the learning rate, which is `Rewarm` here.

    Directions that a kernel lacks altogether it lacks afterwards as well: a
    matrix of zeros stays one. Everything is checked before
    the first variable is written.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    fire(model)
    model.fit(grown_data, epochs=10)
    ```

    Args:
        model: Built `keras.Model`.
        iterations: Number of steps of Newton and Schulz by which the factor
            is approximated, at least 1: from `X = W / ||W||_F`, with the
            shorter side as columns, `X <- 1.5 X - 0.5 X (X^T X)`. The
            article's code takes 10, which leaves the small singular values
            of a square kernel small: one below 1/57 of the Frobenius norm
            does not reach 1. `None` gives the factor itself, by a singular
            value decomposition. Defaults to `None`.
        include: Kernels to change; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Kernels to keep. Defaults to `None`.
        frozen: Whether kernels of frozen layers are changed too. Defaults to
            `False`.
        optimizer: State of the model's optimizer: `"reset"` (the article),
            `"reset_slots"` or `"keep"`; see `shrink_perturb`. Defaults to
            `"reset"`.

    Returns:
        A `Report` with one line per variable.

    Raises:
        ValueError: If an argument is out of its range, a pattern matches
            nothing, no kernel is left to change, a kernel is nan or infinite,
            a selected layer is quantized or has LoRA weights, the model is
            not built, or the optimizer cannot be rebuilt.
    """
    if iterations is not None:
        checks.check_positive("iterations", iterations)
    optimizers.check_policy(optimizer)
    found = variables.entries(model)
    chosen = variables.selected(
        found, variables.WEIGHT, include, exclude, frozen
    )
    variables.check_plain(chosen)
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
    """Returns the kernel that FIRE makes of a kernel.

    Example:

    >>> kernel = np.array([[2.0, 0.0, 0.0, 0.0]])  # one input, four outputs
    >>> isometry(kernel, kernels.Layout(-2, -1)).tolist()
    [[2.0, 0.0, 0.0, 0.0]]

    Args:
        kernel: Finite array.
        layout: How it lies as matrices.
        iterations: As in `fire`. Defaults to `None`.

    Returns:
        An array of the same shape and dtype.
    """
    matrices = layout.apart(kernel)
    d_in, d_out = matrices.shape[-2:]
    scale = math.sqrt(d_out / d_in) / layout.summed
    new = layout.together(scale * polar.factor(matrices, iterations))
    return np.ascontiguousarray(new).astype(kernel.dtype)
