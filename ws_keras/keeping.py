"""Stores the state of a comparison, so that the same call can resume it."""

import hashlib
import os
import re
from collections.abc import Iterable
from collections.abc import Iterator

import keras
import numpy as np

from ws_keras import experiment
from ws_keras import settings
from ws_keras.data import arrivals
from ws_keras.storage import checkpoint as checkpoints
from ws_keras.storage import record
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs
from ws_keras.training import keeper as keepers
from ws_keras.training import trainer as trainers

# `fit_rounds` has an argument `workdir`, and nothing to overwrite.
_WORDS = record.Words("`workdir`", "call", "Choose another `workdir`.")


class Kept:
    """Rows, epochs and checkpoints of a comparison, in a folder.

    Args:
        path: Folder of a `Workdir`, which `ws-report` shows.
        minutes: Minutes of training between two checkpoints of a round.
        arguments: All arguments that affect the rows.
    """

    def __init__(
        self, path: str | os.PathLike, minutes: float, arguments: dict
    ):
        self._folder = workdirs.Workdir(path, _WORDS)
        self._minutes, self._arguments = minutes, arguments

    def plan(self, some: Iterable[settings.Setting]) -> None:
        """Notes which settings will be run; a report says which are missing.

        Raises:
            ValueError: If the folder belongs to a call with other arguments.
        """
        self._folder.prepare(
            self._arguments,
            experiment.versions(),
            settings=[setting.id for setting in some],
        )

    def keeper(self, setting: settings.Setting) -> keepers.Keeper:
        """Returns the keeper of a setting's checkpoints."""
        folder = self._folder.folder(setting.id)
        return keepers.Keeper(folder, minutes=self._minutes)

    def resume(
        self,
        setting: settings.Setting,
        keeper: keepers.Keeper,
        trainer: trainers.Trainer,
    ) -> list[rows.Row]:
        """Resumes a trainer from the last checkpoint of a setting.

        Returns:
            The rows that exist already.
        """
        folder = self._folder
        found = keeper.newest(lambda state: folder.can_go_on(setting.id, state))
        if found is None:
            folder.restart(setting.id)
            checkpoints.remove(keeper.folder)
            return []
        folder.cut_back(setting.id, found.state)
        trainer.resume(found)
        return folder.rows_of(setting.id)

    def append_epoch(self, epoch: rows.Epoch) -> None:
        """Stores an epoch."""
        self._folder.append_epoch(epoch)

    def kept(self, found: Iterator[rows.Row]) -> Iterator[rows.Row]:
        """Stores rows and yields them."""
        for row in found:
            self._folder.append(row)
            yield row


def arguments(model: keras.Model, data: arrivals.Data, given: dict) -> dict:
    """Returns all arguments that affect the rows of a comparison.

    Args:
        model: Model with its initial values.
        data: Data of the comparison.
        given: Further arguments.
    """
    return {
        **{name: _plain(value) for name, value in given.items()},
        # Keras numbers the names of layers across models.
        "model": _digest([re.sub(r'_\d+(?=")', "", model.to_json()).encode()]),
        "weights": _digest(
            np.ascontiguousarray(keras.ops.convert_to_numpy(variable))
            for variable in model.variables
        ),
        "samples": _digest(_leaves(data.x)),
        "targets": _digest(_leaves(data.y)),
        "sample_weights": _digest(_leaves(data.weights)),
        "rounds": list(map(int, [*data.ends, *data.parts])),
    }


def _leaves(values) -> Iterator[np.ndarray]:
    for leaf in keras.tree.flatten(values):
        if leaf is not None:
            yield np.ascontiguousarray(leaf)


def _digest(parts) -> str:
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype.kind not in "biuf":
            part = repr(part.tolist()).encode()
        found.update(part)
    return found.hexdigest()


def _plain(value):
    is_plain = isinstance(value, (bool, int, float, str, type(None)))
    return value if is_plain else repr(value)
