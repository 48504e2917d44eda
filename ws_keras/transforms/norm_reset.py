"""Kernels with the norms of a freshly built model."""

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
from ws_keras.transforms import variables


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
    """Puts the norm of each kernel back to that of a fresh one, in place.

    Weights grow while a network trains, and large ones learn slowly. With
    `fresh` a new draw from the kernel's own initializer:
    `W <- W * ||fresh|| / ||W||` (Niehaus et al., "Weight Rescaling:
    Applying Initialization Strategies During Training", SAIS 2024; by layers,
    Alabdulmohsin et al., "The Impact of Reinitialization on Generalization in
    Convolutional Neural Networks", 2021, arXiv:2109.00267).
    Directions stay, which is what sets it apart from shrink-perturb. It is to
    be applied when data have arrived and before training goes on.

    Kernels are weights with two axes or more, tables of embeddings and
    kernels of recurrent layers among them. Biases, gammas and all that has one
    axis or none stay, as does a kernel of zeros, and one that starts with
    zeros, which has no norm to go back to. Everything is checked before the
    first variable is written, and the global random states stay.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    norm_reset(model, seed=7)
    model.fit(grown_data, epochs=10)
    ```

    Args:
        model: Built `keras.Model`.
        seed: Non-negative integer that fixes the draws, of which the norms
            alone count. `None` draws one from the operating system. Defaults
            to `None`.
        include: Kernels to change; patterns as in `shrink_perturb`. `None`
            means all. Defaults to `None`.
        exclude: Kernels to keep. Defaults to `None`.
        frozen: Whether kernels of frozen layers are changed too. Defaults to
            `False`.
        optimizer: State of the model's optimizer: `"reset"`,
            `"reset_slots"` or `"keep"`; see `shrink_perturb`. Defaults to
            `"reset"`.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report` with one line per variable.

    Raises:
        ValueError: If an argument is out of its range, a pattern or the
            whole selection matches nothing, a kernel is nan or infinite, a
            selected layer is quantized or has LoRA weights, a fresh draw is
            impossible, the model is not built, or the optimizer cannot be
            rebuilt.
    """
    optimizers.check_policy(optimizer)
    if seed is not None:
        arrays.check_seed(seed)
    noises.check("fresh", build_fn)
    found = variables.entries(model)
    chosen = variables.selected(
        found, variables.WEIGHT, include, exclude, frozen
    )
    chosen = [e for e in chosen if len(e.variable.shape) > 1]
    variables.check_any(chosen)
    variables.check_plain(chosen)
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
    """Returns the L2 norm of an array of any shape, in double precision."""
    return float(np.linalg.norm(array.astype(np.float64)))


def scaled(weight: np.ndarray, size: float) -> np.ndarray:
    """Returns a weight scaled to an L2 norm; one of zeros as it is.

    Example:

    >>> scaled(np.array([[3.0, 4.0]]), 10.0).tolist()
    [[6.0, 8.0]]
    """
    old = norm(weight)
    if not 0 < old < math.inf:
        return weight
    return (weight.astype(np.float64) * (size / old)).astype(weight.dtype)
