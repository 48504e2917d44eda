"""The kinds of noise that perturb a model's weights."""

from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np

from ws_keras import seeds
from ws_keras.transforms import arrays
from ws_keras.transforms import fresh
from ws_keras.transforms import variables

KINDS = ("fresh", *arrays.GAUSSIAN)


class Source(Protocol):
    """Draws noise, one variable at a time.

    Repeated calls for the same variable return the same noise.
    """

    def check(self, entry: variables.Entry) -> None:
        """Raises a ValueError if the noise of a variable cannot be drawn."""

    def __call__(self, entry: variables.Entry, value: np.ndarray) -> np.ndarray:
        """Returns noise with the shape of a variable's value.

        The caller passes the value, so that it is read only once.
        """


def source(
    kind: str | Callable, seed: int, build_fn: Callable | None = None
) -> Source:
    """Creates the source of a kind of noise.

    Args:
        kind: `"fresh"` (a new draw from the variable's own initializer, the
            authors' choice), `"gaussian"` (standard normal, the paper's
            formula), `"scaled"` (normal with the variable's own standard
            deviation), or a function of `(weight, rng)` that returns an array
            of the same shape. `weight` is a NumPy array, `rng` a
            `numpy.random.Generator`.
        seed: Non-negative integer.
        build_fn: Function that builds the whole model, for `"fresh"`. Defaults
            to `None`.

    Returns:
        A `Source`.

    Raises:
        ValueError: If `kind` is unknown.
    """
    check(kind, build_fn)
    if kind == "fresh":
        return fresh.Fresh(seed, build_fn)
    return _Function(kind, seed) if callable(kind) else _Normal(kind, seed)


def check(kind, build_fn) -> None:
    """Raises a ValueError for an unknown kind of noise."""
    if not callable(kind) and kind not in KINDS:
        raise ValueError(
            f"`noise` must be one of {list(KINDS)} or a function of "
            f"(weight, rng). Received: noise={kind!r}."
        )
    if build_fn is None:
        return
    if not callable(build_fn) or isinstance(build_fn, keras.layers.Layer):
        raise ValueError(
            "`build_fn` must be a function without arguments that builds the "
            f"model. Received: {type(build_fn).__name__}."
        )
    if kind != "fresh":
        raise ValueError(
            f"`build_fn` requires `noise='fresh'`. Received: noise={kind!r}."
        )


def _rng(seed: int, entry: variables.Entry) -> np.random.Generator:
    return seeds.generator(seed, "noise", entry.index)


class _Normal:
    def __init__(self, kind: str, seed: int):
        self._kind, self._seed = kind, seed

    def check(self, entry) -> None:
        if self._kind == "scaled":  # uses the weight's own deviation
            variables.check_finite([entry])

    def __call__(self, entry, value) -> np.ndarray:
        return arrays.normal(value, self._kind, _rng(self._seed, entry))


class _Function:
    """Calls a function of the user, and checks what it returns."""

    def __init__(self, function: Callable, seed: int):
        self._function, self._seed = function, seed

    def check(self, entry) -> None:
        self(entry, entry.value())

    def __call__(self, entry, value) -> np.ndarray:
        rng = _rng(self._seed, entry)
        draw = np.asarray(self._function(value.copy(), rng))
        if draw.shape != value.shape or not arrays.is_float(draw):
            raise ValueError(
                "A function given as `noise` must return floats of the "
                f"weight's shape {value.shape}. Received: shape {draw.shape}, "
                f"dtype {draw.dtype} for {entry.path!r}."
            )
        if not arrays.is_finite(draw, value):
            raise ValueError(
                "A function given as `noise` must return finite numbers. "
                f"Received: NaN or infinity for {entry.path!r}."
            )
        return draw
