"""Runs the settings of a config: rows, TensorBoard curves and a report.

    python -m launch.run --config=quickstart --workdir=runs/quickstart

Any field of the config can be set, as in --config.model.width=64. The same
command again skips the settings that are finished. Once installed, the
command is also called ws-run.
"""

import sys

from absl import flags

from ws_keras import settings as all_settings
from ws_keras.results import events
from ws_keras.results import rows
from ws_keras.results import workdir as workdirs

from . import cli
from . import outcome
from . import plan
from . import prepare
from . import progress as progresses
from . import start_up

_CONFIG = plan.CONFIG
_WORKDIR = plan.WORKDIR
_SETTINGS = plan.SETTINGS
_LIST = flags.DEFINE_bool(
    "list", False, "Only show the settings and an estimate of their cost."
)
_OVERWRITE = plan.OVERWRITE
_REPORT = plan.REPORT
_DATA_DIR = plan.DATA_DIR
_DOWNLOAD = plan.DOWNLOAD
_STRATEGY = plan.STRATEGY


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
        print(_listing(settings, configs, datasets))
        return
    if _WORKDIR.value is None:
        raise ValueError("`--workdir` is required, except with --list.")
    loaded = prepare.load(config, settings, configs)
    folder = workdirs.Workdir(_WORKDIR.value)
    record = prepare.record(config)
    folder.prepare(record, experiment.versions(), overwrite=_OVERWRITE.value)
    _run_all(folder, settings, configs, loaded, experiment)
    if _REPORT.value:
        outcome.write_gaps(folder, every)
        outcome.report(folder)


def run() -> None:
    """Entry point of `ws-run`."""
    cli.run(main, [plan.shipped(argument) for argument in sys.argv])


def _listing(settings, configs, datasets) -> str:
    costs = {}
    for setting in settings:
        config = configs[setting.id]
        num_train = datasets.num_train(config.data.name)
        costs[setting.id] = sum(prepare.passes(setting, config, num_train))
    return plan.table(costs)


def _run_all(folder, settings, configs, loaded, experiment) -> None:
    todo = [s for s in settings if not folder.is_finished(s.id)]
    costs = {}
    for setting in todo:
        config = configs[setting.id]
        num_train = len(loaded[config.data.name].x)
        costs[setting.id] = prepare.passes(setting, config, num_train)
    progress = progresses.Progress(costs)
    for setting in settings:
        if setting not in todo:
            progress.skipped(setting.id)
            continue
        folder.restart(setting.id)
        config = configs[setting.id]
        dataset = loaded[config.data.name]
        _run_one(folder, setting, config, dataset, experiment, progress)
        outcome.write_gaps(folder, settings)


def _run_one(folder, setting, config, dataset, experiment, progress) -> None:
    path = folder.folder(setting.id)
    with events.Events(path, _hparams(setting, config)) as writer:

        def on_epoch(epoch: rows.Epoch) -> None:
            rows.append_epoch(folder.epochs_path(setting.id), epoch)
            writer.epoch(epoch)
            progress.epoch(epoch)

        for row in experiment.run(
            config,
            setting,
            dataset,
            strategy=_STRATEGY.value,
            on_epoch=on_epoch,
        ):
            rows.append(folder.rows_path(setting.id), row)
            writer.round(row)
            progress.round(row)


def _hparams(setting, config) -> dict:
    return {
        "arm": setting.arm,
        "shrink": setting.shrink,
        "perturb": setting.perturb,
        "seed": setting.seed,
        "dataset": config.data.name,
        "model": config.model.name,
        "width": config.model.width,
        "optimizer": config.optimizer.name,
        "learning_rate": config.optimizer.learning_rate,
        "batch_size": config.train.batch_size,
    }


if __name__ == "__main__":
    run()
