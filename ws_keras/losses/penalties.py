"""Adds penalties to weights, each next to the weight's other regularizers."""

import copy
import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ws_keras import checks
from ws_keras.transforms import selecting
from ws_keras.transforms import variables


class Penalty(keras.regularizers.Regularizer):
    """A penalty of one variable, added to its earlier regularizer.

    Args:
        strength: Factor of the penalty.
        other: Earlier regularizer of the variable, or `None`.
    """

    def __init__(self, strength: float, other=None):
        self.strength = strength
        self.other = other

    def __call__(self, x):
        """Computes the sum of all penalties for a value of the variable."""
        penalty = self.of(x)
        return penalty if self.other is None else penalty + self.other(x)

    def of(self, x):
        """Computes this penalty alone."""
        raise NotImplementedError


def add(
    model: keras.Model,
    make: Callable[[variables.Entry, object], Penalty],
    kind: type[Penalty],
    include,
    exclude,
    suits: Callable[[variables.Entry], bool] = lambda entry: True,
) -> list[str]:
    """Gives each selected weight a penalty, in place of one of this kind.

    Args:
        model: Built `keras.Model`.
        make: Function of a weight's `Entry` and its other regularizer.
        kind: Class of the penalty.
        include: Pattern or patterns of the weights to select. `None` means all
            trainable weights.
        exclude: Pattern or patterns of the weights to leave out, or `None`.
        suits: Function of a weight's `Entry` that tells whether it can have the
            penalty; other weights are left out. Defaults to all.

    Returns:
        The paths of the weights.

    Raises:
        ValueError: If a pattern or the whole selection matches nothing, if the
            model is not built, or if a penalty is not finite.
    """
    found = variables.entries(model)
    meant = selecting.selected(
        found, variables.WEIGHT, include, exclude, frozen=False
    )
    chosen = [entry for entry in meant if suits(entry)]
    selecting.check_any(chosen, meant)
    penalties = [
        make(entry, _without(kind, entry.variable.regularizer))
        for entry in chosen
    ]
    _check_finite(penalties, chosen)
    for entry, penalty in zip(chosen, penalties, strict=True):
        entry.variable.regularizer = penalty
    return [entry.path for entry in chosen]


def check_strength(strength: float, name: str = "strength") -> None:
    """Raises a ValueError unless a strength is finite and at least 0."""
    if not checks.is_number(strength) or not 0 <= strength < math.inf:
        raise ValueError(
            f"`{name}` must be a finite number of at least 0. "
            f"Received: {name}={strength!r}."
        )


def _without(kind: type[Penalty], regularizer):
    """Removes the penalties of a kind from a chain of penalties."""
    if not isinstance(regularizer, Penalty):
        return regularizer
    rest = _without(kind, regularizer.other)
    if isinstance(regularizer, kind):
        return rest
    regularizer = copy.copy(regularizer)
    regularizer.other = rest
    return regularizer


def _check_finite(penalties: list[Penalty], chosen: list) -> None:
    total = np.float32(0)
    for penalty, entry in zip(penalties, chosen, strict=True):
        if not penalty.strength:
            continue
        weight = entry.value()
        if not np.isfinite(weight.astype(np.float32)).all():
            raise ValueError(
                "Weights must be finite to have a penalty. Received: NaN or "
                f"infinity in {entry.path!r}. `cold_start` draws new weights."
            )
        value = ops.convert_to_numpy(penalty.of(weight))
        with np.errstate(over="ignore"):
            total += value.astype(np.float32)
        if not np.isfinite(total):
            raise ValueError(
                "A penalty must be finite at the present weights. Received: "
                f"strength={penalty.strength!r}, which gives {total} up to "
                f"{entry.path!r}. Choose a smaller strength."
            )
