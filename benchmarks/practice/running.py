"""Runs the arms of a task, all on the same rounds."""

import functools
import pathlib
import types
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from benchmarks.practice import tasks
from ws_keras import comparing
from ws_keras import networks
from ws_keras import settings
from ws_keras.data import arrivals
from ws_keras.storage import rows
from ws_keras.training import terms

ARMS = (
    "cold",
    "warm",
    "shrink_perturb-0.8-0.01",
    "shrink_perturb-0.6-0.01",
    "shrink_perturb-0.4-0.1",
    "fire",
    "dash-0.3-0.3",
    "rewarm_reset",
)
PATIENCE = 5
MIN_DELTA = 1e-3  # of the validation loss
MAX_EPOCHS = 200
_NEVER = 1e6  # minutes: checkpoints are written after each round alone


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Ends a round when its validation loss has stopped falling.

    The weights of the best epoch are put back. All arms have this rule: a
    round ends when nothing more is gained on samples that are never learned,
    however it has begun. It is neither a training accuracy that noisy targets
    never reach nor a number of epochs that a warm start, which has trained
    before, would profit from.

    Args:
        parts: Validation samples and targets of each round.
    """

    def __init__(self, parts: Sequence[tasks.Pair]):
        super().__init__(
            "loss",
            min_delta=MIN_DELTA,
            patience=PATIENCE,
            mode="min",
            restore_best_weights=True,
        )
        x, y = zip(*parts, strict=True)
        self._x, self._y = np.concatenate(x), np.concatenate(y)
        self._ends = np.cumsum([len(part) for part in y])
        self.number = 1  # the round

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        end = self._ends[self.number - 1]
        known = self._x[:end], self._y[:end]
        self._data = tf.data.Dataset.from_tensor_slices(known).batch(1024)

    def get_monitor_value(self, logs):
        found = self.model.evaluate(self._data, verbose=0, return_dict=True)
        return found["loss"]


class Next(arrivals.Data):
    """Data of which each round is measured on its own held-out part alone."""

    @functools.cached_property
    def held_out(self) -> np.ndarray:
        """Indices of the part of the last round."""
        return self.seen(len(self.ends))

    def seen(self, number: int) -> np.ndarray:
        """Returns the held-out samples of a round."""
        bounds = [self.ends[-1], *self.parts]
        return np.arange(bounds[number - 1], bounds[number])

    def old_and_new(self, number: int) -> None:
        """Tells nothing apart."""


class Loop(comparing.Loop):
    """The loop of `fit_rounds`, whose callback is told the round."""

    def __init__(self, *args, stopping: EarlyStopping, **kwargs):
        super().__init__(*args, callbacks=[stopping], **kwargs)
        self._stopping = stopping

    def view(self, setting, number):
        self._stopping.number = number
        return super().view(setting, number)


def run(
    name: str,
    task: tasks.Task,
    arms: Sequence[str],
    seeds: Sequence[int],
    workdir: str | pathlib.Path,
) -> list[rows.Row]:
    """Trains all arms and seeds of a task; goes on where it was left.

    Args:
        name: Name of the task, the experiment of the rows.
        task: The `Task`.
        arms: Arms in their text form.
        seeds: Seeds; they vary weights, noise and the order of the samples,
            not the samples of a round.
        workdir: Folder of the rows, which `ws-report` shows.
    """
    start = networks.InitialNetworks(task.build, seeds[0])
    held_out = list(task.held_out)
    data = arrivals.join(
        task.rounds, held_out if len(held_out) > 1 else held_out[0], start.model
    )
    if task.is_next:
        data = Next(data.x, data.y, data.ends, data.weights, data.parts)
    loop = Loop(
        start,
        data,
        batch_size=task.batch_size,
        first_round=False,
        until=terms.Until(threshold=None, max_epochs=MAX_EPOCHS),
        stopping=EarlyStopping(task.validation),
        # In place, without building the network once more.
        transform={} if task.is_pretrained else {"statistics": "reset"},
        on_end=None,
        name=name,
        verbose=False,
    )
    loop.keep(workdir, _NEVER)
    config = types.SimpleNamespace(experiment=name, arms=arms, seeds=seeds)
    with loop.given:
        loop.run(settings.product(config))
    return rows.read_workdir(workdir)
