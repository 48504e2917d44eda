"""Runs the settings of a config: rows, TensorBoard curves and a report.

    python -m launch.run --config=quickstart --workdir=runs/quickstart

Any field of the config can be set, as in --config.model.width=64. The same
command again skips the settings that are finished. Once installed, the
command is also called ws-run.
"""

import functools
import sys
import time
from collections.abc import Iterator

from absl import flags

from ws_keras import settings as all_settings
from ws_keras.results import events
from ws_keras.results import report
from ws_keras.results import rows
from ws_keras.results import workdir as workdirs
from ws_keras.training import stop as stops

from . import cli
from . import plan
from . import progress as progresses
from . import signals
from . import start_up
from . import work

_WAIT_SECONDS = 1.0

_CONFIG = plan.CONFIG
_WORKDIR = plan.WORKDIR
_SETTINGS = plan.SETTINGS
_LIST = flags.DEFINE_bool(
    "list", False, "Only show the settings and an estimate of their cost."
)
_OVERWRITE = plan.OVERWRITE
_DATA_DIR = plan.DATA_DIR
_DOWNLOAD = plan.DOWNLOAD
_STRATEGY = plan.STRATEGY
_CHECKPOINT_MINUTES = plan.CHECKPOINT_MINUTES
_CHECKPOINT_EPOCHS = plan.CHECKPOINT_EPOCHS
_REPORT = plan.REPORT


def main(_) -> None:
    """Runs what the flags say."""
    config = plan.config()
    every = plan.settings(config)
    settings = all_settings.select(every, _SETTINGS.value)
    configs = {s.id: all_settings.apply(config, s) for s in settings}
    with start_up.tensorflow():
        from ws_keras import experiment
        from ws_keras.data import datasets
    if _LIST.value:
        print(_listing(settings, configs, datasets, experiment))
        return
    if _WORKDIR.value is None:
        raise ValueError("`--workdir` is required, except with --list.")
    loaded = {}
    with start_up.tensorflow():
        for name in dict.fromkeys(c.data.name for c in configs.values()):
            loaded[name] = datasets.load(
                name,
                data_dir=_DATA_DIR.value,
                download=_DOWNLOAD.value,
                with_test=config.data.split == "official_test",
            )
        experiment.start(config, _STRATEGY.value)
        for setting in _one_of_each(settings):
            cell = configs[setting.id]
            experiment.validate(cell, setting, loaded[cell.data.name])
    folder = workdirs.Workdir(_WORKDIR.value)
    for setting in every:
        folder.folder(setting.id)  # refuses a name that is none
    folder.prepare(
        config.to_dict(),
        experiment.versions(),
        overwrite=_OVERWRITE.value,
        strategy=_STRATEGY.value,
    )
    with signals.Signals() as received:
        try:
            _run_all(folder, settings, configs, loaded, received.stop)
        except stops.Interrupted:
            received.leave()
    with folder.lock():
        _write_gaps(folder, every)
        if _REPORT.value:
            _finish(folder)


def run() -> None:
    """Entry point of `ws-run`."""
    cli.run(main, [plan.shipped(argument) for argument in sys.argv])


def _one_of_each(settings: list) -> list:
    """One setting of each kind that can be wrong in a way of its own."""
    return list({s.overrides: s for s in reversed(settings)}.values())


def _listing(settings, configs, datasets, experiment) -> str:
    costs = {}
    for setting in settings:
        config = configs[setting.id]
        num_train = datasets.num_train(config.data.name)
        costs[setting.id] = sum(_passes(setting, config, num_train, experiment))
    return plan.table(costs)


def _passes(setting, config, num_train, experiment) -> list[float]:
    sizes = experiment.sizes(config, num_train)
    return plan.passes(setting, config, sizes)


def _run_all(folder, settings, configs, loaded, stop) -> None:
    """Runs what is not finished; what another process runs comes last."""
    from ws_keras import experiment

    costs = {}
    for setting in settings:
        config = configs[setting.id]
        num_train = len(loaded[config.data.name].x)
        if not folder.is_finished(setting.id):
            costs[setting.id] = _passes(setting, config, num_train, experiment)
    progress = progresses.Progress(costs)
    run = functools.partial(experiment.run, strategy=_STRATEGY.value)
    intervals = work.Intervals(
        _CHECKPOINT_MINUTES.value, _CHECKPOINT_EPOCHS.value
    )
    works = work.Work(folder, run, progress, stop, intervals)
    for setting in _free_ones(folder, settings, progress, stop):
        if folder.is_finished(setting.id):
            progress.skipped(setting.id)
            continue
        config = configs[setting.id]
        works.setting(setting, config, loaded[config.data.name])
        with folder.lock():
            _write_gaps(folder, settings)


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


def _write_gaps(folder, settings) -> None:
    done = [s for s in settings if folder.is_finished(s.id)]
    cold = {s.pair: s for s in done if s.arm == "cold"}
    for setting in done:
        if setting.arm != "cold" and setting.pair in cold:
            ours, theirs = (
                rows.read(folder.rows_path(s.id))
                for s in (setting, cold[setting.pair])
            )
            events.write_gap(folder.folder(setting.id), ours, theirs)


def _finish(folder: workdirs.Workdir) -> None:
    print(report.write(folder.path))
    print(f"tensorboard --logdir={folder.path}")


if __name__ == "__main__":
    run()
