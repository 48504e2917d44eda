"""Shrink and perturb as pure functions of arrays, for any framework."""

import math
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ws_keras import checks
from ws_keras import seeds

GAUSSIAN = ("gaussian", "scaled")
_BLOCK = 2**15  # elements; a few arrays of this size fit the cache of a core
_LARGEST = float(np.finfo(np.float32).max)


def shrink_perturb(
    weights: Sequence[np.ndarray],
    shrink: float = 0.4,
    perturb: float = 0.1,
    *,
    noise: str | Sequence[np.ndarray] = "gaussian",
    seed: int = 0,
) -> list[np.ndarray]:
    """Computes `shrink * weight + perturb * noise` for each array.

    This is the formula of the paper (section 5), for your own training loop or
    another framework. Nothing is changed in place.

    Example:

    >>> arrays = [np.ones((2, 2), "float32")]
    >>> new = shrink_perturb(arrays, 0.5, 1.0, noise=[np.full((2, 2), 0.25)])
    >>> new[0].tolist()
    [[0.75, 0.75], [0.75, 0.75]]

    Args:
        weights: Sequence of float arrays.
        shrink: Factor of the old weights, in [0, 1]. Defaults to 0.4.
        perturb: Scale of the noise, at least 0. It is a scale, never a
            variance. Defaults to 0.1.
        noise: `"gaussian"` for standard normal noise, `"scaled"` for normal
            noise with the standard deviation of each array, or a sequence with
            one array per weight, such as the weights of a freshly initialized
            network (the authors' choice). Defaults to `"gaussian"`.
        seed: Non-negative integer. The noise of an array depends only on the
            seed and on the position of the array in the sequence. Defaults to
            0.

    Returns:
        List of new arrays with the shapes and dtypes of `weights`.

    Raises:
        ValueError: If `shrink`, `perturb` or `seed` is out of its range, if the
            weights or the given noise are not finite floats, or if the noise
            does not match the weights. Weights may hold NaN if `shrink=0` and
            `noise` is not `"scaled"`.
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

    A term with a factor of zero is left out instead of multiplied, so that a
    diverged weight (NaN) does not survive a cold start.
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
    """Yields slices that cut a flat array into blocks of the cache's size."""
    for start in range(0, size, _BLOCK):
        yield slice(start, start + _BLOCK)


def _wide(weight: np.ndarray) -> type:
    """Returns the dtype in which a weight is mixed."""
    return np.float64 if weight.dtype == np.float64 else np.float32


def _mixed(weight, noise, shrink, perturb) -> np.ndarray:
    if perturb == 0 and shrink == 0:
        return np.zeros_like(weight)
    # Half precision is mixed in single precision.
    wide = _wide(weight)
    weight = weight.astype(wide, copy=False)
    if perturb == 0:
        return weight * wide(shrink)
    # NumPy 1 rounds the product of a half and a single to half precision.
    noise = noise.astype(np.result_type(noise, wide), copy=False)
    # A factor of exactly 1 keeps a fresh draw bit for bit.
    scaled = noise if perturb == 1 else noise * wide(perturb)
    if shrink != 0:
        scaled = weight * wide(shrink) + scaled
    return scaled


def normal(
    weight: np.ndarray, kind: str, rng: np.random.Generator
) -> np.ndarray:
    """Draws normal noise of the shape of a weight, in float32.

    Args:
        weight: Array that the noise is for.
        kind: `"gaussian"` (standard deviation 1) or `"scaled"` (the standard
            deviation of the weight, 0 for a constant weight).
        rng: Random generator.

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
            "`perturb` must be a finite number of at least 0 that float32 can "
            f"hold: the scale of the noise. Received: perturb={perturb!r}."
        )


def check_seed(seed: int) -> None:
    """Raises a ValueError unless the seed is a non-negative integer."""
    if not checks.is_whole(seed) or seed < 0:
        raise ValueError(
            f"`seed` must be a non-negative integer. Received: seed={seed!r}."
        )


def check_kind(kind: str) -> None:
    """Raises a ValueError unless arrays can have this kind of noise."""
    if kind not in GAUSSIAN:
        raise ValueError(
            f"`noise` must be one of {list(GAUSSIAN)} or a list of arrays. "
            f"Received: noise={kind!r}."
        )


def is_float(array: np.ndarray) -> bool:
    """Returns whether an array holds floats, including bfloat16."""
    # The half-precision types of other frameworks have the kind "V".
    return array.dtype.kind in "fV"


def is_finite(array: np.ndarray, weight: np.ndarray | None = None) -> bool:
    """Returns whether an array holds neither NaN nor infinity.

    Args:
        array: Array of floats.
        weight: Array in whose dtype both are mixed. `None` means the dtype of
            `array`. Defaults to `None`.
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
                f"`{name}` must be arrays of floats. Received: dtype "
                f"{array.dtype} at position {place}."
            )


def _check_finite(weights: list, shrink: float, noise) -> None:
    for place, weight in enumerate(weights):
        is_used = shrink != 0 or (isinstance(noise, str) and noise == "scaled")
        if is_used and not is_finite(weight):
            raise ValueError(
                "`weights` must be finite to be shrunk, or to scale the noise. "
                f"Received: NaN or infinity at position {place}."
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
                "`noise` must be finite. Received: NaN or infinity at "
                f"position {place}."
            )
