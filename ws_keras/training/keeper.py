"""The checkpoints of one setting: when to write one, and how to restore it."""

import contextlib
import itertools
import os
import pathlib
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from ws_keras.storage import checkpoint as checkpoints
from ws_keras.storage import regular
from ws_keras.storage import rows
from ws_keras.training import stop as stops

# Fields of the state of a run, and of a place inside a round.
_STATE = {
    "rounds": int,
    "epochs": int,
    "trace_seconds": float,
    "place": dict | None,
    "row": dict | None,
    "notes": dict,
    "replicas": int,
}
_PLACE = {
    "epoch": int,
    "step": int,
    "seconds": list,
    "part": float,
    "cpu_seconds": list,
    "cpu_part": float,
    "rule": dict,
    "measures": dict | None,
}
_RULE = {"value", "best", "waited", "since"}
_SHOWN = 5  # names in a sentence


class Keeper:
    """Keeps the checkpoints of one setting.

    A checkpoint is written after each round, and inside a round when it is
    time or a stop is requested. The last two are kept, and also the last one
    that is not from inside an epoch, which can continue with any number of
    replicas.

    Example:

    ```python
    keeper = Keeper("runs/fig2/fig2_online/warm/seed0", minutes=5)
    data = datasets.load("textures")
    again = {"keeper": keeper, "checkpoint": keeper.newest()}
    for row in experiment.run(config, setting, data, **again):
        ...
    ```

    Args:
        folder: Folder of the checkpoints.
        minutes: Minutes between two checkpoints inside a round, which are
            written at the end of an epoch; `None` writes none. Defaults to 5.
        epochs: Epochs between two checkpoints inside a round. Defaults to
            `None`.
        stop: The `stop.Stop` to obey. Defaults to one that is never requested.
        before: Called before a checkpoint is written, to fsync the files that
            it refers to. Defaults to `None`.
        replicas: Number of replicas of the model. A checkpoint from inside
            an epoch is only used with the same number, because another one
            computes the metrics of the epoch in another way. Defaults to 1.

    Raises:
        ValueError: If an interval is not positive.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        minutes: float | None = 5.0,
        epochs: int | None = None,
        stop: stops.Stop | None = None,
        before: Callable[[], None] | None = None,
        replicas: int = 1,
    ):
        check_intervals(minutes, epochs)
        self.folder = folder
        self.stop = stop or stops.Stop()
        self.problems = []  # sentences about checkpoints that cannot be used
        self._before = before
        self._replicas = replicas
        self._minutes = minutes
        self._epochs = epochs
        self._last = time.monotonic()

    def newest(
        self, accepts: Callable[[dict], bool] = lambda state: True
    ) -> checkpoints.Checkpoint | None:
        """Returns the newest whole checkpoint whose state is accepted.

        Args:
            accepts: Function of the state. Defaults to one that accepts all.

        Returns:
            A `Checkpoint`, or `None`; `problems` says why newer ones were not
            used.
        """
        checkpoints.remove_parts(self.folder)
        for path in checkpoints.paths(self.folder):
            try:
                found = checkpoints.load(path)
                _check_state(found)
            except regular.Irregular:
                raise  # it cannot be read, so it may be whole
            except ValueError as error:
                self.problems.append(str(error))
                checkpoints.set_aside(path)
                continue
            if self._can_go_on(found.state) and accepts(found.state):
                return found
        return None

    def _newest_between(self) -> pathlib.Path | None:
        """Returns the newest checkpoint that is not from inside an epoch."""
        for path in checkpoints.paths(self.folder):
            with contextlib.suppress(ValueError):
                if not _is_inside(checkpoints.load(path).state):
                    return path
        return None

    def is_due(self, epochs: int) -> bool:
        """Returns whether a checkpoint is due after so many epochs."""
        if self.stop.wanted:
            return True
        if self._epochs is not None and epochs % self._epochs == 0:
            return True
        # A monotonic clock: the time of day may jump.
        waited = time.monotonic() - self._last
        return self._minutes is not None and waited >= 60 * self._minutes

    def save(self, state: dict[str, Any], variables: Sequence) -> None:
        """Writes a checkpoint of the values of variables."""
        if self._before is not None:
            self._before()
        values = (ops.convert_to_numpy(variable) for variable in variables)
        state = {**state, "replicas": self._replicas}
        also = self._newest_between() if _is_inside(state) else None
        checkpoints.save(self.folder, state, values, also=also)
        self._last = time.monotonic()

    def _can_go_on(self, state: dict) -> bool:
        return not _is_inside(state) or state["replicas"] == self._replicas


def _is_inside(state: dict) -> bool:
    """Returns whether a checkpoint is from inside an epoch."""
    return bool(state.get("place")) and state["place"]["step"] > 0


def _check_state(checkpoint: checkpoints.Checkpoint) -> None:
    """Checks the state in a file, which may come from somebody else."""
    state = checkpoint.state
    missing = _STATE.keys() - state.keys()
    if missing:
        raise ValueError(
            "A checkpoint must be written by this version of ws_keras. "
            f"Received: {checkpoint.path}, which lacks "
            f"{', '.join(sorted(missing))}."
        )
    wrong = [*_wrong(state, _STATE)] or [
        *_wrong_place(state["place"]),
        *_wrong_notes(state["notes"]),
        *_wrong_stores(state.get("stores", [])),
    ]
    if not wrong and state["row"] is not None:
        try:
            rows.decode(state["row"])
        except ValueError as error:
            wrong = [f"row: {error}"]
    if wrong:
        raise ValueError(
            "A checkpoint must hold the valid state of a run. Received: "
            f"{checkpoint.path} with another {wrong[0]}"
        )


def _wrong_place(place: dict | None) -> Iterator[str]:
    if place is None:
        return
    if not {"epoch", "step"} <= place.keys() <= _PLACE.keys():
        yield f"place of {sorted(place)[:_SHOWN]}."
        return
    kinds = {name: kind for name, kind in _PLACE.items() if name in place}
    wrong = [*_wrong(place, kinds)]
    if wrong:
        yield from wrong
        return
    known = [place[name] for name in kinds if kinds[name] is list]
    if not all(map(_is_amount, itertools.chain(*known))):
        yield "kind of seconds than numbers."
    if any(len(some) not in (0, place["epoch"]) for some in known):
        yield f"number of seconds than its {place['epoch']} epochs."
    rule, measures = place.get("rule", {}), place.get("measures") or {}
    if not (_are_numbers(rule) and rule.keys() <= _RULE):
        yield "rule than a stopping rule remembers."
    if not _are_numbers(measures):
        yield "kind of measures than numbers."


def _wrong_notes(notes: dict) -> Iterator[str]:
    """Checks that notes are lists of samples."""
    lists = [some for some in notes.values() if type(some) is list]
    samples = itertools.chain(*lists)
    if len(lists) < len(notes) or not all(
        type(number) is int and number >= 0 for number in samples
    ):
        yield "kind of notes than lists of samples."


def _wrong_stores(stores: Any) -> Iterator[str]:
    """Checks names, shapes and dtypes of the states of callbacks."""
    try:
        for name, shape, dtype in itertools.chain(*stores):
            is_whole = all(type(n) is int and n >= 0 for n in shape)
            is_plain = np.dtype(dtype).kind in "biuf"
            if type(name) is str and is_whole and is_plain:
                continue
            yield "kind of stores than arrays of callbacks."
    except (TypeError, ValueError):
        yield "kind of stores than arrays of callbacks."


def _are_numbers(values: dict) -> bool:
    kinds = (int, float, type(None))
    return all(type(value) in kinds for value in values.values())


def _wrong(values: dict, kinds: dict) -> Iterator[str]:
    for name, kind in kinds.items():
        value = values[name]
        fits = isinstance(value, kind) and type(value) is not bool
        if kind in (int, float):
            fits = _is_amount(value) and (kind is float or type(value) is int)
        if not fits:
            yield f"{name}: {str(value)[:40]!r}."


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 2**63


def restore(checkpoint: checkpoints.Checkpoint, variables: Sequence) -> None:
    """Gives variables the values of a checkpoint, in their order.

    Raises:
        ValueError: The checkpoint is of another model; nothing is changed.
    """
    shapes = [tuple(variable.shape) for variable in variables]
    dtypes = [ops.convert_to_numpy(v).dtype for v in variables]
    sizes = [
        int(np.prod(shape)) * dtype.itemsize
        for shape, dtype in zip(shapes, dtypes, strict=True)
    ]
    found = [len(array) for array in checkpoint.arrays]
    if found != sizes:
        raise ValueError(
            "A checkpoint must be of the same model and optimizer. Received: "
            f"{checkpoint.path} with {len(found)} variables of "
            f"{sum(found):,} bytes instead of {len(sizes)} variables of "
            f"{sum(sizes):,} bytes. Remove it to restart the setting."
        )
    for variable, data, dtype, shape in zip(
        variables, checkpoint.arrays, dtypes, shapes, strict=True
    ):
        variable.assign(np.frombuffer(data, dtype).reshape(shape))


def check_intervals(minutes: float | None, epochs: int | None) -> None:
    """Raises a ValueError for an interval that is not positive."""
    for name, value in (("minutes", minutes), ("epochs", epochs)):
        if value is not None and not value > 0:
            raise ValueError(
                f"`checkpoint_{name}` must be positive. "
                f"Received: checkpoint_{name}={value}."
            )
