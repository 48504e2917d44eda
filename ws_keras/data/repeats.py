"""Finds repeated samples, such as rounds that hold all data so far."""

import itertools
from collections.abc import Sequence

import numpy as np

from ws_keras import callers
from ws_keras.data import doubts

# Few samples, and those of a table with few values, may recur by chance.
_FEW, _DISTINCT = 10, 0.9
_SHARE = 0.5
_COPIES = 0.25  # as pairs, they make an error 18 % too small: 1 - 1.5**-0.5


class RepeatedSamples(doubts.DoubtfulData):
    """The samples of a round occur again in the next one."""


def check(
    found: np.ndarray, ends: Sequence[int], names: Sequence[str] = ()
) -> str:
    """Warns if a round repeats most samples of the round before it.

    Training and measurement add the samples of earlier rounds, so repeated
    ones count several times.

    Example:

    >>> check(np.arange(40), [20, 40])
    ''

    Args:
        found: Digest of each sample, in the order of the rounds.
        ends: End of each round.
        names: Name of each round for the warning. Defaults to `"rounds[0]"` and
            so on.

    Returns:
        The text of the warning, or `""`.
    """
    names = names or [f"rounds[{number}]" for number in range(len(ends))]
    rounds = np.split(found[: ends[-1]], ends[:-1])
    for number, (before, now) in enumerate(itertools.pairwise(rounds)):
        share = np.isin(before, now).mean() if len(before) else 0.0
        is_distinct = len(before) >= _FEW and all(
            len(np.unique(some)) >= _DISTINCT * len(some)
            for some in (before, now)
        )
        if is_distinct and share > _SHARE:
            text = (
                f"{100 * share:.0f} % of the samples of {names[number]} occur "
                f"again in {names[number + 1]}. Each of them must hold its new "
                "samples only, because those of earlier rounds are added. "
                "Repeated samples count several times."
            )
            callers.warn(text, RepeatedSamples)
            return text
    return ""


def copied(found: np.ndarray) -> str:
    """Says how many held-out samples equal others, if they are many.

    Copies of one observation count as several, so the intervals of a comparison
    are too narrow.

    Example:

    >>> copied(np.array([1, 1, 2, 2]))[:33]
    '2 of 4 held-out samples equal oth'

    Args:
        found: Digest of each held-out sample with its target, or a row of
            digests for each.

    Returns:
        A sentence, or `""`.
    """
    count = _count(found)
    if count < _COPIES * len(found):
        return ""
    return (
        f"{count:,} of {len(found):,} held-out samples equal others, with the "
        "same target. If they are copies of one observation, the intervals are "
        "too narrow: remove the copies."
    )


def trained_twice(rounds: Sequence[np.ndarray]) -> str:
    """Says how many samples equal others of their round, if they are many.

    Example:

    >>> trained_twice([np.array([1, 1, 2]), np.array([1])])[:30]
    '1 of 4 samples in the rounds e'

    Args:
        rounds: Digests of each round, as in `copied`.

    Returns:
        A sentence, or `""`.
    """
    count, size = sum(map(_count, rounds)), sum(map(len, rounds))
    if count < _COPIES * size:
        return ""
    return (
        f"{count:,} of {size:,} samples in the rounds equal others of their "
        "round, with the same target. If they are copies of one observation, "
        "it is trained on several times in each epoch, which costs sample "
        "passes: remove the copies."
    )


def _count(found: np.ndarray) -> int:
    """Returns how many samples equal an earlier one."""
    return len(found) - len(np.unique(found, axis=0))


def are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal; missing values (NaN) equal each other."""
    kinds = {np.asarray(array).dtype.kind for array in (one, other)}
    return np.array_equal(one, other, equal_nan=kinds == {"f"})
