"""A search among arms on the rounds in which the data came."""

import pathlib

import numpy as np

import ws_keras
from ws_keras import searching
from ws_keras.data import merged
from ws_keras.data import parts as makers
from ws_keras.data import past_rounds

from . import called
from . import fresh
from . import reading
from . import retrain_flags as given

# The flags that set arguments of `ws_keras.Search`.
_FLAGS = {
    "candidates": "compare",
    "minutes": "search_minutes",
    "passes": "search_passes",
}
_PARTS = 5
_MOST = 200  # rounds; more are times of single samples


def rounds(data, places: np.ndarray) -> list[np.ndarray]:
    """Returns the samples of each round, the oldest round first.

    Args:
        data: The `roles.Given`.
        places: Where the samples that are trained on stand in the data.

    Returns:
        For each round, the numbers of its samples among those that are
        trained on. Rounds without any are left out.

    Raises:
        ValueError: If there are fewer than two rounds, or too many.
    """
    numbers = _numbers(data)[places]
    found = [np.flatnonzero(numbers == n) for n in np.unique(numbers)]
    if not 1 < len(found) <= _MOST:
        raise ValueError(
            f"A search needs from 2 to {_MOST} rounds with samples to train "
            f"on. Received: {len(found)} from --rounds="
            f"{','.join(given.ROUNDS.value) or _PARTS}. Give more files, a "
            "column with a value for each round, or their number: --rounds=5."
        )
    return found


def _numbers(data) -> np.ndarray:
    """Returns the number of the round of each sample."""
    count = len(data)
    if given.files():
        if not isinstance(data.table, merged.Merged):
            return np.zeros(count, int)
        found = data.table.of_files(count)
        return found if data.order is None else found[data.order]
    name = given.ROUNDS.value[0] if given.ROUNDS.value else str(_PARTS)
    return past_rounds.numbers(data, name)


def search(task, until, folder: pathlib.Path):
    """Returns what a search on the past rounds has found.

    It begins with fresh weights, since those of a saved model have been
    trained on what came later.

    Args:
        task: The `retraining.Task`.
        until: When a round ends.
        folder: Where the search keeps its rows and checkpoints.

    Raises:
        ValueError: If the budget is below one run of each arm.
    """
    minutes, passes = given.SEARCH_MINUTES.value, given.SEARCH_PASSES.value
    arms = {"candidates": given.others()} if given.others() else {}
    if minutes is not None or passes is not None:
        arms["minutes"] = minutes
    wanted = ws_keras.Search(
        passes=passes, seeds=given.SEEDS.value or 5, **arms
    )
    try:
        return ws_keras.fit_rounds(
            task.start.build or fresh.builder(task.grown.model),
            [reading.framed(task.data, pair) for pair in task.rounds],
            reading.framed(task.data, task.parts.held_out),
            wanted,
            first_seed=given.SEED.value,
            monitor=given.MONITOR.value,
            mode=given.MODE.value,
            margin=given.MARGIN.value,
            batch_size=given.BATCH_SIZE.value,
            until=until,
            workdir=folder,
            checkpoint_minutes=given.MINUTES.value,
            name="search",
            verbose=given.VERBOSE.value,
        )
    except searching.TooSmall as error:
        raise ValueError(called.as_flags(str(error), _FLAGS)) from None


def cut(task_parts, data) -> list[tuple]:
    """Returns the samples and targets of each round."""
    return [
        makers.take(task_parts.train, chosen)
        for chosen in rounds(data, task_parts.places)
    ]
