"""The rounds in which the samples of a history have come."""

import itertools

import numpy as np

from ws_keras.data import roles
from ws_keras.data import times


def numbers(data: roles.Given, name: str) -> np.ndarray:
    """Returns the number of the round of each sample.

    Args:
        data: The history.
        name: Number of equal parts, such as `"5"`, or the column or array with
            the round of each sample. Samples of equal time belong to the round
            of the first of them.

    Returns:
        Integers, `(n,)`; larger ones are later.

    Raises:
        ValueError: The column cannot be put in order, or contradicts the times
            of the samples.
    """
    if not name.isdigit():
        found = times.rounds(data.table, name, data.column(name))
        _check_in_time(data, name, found)
        return found
    count = len(data)
    found = np.arange(count) * max(1, int(name)) // count
    ties = data.instants
    return found if ties is None else found[np.searchsorted(ties, ties)]


def _check_in_time(data: roles.Given, name: str, found: np.ndarray) -> None:
    """Raises a ValueError if rounds are not in the order of the times.

    After week 52 comes week 1, which would be the oldest round.
    """
    if data.instants is None:
        return
    known = np.unique(found)
    middle = {n: np.median(data.instants[found == n]) for n in known}
    values = data.column(name)
    for before, now in itertools.pairwise(known):
        if middle[before] > middle[now]:
            pair = [values[found == n][0] for n in (before, now)]
            raise ValueError(
                f"{data.name} must hold `{name}` such that larger values are "
                "later, as the times of --order_by are. Received: "
                f"{name}={pair[1]}, whose samples are older than those of "
                f"{name}={pair[0]}. Write the year too, such as 2026-W01, or "
                "give a number of equal parts, such as --rounds=5."
            )
