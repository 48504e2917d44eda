"""The rules: pure functions of what is measured of a network.

Each gives the shrink for a round; the noise is always `PERTURB`. Those that
compare new data with old take the largest shrink of `GRID` after which both
look alike to the network.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

GRID = (0.8, 0.6, 0.4, 0.2)
PERTURB = 0.1


@dataclasses.dataclass(frozen=True)
class Side:
    """What is measured on some samples: mean loss, norm of each gradient."""

    loss: float
    norms: Sequence[float]


@dataclasses.dataclass(frozen=True)
class Looked:
    """What is measured before a round begins.

    `weights` and `fresh` are the L2 norms of all kernels as one vector, now
    and freshly drawn; `dormant` the share of dormant units; `by_shrink` what
    old and new samples give after each shrink of the grid.
    """

    weights: float
    fresh: float
    dormant: float
    by_shrink: Mapping[float, tuple[Side, Side]]


def largest(values: Mapping[float, float], most: float) -> float:
    """Returns the largest shrink whose value is at most `most`.

    Where there is none, the smallest shrink.

    Example:

    >>> largest({0.8: 2.4, 0.4: 1.39, 0.2: 1.2}, 1.4)
    0.4
    """
    fitting = [shrink for shrink, value in values.items() if value <= most]
    return max(fitting, default=min(values))


def gradient_ratio(old: Side, new: Side) -> float:
    """Returns the norm of the whole gradient, new by old."""
    return float(np.linalg.norm(new.norms) / np.linalg.norm(old.norms))


def layer_ratio(old: Side, new: Side) -> float:
    """Returns the geometric mean of the ratios of each weight's gradient."""
    pairs = [
        (n, o) for n, o in zip(new.norms, old.norms, strict=True) if n and o
    ]
    return float(np.exp(np.mean([np.log(n / o) for n, o in pairs])))


def loss_ratio(old: Side, new: Side) -> float:
    """Returns the loss, new by old."""
    return new.loss / old.loss


def by_ratio(ratio: Callable) -> Callable[[Looked, float], float]:
    """Returns the rule of a ratio, which is to be at most a constant."""

    def rule(found: Looked, most: float) -> float:
        values = {s: ratio(*sides) for s, sides in found.by_shrink.items()}
        return largest(values, most)

    return rule


def drm(found: Looked, most: float) -> float:
    """Returns DrM's factor: the more units are dormant, the smaller.

    `min(max(0.2, 1 - 2 b), most)` with the dormant share `b` (Xu et al.,
    "DrM", ICLR 2024).
    """
    return min(max(0.2, 1 - 2 * found.dormant), most)


def norm(found: Looked, most: float) -> float:
    """Returns the factor that leaves `most` times the norm of fresh kernels."""
    return float(np.clip(most * found.fresh / found.weights, 0.0, 1.0))


# Name -> rule and the constants that are tried.
RULES = {
    "gradient": (by_ratio(gradient_ratio), (1.2, 1.3, 1.4, 1.5, 1.7)),
    "layers": (by_ratio(layer_ratio), (1.1, 1.2, 1.3, 1.4, 1.5)),
    "loss": (by_ratio(loss_ratio), (1.2, 1.3, 1.4, 1.7, 2.0, 3.0)),
    "drm": (drm, (0.4, 0.6, 0.8, 1.0)),
    "norm": (norm, (0.2, 0.3, 0.4, 0.5, 0.6)),
}
