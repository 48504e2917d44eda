"""The rounds in which a history has come."""

import numpy as np
import pytest

from ws_keras.data import past_rounds
from ws_keras.data import roles
from ws_keras.data import tables


def cut(rounds, day, **columns):
    """The samples of each round; the file is in the order of time."""
    count = len(day)
    data = roles.Given(
        "csv:own.csv",
        np.zeros((count, 1)),
        np.zeros(count),
        table=tables.Table("own", list(columns), columns.get, True),
        order=np.arange(count),
        instants=np.unique(day, return_inverse=True)[1],
    )
    found = past_rounds.numbers(data, rounds)
    return [np.flatnonzero(found == number) for number in np.unique(found)]


def test_equal_parts_do_not_divide_a_time():
    day = np.repeat(np.arange(5), [3, 6, 1, 6, 4])
    found = cut("4", day)  # five samples each, but for the ties
    assert [part.tolist() for part in found] == [
        list(range(9)),
        [9],
        list(range(10, 16)),
        list(range(16, 20)),
    ]
    assert [len(part) for part in cut("4", np.arange(20))] == [5] * 4


def test_week_1_after_week_52_is_not_the_oldest_round():
    day = np.arange(12)
    words = "Received: week=51, whose samples are older than those of week=1"
    with pytest.raises(ValueError, match=words):
        cut("week", day, week=np.repeat([51, 52, 1], 4))
    # A sample that arrived late changes nothing.
    late = np.repeat([1, 2, 3], 4)
    late[[3, 4]] = late[[4, 3]]
    found = cut("week", day, week=late)
    assert [part.tolist() for part in found] == [
        [0, 1, 2, 4],
        [3, 5, 6, 7],
        [8, 9, 10, 11],
    ]
