"""ReDo: reinitializes dormant units."""

import secrets
from collections.abc import Callable
from collections.abc import Iterable

import keras
import numpy as np

from ws_keras import checks
from ws_keras.transforms import activity
from ws_keras.transforms import arrays
from ws_keras.transforms import batches
from ws_keras.transforms import errors
from ws_keras.transforms import noise as noises
from ws_keras.transforms import report as reports
from ws_keras.transforms import resets

SAMPLES = 512  # as in the article
THRESHOLD = 0.1


def redo(
    model: keras.Model,
    data: Iterable,
    threshold: float = THRESHOLD,
    *,
    seed: int | None = None,
    include=None,
    exclude=None,
    frozen: bool = False,
    samples: int = SAMPLES,
    build_fn: Callable | None = None,
) -> reports.Report:
    """Reinitializes dormant units, in place.

    ReDo of Sokar et al., "The Dormant Neuron Phenomenon in Deep Reinforcement
    Learning" (ICML 2023, arXiv:2302.12902). The score of a unit is its mean
    absolute activation over samples, divided by the mean over the units of its
    layer. A unit is dormant if its score is at most `threshold`. For each
    dormant unit, the incoming weights are drawn anew from their own
    initializers, the outgoing weights become 0, and so do the optimizer's
    moments of both.

    If the activation of a unit was 0, the reset does not change the function of
    the network. A batch norm behind the activation can turn this 0 into another
    constant. The bias of the next layer then absorbs the constant if it can;
    see `docs/methods.md`.

    The units are the output channels of `Dense` and convolution layers. The
    layers that read them are found in the graph of the model: behind
    activations, pooling, flattening, dropout, padding, depthwise convolutions,
    concatenation, batch norm and nested models. Gamma, beta and moments of
    batch norm are reset along with a unit. Convolutions with
    `data_format="channels_first"` have no units.

    Some units cannot be reset, and the report gives the reason: units that are
    added to others, as in the stream of a residual network (units inside its
    blocks can be reset); units under a layer norm; outputs of the model;
    weights that two layers share; units read by a layer that the model also
    calls on other inputs; and units with weights in a frozen layer. An error
    names each layer whose readers cannot be found, for example in front of a
    custom layer. All arguments are checked before the first weight is written.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    print(redo(model, x, seed=52))
    model.fit(x, y)
    ```

    Args:
        model: Built functional or `Sequential` model.
        data: Samples on which to measure activations: arrays, a dataset or
            batches, as in `recalibrate`. The first item of a tuple is used. The
            model runs in inference mode without side effects.
        threshold: Largest score of a dormant unit, the article's tau, at least
            0. With 0, only units that never respond are reset. Defaults to 0.1
            (the article; other implementations use 0.025).
        seed: Non-negative integer that fixes the draws. `None` draws a seed
            from the operating system. Defaults to `None`.
        include: Layers whose units may be reset, given by their kernels;
            patterns as in `shrink_perturb`. `None` means all. Defaults to
            `None`.
        exclude: Layers whose units are not reset. Their kernels can still
            change if they read a unit of another layer. Frozen weights never
            change. Defaults to `None`.
        frozen: Whether to change frozen weights too. Defaults to `False`.
        samples: Maximum number of samples of `data`. Defaults to 512.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report` with one line per variable. A line says how many units of the
        variable were reset.

    Raises:
        ValueError: If an argument is out of its range, if the model is not a
            graph of layers or not built, if the readers of a unit cannot be
            found, if no layer is selected, if activations or weights are not
            finite, or if the optimizer has no moments of single weights.
    """
    check_threshold(threshold)
    checks.check_positive("samples", samples)
    if seed is not None:
        arrays.check_seed(seed)
    noises.check("fresh", build_fn)
    seed = secrets.randbits(31) if seed is None else seed
    selection = resets.select(model, include, exclude, frozen)
    measure = activity.Activity(model, selection.layers)
    sizes = mean_activity(measure, first(model, data, samples))
    chosen = dormant(sizes, threshold)
    return resets.reset(model, selection, chosen, seed, build_fn=build_fn)


def dormant(sizes: list[np.ndarray], threshold: float) -> list[np.ndarray]:
    """Returns the numbers of the dormant units of each layer.

    Example:

    >>> dormant([np.array([0.0, 1.0, 0.1, 4.0])], 0.1)[0].tolist()
    [0, 2]

    Args:
        sizes: Mean absolute activation of each unit, one array per layer.
        threshold: Largest score of a dormant unit.
    """
    return [
        np.flatnonzero(activity.scores(each) <= threshold) for each in sizes
    ]


def check_threshold(threshold) -> None:
    """Raises a ValueError unless a threshold is a finite number >= 0."""
    if not checks.is_number(threshold) or not 0 <= threshold < np.inf:
        raise ValueError(
            "`threshold` must be a finite number of at least 0, a fraction of "
            f"the layer's mean. Received: threshold={threshold!r}."
        )


def first(model, data, samples: int) -> list:
    """Returns batches of data with at most this number of samples.

    If the model has a fixed batch size, only whole batches are returned, at
    least one.

    Raises:
        ValueError: If there is no batch.
    """
    found, count = [], 0
    is_fixed = batches.fixed_size(model) is not None
    for batch in batches.Batches(model, data, most=samples):
        size = len(keras.tree.flatten(batch)[0])
        left = samples - count
        if is_fixed and found and size > left:
            break
        if size > left and not is_fixed:
            batch = keras.tree.map_structure(lambda a, n=left: a[:n], batch)
        found.append(batch)
        count += min(size, left)
        if count >= samples:
            break
    return found


def mean_activity(measure: activity.Activity, found: list) -> list[np.ndarray]:
    """Computes the mean activation of each unit, weighted by samples.

    Raises:
        ValueError: If an activation is NaN or infinite.
    """
    sizes = [len(keras.tree.flatten(batch)[0]) for batch in found]
    means = [
        np.average(parts, axis=0, weights=sizes)
        for parts in zip(*map(measure, found), strict=True)
    ]
    if not all(map(arrays.is_finite, means)):
        raise errors.NotFinite(
            "The activations must be finite to find dormant units. Received: "
            "NaN or infinity. Check the data and the weights: the training "
            "may have diverged."
        )
    return means
