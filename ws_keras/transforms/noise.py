"""The kinds of noise that a model's weights can be perturbed with."""

from collections.abc import Callable

import numpy as np

from ws_keras import seeds
from ws_keras.transforms import arrays
from ws_keras.transforms import fresh
from ws_keras.transforms import variables

KINDS = ("fresh", *arrays.GAUSSIAN)


def source(
    kind: str | Callable, seed: int, build_fn: Callable | None = None
) -> Callable[[variables.Entry], np.ndarray]:
    """Returns a function that draws the noise of one variable.

    The same variable gets the same draw each time it is asked for.

    Args:
        kind: `"fresh"` (a new draw from the variable's own initializer, the
            authors' choice), `"gaussian"` (standard normal, the paper's
            formula), `"scaled"` (normal with the variable's own standard
            deviation), or a function of `(weight, rng)`, a NumPy array and a
            `numpy.random.Generator`, that returns an array of the same shape.
        seed: Non-negative integer.
        build_fn: Function that builds the whole model anew, for `"fresh"`.
            Defaults to `None`.

    Returns:
        A function from a `variables.Entry` to an array of its shape.

    Raises:
        ValueError: If `kind` is unknown, or a given function returns
            anything but finite floats of the weight's shape.
    """
    check(kind, build_fn)
    if kind == "fresh":
        return fresh.Fresh(seed, build_fn)
    if callable(kind):
        return lambda entry: _called(kind, entry, _rng(seed, entry))
    return lambda entry: arrays.normal(entry.value(), kind, _rng(seed, entry))


def check(kind, build_fn) -> None:
    """Raises a ValueError for an unknown kind of noise."""
    if not callable(kind) and kind not in KINDS:
        raise ValueError(
            f"`noise` must be one of {list(KINDS)} or a function of "
            f"(weight, rng). Received: noise={kind!r}."
        )
    if build_fn is not None and kind != "fresh":
        raise ValueError(
            f"`build_fn` serves only `noise='fresh'`. Received: noise={kind!r}."
        )


def _rng(seed: int, entry: variables.Entry) -> np.random.Generator:
    return seeds.generator(seed, "noise", entry.index)


def _called(function, entry, rng) -> np.ndarray:
    value = entry.value()
    draw = np.asarray(function(value.copy(), rng))
    if draw.shape != value.shape or draw.dtype.kind not in "fV":
        raise ValueError(
            "A function given as `noise` must return floats of the weight's "
            f"shape {value.shape}. Received: shape {draw.shape}, dtype "
            f"{draw.dtype} for {entry.path!r}."
        )
    if not np.isfinite(draw.astype(np.float32)).all():
        raise ValueError(
            "A function given as `noise` must return finite numbers. "
            f"Received: nan or infinity for {entry.path!r}."
        )
    return draw
