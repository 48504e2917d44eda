"""Runs settings one after the other in this process, on shared networks."""

import functools
import gc
import time
from collections.abc import Iterator

from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

from . import outcome
from . import plan
from . import prepare
from . import progress as progresses
from . import work

_WAIT_SECONDS = 1.0


class InTurn:
    """Runs settings of one workdir, each from its last checkpoint to its end.

    Networks that were built and traced are kept for further settings.

    Args:
        folder: The `Workdir`.
    """

    def __init__(self, folder: workdirs.Workdir):
        from ws_keras import experiment
        from ws_keras import reuse

        where = {
            "strategy": plan.STRATEGY.value,
            "devices": plan.devices(),
        }
        networks = reuse.Networks(on_drop=work.forget_models)
        self._folder = folder
        self._replicas = experiment.replicas(**where)
        self._run = functools.partial(
            experiment.run, networks=networks, **where
        )
        # Spares the million objects of the imports each collection below.
        gc.collect()
        gc.freeze()

    def run(
        self, settings: list, configs: dict, loaded: dict, stop: stops.Stop
    ) -> None:
        """Runs unfinished settings; those that another process runs come last.

        Args:
            settings: The settings, whose rows can be read.
            configs: Id of each setting to its config.
            loaded: Name of each data set to its `Dataset`.
            stop: The `Stop` to obey.

        Raises:
            stop.Interrupted: A stop was requested; a checkpoint is written.
            ValueError: The disk is full, or the folder cannot be written.
        """
        folder = self._folder
        costs = {
            setting.id: prepare.passes(setting, configs[setting.id])
            for setting in settings
            if not folder.is_finished(setting.id)
        }
        ids = [setting.id for setting in settings]
        intervals = work.Intervals(
            plan.CHECKPOINT_MINUTES.value, plan.CHECKPOINT_EPOCHS.value
        )
        with progresses.Progress(costs, settings=ids) as progress:
            works = work.Work(
                folder, self._run, progress, stop, intervals, self._replicas
            )
            for setting in _free_ones(folder, settings, progress, stop):
                if folder.is_finished(setting.id):
                    progress.skipped(setting.id)
                    continue
                config = configs[setting.id]
                data = prepare.data_of(config, loaded)
                works.setting(setting, config, **data)
                gc.collect()  # a MiB of pipelines that hold themselves
                pairs = [s for s in settings if s.pair == setting.pair]
                with folder.lock():
                    outcome.write_gaps(folder, pairs)


def _free_ones(folder, settings, progress, stop) -> Iterator:
    """Yields each setting while its lock is held, waiting where it must."""
    left, said = list(settings), set()
    while left:
        busy = []
        for setting in left:
            if stop.wanted:
                raise stops.Interrupted
            lock = folder.lock(setting.id)
            if not lock.take():
                busy.append(setting)
                continue
            try:
                yield setting
            finally:
                lock.free()
        if len(busy) == len(left):
            time.sleep(_WAIT_SECONDS)
            for setting in busy:
                if setting.id not in said:
                    holder = folder.lock(setting.id).holder()
                    progress.say(f"{setting.id}  waits for {holder}")
                    said.add(setting.id)
        left = busy
