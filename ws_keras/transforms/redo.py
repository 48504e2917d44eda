"""Dormant units begun anew: ReDo."""

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

SAMPLES = 512  # of the article
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
    """Begins dormant units anew, in place.

    ReDo of Sokar et al., "The Dormant Neuron Phenomenon in Deep Reinforcement
    Learning" (ICML 2023, arXiv:2302.12902). A unit's score is the mean of its
    absolute activation over samples, divided by the mean over the units of its
    layer, so that scores average to 1. A unit whose score is at most
    `threshold` is dormant: its incoming weights are drawn anew from their own
    initializers, its outgoing weights become 0, and so do the optimizer's
    moments of both. The network's function stays where a unit gave 0; behind a
    batch norm that makes another number of 0, the bias of what reads the unit
    takes that up, where it can (see docs/methods.md).

    The units are the output channels of `Dense` layers and convolutions. What
    reads them is found in the graph of the model, behind activations, pooling,
    flattening, dropout, padding, depthwise convolutions, concatenation, in
    nested models, and behind batch norm, whose gamma, beta and moments of the
    unit begin anew too. These units stay, and the report says why: those that
    are added to others, as in the stream of a residual network (in whose
    blocks the others are reset); those of a layer norm; outputs of the model;
    weights that two layers share; and those that have a part in a frozen
    layer. Where it is not found what reads a unit, as behind a layer of your
    own, the layer is refused by name. Everything is checked before the first
    weight is written.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    print(redo(model, x, seed=52))
    model.fit(x, y)
    ```

    Args:
        model: Built functional or `Sequential` model.
        data: Samples to measure the activations on: arrays, a dataset or
            batches, as in `recalibrate`; of a tuple, the first item counts.
            The model runs in inference mode, and nothing of it is kept.
        threshold: The article's tau, at least 0: 0 resets units that never
            respond. Defaults to 0.1 (the article; other implementations have
            0.025).
        seed: Non-negative integer that fixes the draws. `None` draws one from
            the operating system. Defaults to `None`.
        include: Layers whose units may be reset, by their kernels; patterns
            as in `shrink_perturb`. `None` means all. Defaults to `None`.
        exclude: Likewise, layers whose units stay. Their kernels can still be
            written where they read a unit of another layer; what is frozen is
            never written. Defaults to `None`.
        frozen: Whether frozen weights may be written. Defaults to `False`.
        samples: Most samples of `data` that are used. Defaults to 512.
        build_fn: See `shrink_perturb`. Defaults to `None`.

    Returns:
        A `Report` with one line per variable; those of units that were reset
        say how many.

    Raises:
        ValueError: If an argument is out of its range, the model is no graph
            of layers or not built, a layer is refused, no layer is left,
            activations or weights are not finite, or the optimizer has no
            moments for single weights.
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
        sizes: Mean absolute activation of each unit, one array a layer.
        threshold: Largest score of a dormant unit.
    """
    return [
        np.flatnonzero(activity.scores(each) <= threshold) for each in sizes
    ]


def check_threshold(threshold) -> None:
    """Raises a ValueError unless a threshold is a number of at least 0."""
    if not checks.is_number(threshold) or not 0 <= threshold < np.inf:
        raise ValueError(
            "`threshold` must be a finite number of at least 0, a part of the "
            f"layer's mean. Received: threshold={threshold!r}."
        )


def first(model, data, samples: int) -> list:
    """Returns batches that hold so many samples, or fewer, of some data.

    Raises:
        ValueError: If there is no batch.
    """
    found, count = [], 0
    for batch in batches.Batches(model, data, most=samples):
        size = len(keras.tree.flatten(batch)[0])
        left = samples - count
        if size > left:
            batch = keras.tree.map_structure(lambda a, n=left: a[:n], batch)
        found.append(batch)
        count += min(size, left)
        if count == samples:
            break
    return found


def mean_activity(measure: activity.Activity, found: list) -> list[np.ndarray]:
    """Returns the mean activation of each unit over batches, by samples.

    Raises:
        ValueError: If an activation is nan or infinite.
    """
    sizes = [len(keras.tree.flatten(batch)[0]) for batch in found]
    means = [
        np.average(parts, axis=0, weights=sizes)
        for parts in zip(*map(measure, found), strict=True)
    ]
    if not all(map(arrays.is_finite, means)):
        raise errors.NotFinite(
            "The activations must be finite to find dormant units. Received: "
            "nan or infinity. Look at the data and at the weights: the "
            "training may have diverged."
        )
    return means
