"""Norm reset: scales kernels to the norms of a freshly built model."""

import functools
import math
import secrets
from collections.abc import Callable

import keras
import numpy as np

from ws_keras.transforms import arrays
from ws_keras.transforms import fresh
from ws_keras.transforms import noise as noises
from ws_keras.transforms import optimizers
from ws_keras.transforms import report as reports
from ws_keras.transforms import rewriting
from ws_keras.transforms import selecting
from ws_keras.transforms import variables

# No kernels, even with several axes, as in `LayerNormalization(axis=[1, 2])`.
_OTHERS = ("bias", "gamma", "beta", "alpha", "scale")


def norm_reset(
    model: keras.Model,
    *,
    seed: int | None = None,
    include=None,
    exclude=None,
    frozen: bool = False,
    optimizer: str = "reset",
    build_fn: Callable | None = None,
) -> reports.Report:
    """Scales each kernel to the norm of a fresh draw, in place.

    Weights grow while a network trains, and large weights learn slowly. With
    `fresh`, a new draw from the kernel's own initializer: `W <- W * ||fresh|| /
    ||W||` (Niehaus et al., "Weight Rescaling: Applying Initialization
    Strategies During Training", SAIS 2024; layer by layer, Alabdulmohsin et
    al., "The Impact of Reinitialization on Generalization in Convolutional
    Neural Networks", 2021, arXiv:2109.00267). Unlike shrink-perturb, it keeps
    the direction of the weights. Call it when data have arrived, before
    training continues.

    Kernels are weights with at least two axes. They include embedding tables
    and the kernels of recurrent layers. Biases, the weights of normalization
    layers, and all weights with at most one axis are not changed. Neither are
    kernels of zeros and kernels that are initialized with zeros. All arguments
    are checked before the first variable is written, and the global random
    states are not changed.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    norm_reset(model, seed=7)
    model.fit(grown_data, epochs=10)
    ```

    Args:
        model: Built `keras.Model`.
        seed: Non-negative integer that fixes the draws. Only the norms of the
            draws are used. `None` draws a seed from the operating system.
            Defaults to `None`.
        include: Kernels to change; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Kernels to keep. Defaults to `None`.
        frozen: Whether to change kernels of frozen layers too. Defaults to
            `False`.
        optimizer: State of the model's optimizer: `"reset"`, `"reset_slots"` or
            `"keep"`; see `shrink_perturb`. Defaults to `"reset"`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report` with one line per variable.

    Raises:
        ValueError: If an argument is out of its range, if a pattern or the
            whole selection matches nothing, if a kernel holds NaN or infinity,
            if a selected layer is quantized or has LoRA weights, if a fresh
            draw is impossible, if the model is not built, or if the optimizer
            cannot be rebuilt.
    """
    optimizers.check_policy(optimizer)
    if seed is not None:
        arrays.check_seed(seed)
    noises.check("fresh", build_fn)
    found = variables.entries(model)
    meant = selecting.selected(
        found, variables.WEIGHT, include, exclude, frozen
    )
    chosen = [
        entry
        for entry in meant
        if len(entry.variable.shape) > 1 and entry.variable.name not in _OTHERS
    ]
    variables.check_plain(
        selecting.with_integers(found, include, exclude, frozen)
    )
    selecting.check_any(chosen, meant)
    seed = secrets.randbits(31) if seed is None else seed
    draw = fresh.Fresh(seed, build_fn)
    norms = {entry.index: norm(draw(entry)) for entry in chosen}
    changes = {
        index: functools.partial(scaled, size=size)
        for index, size in norms.items()
        if size > 0
    }

    def reason(entry):
        return variables.reason(entry, norms, "starts at 0")

    return rewriting.rewrite(model, found, changes, optimizer, reason)


def norm(array: np.ndarray) -> float:
    """Computes the L2 norm of an array of any shape, in double precision."""
    return float(np.linalg.norm(array.astype(np.float64)))


def scaled(weight: np.ndarray, size: float) -> np.ndarray:
    """Scales a weight to an L2 norm; a weight of zeros is not changed.

    Example:

    >>> scaled(np.array([[3.0, 4.0]]), 10.0).tolist()
    [[6.0, 8.0]]
    """
    old = norm(weight)
    if not 0 < old < math.inf:
        return weight
    return (weight.astype(np.float64) * (size / old)).astype(weight.dtype)
