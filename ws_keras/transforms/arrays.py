"""Shrink and perturb as pure functions of arrays, for any framework."""

import math
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ws_keras import checks
from ws_keras import seeds

GAUSSIAN = ("gaussian", "scaled")
_BLOCK = 2**15  # elements; some arrays of that size fit the cache of a core
_LARGEST = float(np.finfo(np.float32).max)


def shrink_perturb(
    weights: Sequence[np.ndarray],
    shrink: float = 0.4,
    perturb: float = 0.1,
    *,
    noise: str | Sequence[np.ndarray] = "gaussian",
    seed: int = 0,
) -> list[np.ndarray]:
    """Returns `shrink * weight + perturb * noise` for each array.

    The formula of the paper (section 5), for people with their own training
    loop or framework. Nothing is changed in place.

    Example:

    >>> arrays = [np.ones((2, 2), "float32")]
    >>> new = shrink_perturb(arrays, 0.5, 1.0, noise=[np.full((2, 2), 0.25)])
    >>> new[0].tolist()
    [[0.75, 0.75], [0.75, 0.75]]

    Args:
        weights: Sequence of float arrays.
        shrink: Factor of the old weights, in [0, 1]. Defaults to 0.4.
        perturb: Scale (never a variance) of the noise, at least 0. Defaults
            to 0.1.
        noise: `"gaussian"` for standard normal noise, `"scaled"` for normal
            noise with each array's own standard deviation, or one array per
            weight, such as the weights of a freshly initialized network (the
            authors' choice). Defaults to `"gaussian"`.
        seed: Non-negative integer; the noise of one array depends only on
            the seed and on its place in the sequence. Defaults to 0.

    Returns:
        List of new arrays with the shapes and dtypes of `weights`.

    Raises:
        ValueError: If `shrink`, `perturb` or `seed` is out of its range, the
            weights or the given noise are no floats or not finite, or the
            noise does not fit the weights. Weights of which nothing is kept
            may be anything.
    """
    check_strength(shrink, perturb)
    check_seed(seed)
    weights = [np.asarray(weight) for weight in weights]
    _check_floats("weights", weights)
    if (shrink, perturb) != (1, 0):
        _check_finite(weights, shrink, noise)
    if isinstance(noise, str):
        check_kind(noise)
    else:
        noise = [np.asarray(array) for array in noise]
        _check_floats("noise", noise)
        _check_noise(weights, noise)
    new = []
    for index, weight in enumerate(weights):
        if perturb == 0:
            draw = None
        elif isinstance(noise, str):
            draw = normal(weight, noise, seeds.generator(seed, "noise", index))
        else:
            draw = noise[index]
        new.append(mix(weight, draw, shrink, perturb))
    return new


def mix(
    weight: np.ndarray,
    noise: np.ndarray | None,
    shrink: float,
    perturb: float,
) -> np.ndarray:
    """Returns `shrink * weight + perturb * noise` in the weight's dtype.

    A term whose factor is zero is left out rather than multiplied, so that
    a diverged weight (nan) does not survive a cold start.
    """
    if perturb == 0 and shrink == 1:
        return weight
    new = np.empty(weight.shape, weight.dtype)
    flat, old = new.reshape(-1), weight.reshape(-1)
    draw = None if noise is None else noise.reshape(-1)
    for part in blocks(weight.size):
        some = None if draw is None else draw[part]
        flat[part] = _mixed(old[part], some, shrink, perturb)
    return new


def blocks(size: int) -> Iterator[slice]:
    """Returns slices that share out a flat array in the cache's portions."""
    for start in range(0, size, _BLOCK):
        yield slice(start, start + _BLOCK)


def _wide(weight: np.ndarray) -> type:
    """Returns the type in which a weight is mixed."""
    return np.float64 if weight.dtype == np.float64 else np.float32


def _mixed(weight, noise, shrink, perturb) -> np.ndarray:
    if perturb == 0 and shrink == 0:
        return np.zeros_like(weight)
    # Half precision is mixed in single precision.
    wide = _wide(weight)
    weight = weight.astype(wide, copy=False)
    if perturb == 0:
        return weight * wide(shrink)
    # NumPy 1 rounds the product of a half and a single to a half.
    noise = noise.astype(np.result_type(noise, wide), copy=False)
    # One factor of exactly 1 keeps a fresh draw bit for bit.
    scaled = noise if perturb == 1 else noise * wide(perturb)
    if shrink != 0:
        scaled = weight * wide(shrink) + scaled
    return scaled


def normal(
    weight: np.ndarray, kind: str, rng: np.random.Generator
) -> np.ndarray:
    """Returns normal noise of the shape of a weight, in float32.

    Args:
        weight: Array that the noise is for.
        kind: `"gaussian"` (standard deviation 1) or `"scaled"` (the standard
            deviation of the weight itself, 0 for a constant one).
        rng: Generator of the draw.

    Returns:
        An array of the shape of `weight`.
    """
    draw = rng.standard_normal(weight.shape, dtype=np.float32)
    if kind == "scaled":
        draw *= _deviation(weight)
    return draw


def _deviation(weight: np.ndarray) -> float:
    flat = weight.reshape(-1)

    def mean(of) -> float:
        parts = [of(flat[p].astype(np.float64)) for p in blocks(flat.size)]
        return sum(parts) / flat.size if parts else 0.0

    center = mean(np.sum)
    return math.sqrt(mean(lambda part: np.sum((part - center) ** 2)))


def check_strength(shrink: float, perturb: float) -> None:
    """Raises a ValueError unless shrink is in [0, 1] and perturb >= 0."""
    if not checks.is_number(shrink) or not 0 <= shrink <= 1:
        raise ValueError(
            "`shrink` must be a number in [0, 1]: 1 keeps the weights, 0 "
            f"drops them. Received: shrink={shrink!r}."
        )
    if not checks.is_number(perturb) or not 0 <= perturb <= _LARGEST:
        raise ValueError(
            "`perturb` must be a finite number of at least 0, the scale of "
            f"the noise, in float32. Received: perturb={perturb!r}."
        )


def check_seed(seed: int) -> None:
    """Raises a ValueError unless the seed is an integer of at least 0."""
    if not checks.is_whole(seed) or seed < 0:
        raise ValueError(
            f"`seed` must be a non-negative integer. Received: seed={seed!r}."
        )


def check_kind(kind: str) -> None:
    """Raises a ValueError unless the kind of noise is one for arrays."""
    if kind not in GAUSSIAN:
        raise ValueError(
            f"`noise` must be one of {list(GAUSSIAN)} or arrays. "
            f"Received: noise={kind!r}."
        )


def is_float(array: np.ndarray) -> bool:
    """Returns whether an array is one of floats, bfloat16 among them."""
    # Other frameworks' half precision has a kind of its own.
    return array.dtype.kind in "fV"


def is_finite(array: np.ndarray, weight: np.ndarray | None = None) -> bool:
    """Returns whether an array holds neither nan nor infinity.

    Args:
        array: Array of floats.
        weight: Another one in whose type they are to be mixed. Defaults to
            `None`, which means the array itself.
    """
    wide = _wide(array if weight is None else weight)
    with np.errstate(over="ignore"):
        return all(
            np.isfinite(array.reshape(-1)[part].astype(wide, copy=False)).all()
            for part in blocks(array.size)
        )


def _check_floats(name: str, found: list) -> None:
    for place, array in enumerate(found):
        if not is_float(array):
            raise ValueError(
                f"`{name}` must be arrays of floats. Received: one of dtype "
                f"{array.dtype} at place {place}."
            )


def _check_finite(weights: list, shrink: float, noise) -> None:
    for place, weight in enumerate(weights):
        is_used = shrink != 0 or (isinstance(noise, str) and noise == "scaled")
        if is_used and not is_finite(weight):
            raise ValueError(
                "`weights` must be finite to be kept in part. Received: nan "
                f"or infinity at place {place}."
            )


def _check_noise(weights: list, noise: list) -> None:
    ours = [weight.shape for weight in weights]
    theirs = [array.shape for array in noise]
    if ours != theirs:
        raise ValueError(
            "`noise` must have one array of the same shape for each weight. "
            f"Received: weights of shapes {ours}, noise of shapes {theirs}."
        )
    for place, (weight, array) in enumerate(zip(weights, noise, strict=True)):
        if not is_finite(array, weight):
            raise ValueError(
                "`noise` must be finite. Received: nan or infinity at place "
                f"{place}."
            )
