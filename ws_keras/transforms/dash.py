"""DASH: direction-aware shrinking."""

import functools
import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping

import keras
import numpy as np
from keras import tree

from ws_keras import checks
from ws_keras.transforms import arrays
from ws_keras.transforms import gradients
from ws_keras.transforms import optimizers
from ws_keras.transforms import report as reports
from ws_keras.transforms import variables

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


def dash(
    model: keras.Model,
    chunks: Iterable,
    shrink: float = 0.3,
    alpha: float = 0.3,
    *,
    loss: Callable | None = None,
    optimizer: str = "keep",
    batch_size: int = 1000,
) -> reports.Report:
    """Shrinks weight vectors that disagree with the gradient, in place.

    This is direction-aware shrinking of Shin et al., "DASH: Warm-Starting
    Neural Network Training in Stationary Settings" (NeurIPS 2024). Call it when
    a chunk of data has arrived, before training continues. The gradient is
    averaged from the oldest chunk to the newest: `G = (1 - alpha) * G + alpha *
    U`, where `U` is the gradient of the mean loss over a chunk. Each weight
    vector is then multiplied by `max(shrink, cos(-G, weights))`. Vectors that
    point in the direction of descent keep their length; the others shrink. No
    noise is added.

    A weight vector consists of the incoming weights of one unit of a `Dense`
    layer, the kernel of one pair of input and output channels of a convolution,
    or a whole bias. Normalization and all other layers are not changed. The
    gradient is computed in inference mode.

    Example:

    ```python
    dash(model, [(x_old, y_old), (x_new, y_new)], shrink=0.3)
    model.fit(x_all, y_all)
    ```

    Args:
        model: Built `keras.Model`.
        chunks: Pairs `(x, y)` of arrays, oldest first. For a model with several
            inputs, `x` is a dict, list or tuple with an array for each.
        shrink: Smallest factor, in [0, 1], the paper's lambda. 1 changes
            nothing. Defaults to 0.3.
        alpha: Weight of the gradient of a newer chunk, in (0, 1]. Smaller
            values shrink less. Defaults to 0.3.
        loss: Function of targets and predictions that returns the mean over a
            batch. `None` means the loss that the model is compiled with.
            Defaults to `None`.
        optimizer: State of the model's optimizer: `"keep"` (the DASH code),
            `"reset"` or `"reset_slots"`. Defaults to `"keep"`.
        batch_size: Maximum number of samples per forward pass. It affects
            memory, not the result. Defaults to 1000.

    Returns:
        A `Report`. Its `shrink` is the mean factor of the vectors of a
        variable.

    Raises:
        ValueError: If an argument is out of its range, if there is no chunk, no
            loss or no weight to shrink, if a layer is quantized or has LoRA
            weights, if the model does not accept a chunk, or if a gradient is
            not finite.
    """
    arrays.check_strength(shrink, 0)
    check_alpha(alpha)
    checks.check_positive("batch_size", batch_size)
    _check_chunks(chunks)
    optimizers.check_policy(optimizer)
    found = variables.entries(model)
    places = {id(v): i for i, v in enumerate(model.trainable_variables)}
    kinds = keras.layers.Dense, *_CONVOLUTIONS
    free = [e for e in found if isinstance(e.owner, kinds) and not e.frozen]
    variables.check_plain(free, "Freeze it")
    chosen = [e for e in free if _vector_axes(e) is not None]
    if not chosen:
        raise ValueError(
            "`dash` needs a trainable Dense or convolution layer. Received: "
            f"model {model.name!r}, which has none."
        )
    average = _average(
        model, chunks, alpha, gradients.mean_loss(model, loss), batch_size
    )
    _check_finite(model, average)
    variables.check_finite(chosen)
    weights = [entry.variable for entry in chosen]
    state = optimizers.Change(model, optimizer, weights)

    lines = {}
    for entry in chosen:
        gradient = average[places[id(entry.variable)]]
        before = entry.value()
        factor = factors(before, gradient, shrink, _vector_axes(entry))
        shrunk = functools.partial(_shrunk, factor=factor)
        after = variables.constrained(entry.variable, shrunk(before))
        state.follow(entry.variable, after, shrunk)
        entry.variable.assign(after)
        lines[entry.index] = reports.line(
            entry, "mixed", before, after, shrink=factor.mean(), perturb=0.0
        )
    state.finish()
    for entry in found:
        if entry.index not in lines:
            lines[entry.index] = reports.kept(entry, "not of DASH")
    return reports.Report(tuple(lines[i] for i in sorted(lines)))


def _shrunk(weight: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return (weight * factor).astype(weight.dtype)


def factors(
    weight: np.ndarray,
    gradient: np.ndarray,
    shrink: float,
    axes: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Computes `max(shrink, cos(-gradient, weight))` of each weight vector.

    Example:

    >>> kernel = np.array([[3.0, 0.0], [4.0, 1.0]])  # two units
    >>> gradient = np.array([[-3.0, 1.0], [-4.0, 0.0]])
    >>> factors(kernel, gradient, 0.3, axes=(0,)).tolist()
    [[1.0, 0.3]]

    Args:
        weight: Array of weights.
        gradient: Gradient of the loss, of the same shape.
        shrink: Smallest factor, in [0, 1].
        axes: Axes of one vector. `None` means that the whole array is one
            vector. Defaults to `None`.

    Returns:
        An array in float64 that broadcasts against `weight`. The cosine is 0 if
        the vector or its gradient is zero.
    """
    weight = np.asarray(weight, np.float64)
    gradient = np.asarray(gradient, np.float64)

    def along(product):
        return product.sum(axes, keepdims=True)

    norms = np.sqrt(along(weight**2) * along(gradient**2))
    cosine = np.divide(
        -along(weight * gradient),
        norms,
        out=np.zeros_like(norms),
        where=norms > 0,
    )
    return np.clip(cosine, shrink, 1.0)


def check_alpha(alpha: float) -> None:
    """Raises a ValueError unless alpha is in (0, 1]."""
    if not checks.is_number(alpha) or not 0 < alpha <= 1:
        raise ValueError(
            "`alpha` must be a number in (0, 1]: the weight of the gradient "
            f"of a newer chunk. Received: alpha={alpha!r}."
        )


def _vector_axes(entry: variables.Entry) -> tuple[int, ...] | None:
    """Returns the axes of a variable's vectors, `None` if DASH skips it."""
    rank = len(entry.variable.shape)
    if entry.kind != variables.WEIGHT:
        return None
    if isinstance(entry.owner, keras.layers.Dense):
        return (0,)
    if isinstance(entry.owner, _CONVOLUTIONS):
        # All axes but the two channel axes; a bias is one vector.
        return tuple(range(rank - 2)) if rank > 2 else (0,)
    return None


def _average(model, chunks, alpha, loss, batch_size) -> list[np.ndarray]:
    average = None
    for chunk in chunks:
        x, y = _checked(chunk)
        new = gradients.mean_gradient(model, x, y, loss, batch_size)
        if average is None:
            average = [np.zeros_like(array) for array in new]
        for place, array in zip(average, new, strict=True):
            place += alpha * (array - place)
    if average is None:
        raise ValueError(
            "`chunks` must hold at least one pair (x, y). Received: no chunk."
        )
    return average


def _check_chunks(chunks) -> None:
    if not isinstance(chunks, Iterable):
        raise ValueError(
            "`chunks` must be pairs (x, y) of arrays, oldest first. "
            f"Received: chunks={chunks!r}."
        )


def _checked(chunk) -> tuple:
    if not isinstance(chunk, (tuple, list)) or len(chunk) != 2:
        raise ValueError(
            "`chunks` must hold pairs (x, y) of arrays. "
            f"Received: a chunk of type {type(chunk).__name__}."
        )
    x, y = map(_arrays, chunk)
    samples, targets = (
        sorted({len(array) for array in tree.flatten(part)}) for part in (x, y)
    )
    if len(samples) != 1 or samples != targets or not samples[0]:
        raise ValueError(
            "Each chunk must have as many targets as samples, and at least "
            f"one. Received: {_listed(samples)} samples, {_listed(targets)} "
            "targets."
        )
    return x, y


def _arrays(part):
    """Returns a dict, list or tuple of arrays as such, all else as an array."""
    is_list = isinstance(part, (list, tuple))
    if isinstance(part, Mapping) or (
        is_list and part and all(hasattr(one, "shape") for one in part)
    ):
        return tree.map_structure(np.asarray, part)
    return np.asarray(part)


def _listed(sizes: list[int]) -> str:
    return " or ".join(map(str, sizes))


def _check_finite(model, average: list[np.ndarray]) -> None:
    for variable, array in zip(model.trainable_variables, average, strict=True):
        if not math.isfinite(array.sum()):
            raise ValueError(
                "The gradient must be finite. Received: NaN or infinity for "
                f"{variable.path!r}. Check the data and the weights; "
                "`cold_start` draws new weights."
            )
