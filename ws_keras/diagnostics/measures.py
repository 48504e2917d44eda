"""The measures as pure functions of arrays, in double precision."""

import math
from collections.abc import Sequence

import numpy as np

_HALF_PRECISION = 1e-2  # largest deviation of a sum of probabilities from 1


def norm(arrays: Sequence[np.ndarray]) -> float:
    """Computes the L2 norm of arrays, concatenated to one vector.

    Example:

    >>> norm([np.array([3.0]), np.array([[0.0, 4.0]])])
    5.0

    Args:
        arrays: Arrays of any shapes.

    Returns:
        Float, at least 0.
    """
    return float(np.sqrt(sum(_dot(a, a) for a in map(_flat, arrays))))


def correlation(
    arrays: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> float:
    """Computes the Pearson correlation of two vectors, given in parts.

    Example:

    >>> correlation([np.array([1.0, 2.0]), np.array([3.0])],
    ...             [np.array([0.0, 2.0]), np.array([4.0])])
    1.0

    Args:
        arrays: Parts of the first vector.
        others: Parts of the second vector, of the same sizes.

    Returns:
        Float in [-1, 1]; NaN if a vector is constant.
    """
    if _is_constant(arrays) or _is_constant(others):
        return math.nan
    size = sum(np.size(array) for array in arrays)
    means = [
        sum(_flat(piece).sum() for piece in pieces) / size
        for pieces in (arrays, others)
    ]
    products = np.zeros(3)
    for pair in zip(arrays, others, strict=True):
        a, b = (
            _flat(piece) - mean for piece, mean in zip(pair, means, strict=True)
        )
        products += _dot(a, b), _dot(a, a), _dot(b, b)
    both, first, second = products
    return float(np.clip(both / np.sqrt(first * second), -1, 1))


def entropies(outputs: np.ndarray, from_logits: bool = True) -> np.ndarray:
    """Computes the entropy of the output for each sample, in nats.

    Example:

    >>> entropies(np.array([[0.0, 0.0], [0.0, -1e9]])).round(4).tolist()
    [0.6931, 0.0]

    Args:
        outputs: Logits or probabilities, `(n, num_classes)`. A single column
            holds the second of two classes, as a sigmoid gives it.
        from_logits: Whether `outputs` holds logits. Defaults to `True`.

    Returns:
        Array `(n,)` with values from 0 to `log(num_classes)`; NaN if an output
        is NaN.

    Raises:
        ValueError: If the outputs contradict `from_logits`.
    """
    outputs = np.asarray(outputs, np.float64)
    _check_outputs(outputs, from_logits)
    if outputs.shape[-1] == 1:
        first = np.zeros_like(outputs) if from_logits else 1 - outputs
        outputs = np.concatenate([first, outputs], -1)
    if not from_logits:
        log = np.log(np.where(outputs > 0, outputs, 1))
        return -(outputs * log).sum(-1) + 0.0
    shifted = outputs - outputs.max(-1, keepdims=True)
    exp = np.exp(shifted)
    total = exp.sum(-1)
    # H = log sum(exp(z)) - sum(p * z); an impossible class adds nothing.
    shifted = np.where(np.isneginf(shifted), 0.0, shifted)
    return np.log(total) - (exp * shifted).sum(-1) / total


def dormant(scores: Sequence[np.ndarray], tau: float = 0.025) -> float:
    """Computes the fraction of units that are tau-dormant.

    The definition of Sokar et al., "The Dormant Neuron Phenomenon in Deep
    Reinforcement Learning" (2023): the mean absolute activation of the unit is
    at most `tau` times the mean over the units of its layer. In a layer that
    never responds, all units are dormant.

    Example:

    >>> dormant([np.array([0.0, 1.0, 2.0, 1.0])], tau=0.0)
    0.25

    Args:
        scores: Mean absolute activation of each unit, one array per layer.
        tau: Threshold, at least 0. Defaults to 0.025.

    Returns:
        Float in [0, 1].
    """
    counts = [np.sum(score <= tau * np.mean(score)) for score in scores]
    return float(sum(counts) / sum(map(len, scores)))


def effective_rank(features: np.ndarray) -> float:
    """Computes the effective rank of a matrix of features.

    The definition of Roy & Vetterli, "The Effective Rank: A Measure of
    Effective Dimensionality" (2007): `exp(H(p))` with `p` the singular values
    divided by their sum. The features are not centered.

    Example:

    >>> round(effective_rank(np.eye(3)), 6)
    3.0

    Args:
        features: `(n, d)`.

    Returns:
        Float from 1 to `min(n, d)`; 0 if all features are 0, NaN if one is not
        finite.
    """
    features = np.asarray(features, np.float64)
    if not np.isfinite(features).all():
        return math.nan
    values = np.linalg.svd(features, compute_uv=False)
    values = values[values > 0]
    if not len(values):
        return 0.0
    p = values / values.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def ratio(numerator: float, denominator: float) -> float:
    """Computes a ratio; infinity or NaN if the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(numerator) / np.float64(denominator))


def _flat(array) -> np.ndarray:
    return np.asarray(array, np.float64).ravel()


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second)


def _is_constant(arrays: Sequence[np.ndarray]) -> bool:
    # Compare values: the rounded mean of a constant vector may differ from it.
    found = [array for array in arrays if np.size(array)]
    low = min(map(np.min, found), default=0.0)
    return bool(low == max(map(np.max, found), default=0.0))


def _check_outputs(outputs: np.ndarray, from_logits: bool) -> None:
    if outputs.ndim != 2:
        raise ValueError(
            "Outputs must have the shape (samples, classes) to have an "
            f"entropy. Received: shape={outputs.shape}."
        )
    if not np.isfinite(outputs).all():
        return  # the outputs of a diverged network match neither
    is_part = outputs.min() >= 0 and outputs.max() <= 1
    if outputs.shape[-1] == 1:
        # A few logits of one class may also lie in this range.
        is_wrong = not (from_logits or is_part)
    else:
        sums_to_one = np.abs(outputs.sum(-1) - 1).max() < _HALF_PRECISION
        is_wrong = bool(sums_to_one and is_part) == from_logits
    if is_wrong:
        wanted = "logits" if from_logits else "probabilities"
        raise ValueError(
            f"Outputs must be {wanted} with from_logits={from_logits}. "
            f"Received: outputs such as {outputs[0][:3].tolist()}. "
            f"Pass from_logits={not from_logits}."
        )
