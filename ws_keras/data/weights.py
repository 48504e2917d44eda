"""Sample weights of all rounds and the held-out part."""

import math
from collections.abc import Sequence

import numpy as np

_ROUNDING = 1e-3  # of the sum of a one-hot row


def joined(found: Sequence, sizes: list[int]) -> np.ndarray | None:
    """Joins the weights of all parts; a part without weights has ones.

    Args:
        found: Weights of each part, or `None`.
        sizes: Number of samples of each part.
    """
    if all(weights is None for weights in found):
        return None
    return np.concatenate(
        [
            np.ones(size, "float32") if weights is None else weights
            for weights, size in zip(found, sizes, strict=True)
        ]
    )


def by_class(class_weight, y, weights, end: int, size: int) -> np.ndarray:
    """Multiplies the weights of training samples by class weights.

    Raises:
        ValueError: If a sample has no class or several, or a class no weight.
    """
    labels = _classes(y, size)
    missing = sorted(set(np.unique(labels).tolist()) - set(class_weight))
    values = list(class_weight.values())
    if missing or not all(math.isfinite(v) and v >= 0 for v in values):
        raise ValueError(
            "`class_weight` must have a non-negative weight for each class. "
            f"Received: {dict(class_weight)}, without {missing}."
        )
    found = np.ones(size, "float32") if weights is None else weights.copy()
    for label, weight in class_weight.items():
        found[:end][labels[:end] == label] *= weight
    return found


def _classes(y, size: int) -> np.ndarray:
    """Returns the class of each sample."""
    is_array = isinstance(y, np.ndarray)
    received = f"shape {y.shape}" if is_array else "several outputs"
    if is_array and y.ndim == 2 and y.shape[1] > 1:
        # Rows of several labels, and numbers, do not sum to 1.
        is_one = np.abs(y.astype(float).sum(1) - 1) < _ROUNDING
        if is_one.all() and y.min() >= 0:
            y = y.argmax(1)
    if is_array and y.size == size and y.dtype.kind in "biuf":
        if not np.any(y % 1):
            return y.reshape(-1).astype("int64")
        received = "numbers with fractions"
    raise ValueError(
        "`class_weight` needs one class for each sample. Received: targets of "
        f"another kind ({received}). Give (x, y, sample_weight) instead."
    )


def check(names: list[str], parts: Sequence[np.ndarray]) -> None:
    """Raises a ValueError for a part on which nothing would be learned."""
    for what, part in zip(names, parts, strict=True):
        if (part < 0).any() or not part.any():
            received = f"{part.min():g}" if part.any() else "zeros only"
            raise ValueError(
                f"The sample weights of `{what}` must be at least 0, and some "
                f"must be positive. Received: {received}."
            )
