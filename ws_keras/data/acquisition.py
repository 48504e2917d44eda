"""Acquisition functions of active learning."""

from collections.abc import Callable

import numpy as np

from ws_keras import names

NAMES = names.ACQUISITIONS


def choose(
    name: str,
    predict: Callable[[], tuple[np.ndarray, np.ndarray]],
    size: int,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Chooses the samples of a pool to label.

    Example:

    >>> found = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), None
    >>> rng = np.random.default_rng(0)
    >>> choose("margin", lambda: found, 3, 1, rng).tolist()
    [1]

    Args:
        name: `"random"`; `"margin"`: samples with the smallest difference
            between the two largest probabilities (the paper's appendix);
            `"entropy"`: samples with the largest entropy; or `"badge"`: samples
            whose gradients of the last layer are spread out (Ash et al., "Deep
            Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds",
            2020). `"badge"` requires scikit-learn.
        predict: Function that returns probabilities `(size, classes)` and
            inputs of the last layer `(size, features)` for the pool. It is not
            called for `"random"`.
        size: Number of samples in the pool.
        count: Number of samples to choose, or all samples of a smaller pool.
        rng: Random generator.

    Returns:
        Index array into the pool, `(min(count, size),)`.

    Raises:
        ValueError: If the name is unknown.
        ImportError: If scikit-learn is needed and not installed.
    """
    check(name)
    count = min(count, size)
    if name == "random":
        return rng.permutation(size)[:count]
    probabilities, features = predict()
    if name == "badge":
        return _badge(probabilities, features, count, rng)
    scores = {"margin": margins, "entropy": negative_entropies}[name]
    # The sort is stable, so that ties do not depend on the machine.
    return np.argsort(scores(probabilities), kind="stable")[:count]


def check(name: str) -> None:
    """Raises a ValueError unless a name is one of `NAMES`."""
    if name not in NAMES:
        raise ValueError(
            f"`rounds.acquisition` must be one of {list(NAMES)}. "
            f"Received: rounds.acquisition={name!r}."
        )


def margins(probabilities: np.ndarray) -> np.ndarray:
    """Computes the difference of the two largest probabilities, `(size,)`."""
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return first - second


def negative_entropies(probabilities: np.ndarray) -> np.ndarray:
    """Computes the negative entropy in nats, `(size,)`."""
    tiny = np.finfo(probabilities.dtype).tiny
    return (probabilities * np.log(np.maximum(probabilities, tiny))).sum(1)


def gradients(probabilities: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Computes the gradient of the last layer for each sample.

    It is the gradient of the cross-entropy at the most probable label: `(p -
    onehot(argmax p)) x features`, flattened.

    Args:
        probabilities: `(size, classes)`.
        features: Inputs of the last layer, `(size, features)`.

    Returns:
        Array `(size, classes * features)`.
    """
    error = probabilities.astype(np.float32)
    error[np.arange(len(error)), probabilities.argmax(1)] -= 1
    product = error[:, :, None] * features[:, None, :].astype(np.float32)
    return product.reshape(len(error), -1)


def _badge(probabilities, features, count, rng) -> np.ndarray:
    try:
        from sklearn import cluster
    except ImportError:
        raise ImportError(
            "`rounds.acquisition='badge'` needs scikit-learn. Install it with "
            "`pip install 'ws_keras[active]'`."
        ) from None
    _, chosen = cluster.kmeans_plusplus(
        gradients(probabilities, features),
        count,
        random_state=int(rng.integers(2**31)),
    )
    # If all remaining gradients equal chosen ones, a sample would be chosen
    # repeatedly.
    chosen = list(dict.fromkeys(chosen.tolist()))
    others = rng.permutation(np.setdiff1d(np.arange(len(features)), chosen))
    return np.array([*chosen, *others[: count - len(chosen)]])
