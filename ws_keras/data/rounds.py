"""The samples of each round, as nested index arrays."""

import numpy as np

from ws_keras import seeds


def split(
    num_samples: int, seed: int, held_out: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Splits the samples into a fitted and a held-out part.

    The authors' code permutes the official training set and fits the first
    `int(n * 2 / 3)` samples. It measures accuracies on the rest.

    Example:

    >>> fit, held_out = split(50_000, seed=0)
    >>> len(fit), len(held_out)
    (33333, 16667)

    Args:
        num_samples: Number of samples, at least 2.
        seed: Non-negative integer.
        held_out: Fraction of the samples to hold out. `None` means the authors'
            third. Defaults to `None`.

    Returns:
        A pair of index arrays, `(fit, held_out)`, in random order.

    Raises:
        ValueError: If there are too few samples, or if `held_out` leaves one
            part empty.
    """
    if num_samples < 2:
        raise ValueError(
            "At least 2 samples are required for a split. "
            f"Received: {num_samples} samples."
        )
    order = seeds.generator(seed, "split").permutation(num_samples)
    count = int(num_samples * 2 / 3)
    if held_out is not None:
        count = 0
        if 0 < held_out < 1:  # `round` fails on nan and infinity
            count = num_samples - round(held_out * num_samples)
        if not 0 < count < num_samples:
            raise ValueError(
                "`held_out` must be a fraction that leaves samples in both "
                f"parts. Received: held_out={held_out} of {num_samples} "
                "samples."
            )
    return order[:count], order[count:]


def part(indices: np.ndarray, fraction: float) -> np.ndarray:
    """Returns the first samples, a fraction of all.

    Example:

    >>> len(part(np.arange(33_333), 0.1))
    3333

    Args:
        indices: Samples in random order.
        fraction: Fraction of the samples, in (0, 1].

    Returns:
        An index array, the beginning of `indices`.

    Raises:
        ValueError: If the fraction is out of its range or leaves no sample.
    """
    count = int(fraction * len(indices)) if 0 < fraction <= 1 else 0
    if not count:
        raise ValueError(
            "`rounds.fraction` must be in (0, 1] and leave at least one "
            f"sample. Received: rounds.fraction={fraction} of {len(indices)} "
            "samples."
        )
    return indices[:count]


def check_classes(chosen: np.ndarray, labels: np.ndarray, what: str) -> None:
    """Raises a ValueError if a part of the samples lacks a class.

    Args:
        chosen: Labels of the part.
        labels: Labels of all samples.
        what: Config field that determines the part, with its value.
    """
    missing = np.setdiff1d(labels, chosen)
    if missing.size:
        named = ", ".join(map(str, missing[:5]))
        more = f" and {missing.size - 5} others" if missing.size > 5 else ""
        raise ValueError(
            "Each class must have a sample in the first round. Received: "
            f"{what}, which leaves no sample of class {named}{more} among "
            f"{len(chosen)} samples. Use more samples."
        )


def two_phase(indices: np.ndarray, fraction: float = 0.5) -> list[np.ndarray]:
    """Returns two rounds: a fraction of the samples, then all samples.

    Example:

    >>> [len(round) for round in two_phase(np.arange(33_333), 0.5)]
    [16666, 33333]

    Args:
        indices: Samples in random order.
        fraction: Fraction of the samples in the first round, in (0, 1).
            Defaults to 0.5.

    Returns:
        List of two index arrays; the first is the beginning of the second.

    Raises:
        ValueError: If the fraction is out of its range or leaves no sample.
    """
    count = int(fraction * len(indices)) if 0 < fraction < 1 else 0
    if not count:
        raise ValueError(
            "`fraction` must be in (0, 1) and give the first round at least "
            f"one sample. Received: fraction={fraction} of {len(indices)} "
            "samples."
        )
    return [indices[:count], indices]


def two_parts(indices: np.ndarray, fraction: float) -> list[np.ndarray]:
    """Returns two rounds: a fraction of the samples, then the others alone.

    Example:

    >>> [len(round) for round in two_parts(np.arange(45_000), 0.1)]
    [4500, 40500]

    Args:
        indices: Samples in random order.
        fraction: Part of them in the first round, in (0, 1).

    Returns:
        List of two index arrays that have no sample in common.

    Raises:
        ValueError: If the fraction is out of its range or leaves nothing.
    """
    first, _ = two_phase(indices, fraction)
    return [first, indices[len(first) :]]


def online(indices: np.ndarray, step: int = 1000) -> list[np.ndarray]:
    """Returns rounds that grow by `step` samples until all have arrived.

    Example:

    >>> [len(round) for round in online(np.arange(2333), 1000)]
    [1000, 2000, 2333]

    Args:
        indices: Samples in random order.
        step: Number of new samples per round; the last round may have fewer.
            Defaults to 1000.

    Returns:
        List of index arrays, each the beginning of the next.

    Raises:
        ValueError: If `step` is not from 1 to the number of samples.
    """
    if not 1 <= step <= len(indices):
        raise ValueError(
            "`step` must be from 1 to the number of samples. "
            f"Received: step={step} of {len(indices)} samples."
        )
    ends = range(step, len(indices) + step, step)
    return [indices[: min(end, len(indices))] for end in ends]
