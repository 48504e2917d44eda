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
from ws_keras.results import report
from ws_keras.results import rows
from ws_keras.results import workdir as workdirs

from . import cli
from . import plan
from . import progress as progresses
from . import start_up

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
_DEVICES = plan.DEVICES


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
        experiment.start(config, _STRATEGY.value, _DEVICES.value, say=print)
        for name in dict.fromkeys(c.data.name for c in configs.values()):
            loaded[name] = datasets.load(
                name,
                data_dir=_DATA_DIR.value,
                download=_DOWNLOAD.value,
                with_test=config.data.split == "official_test",
            )
        for setting in _one_of_each(settings):
            cell = configs[setting.id]
            experiment.validate(cell, setting, loaded[cell.data.name])
    folder = workdirs.Workdir(_WORKDIR.value)
    folder.prepare(
        _record(config), experiment.versions(), overwrite=_OVERWRITE.value
    )
    _run_all(folder, settings, configs, loaded, experiment)
    _write_gaps(folder, every)
    _finish(folder)


def run() -> None:
    """Entry point of `ws-run`."""
    cli.run(main, [plan.shipped(argument) for argument in sys.argv])


def _one_of_each(settings: list) -> list:
    """One setting of each kind that can be wrong in a way of its own."""
    return list({s.overrides: s for s in reversed(settings)}.values())


def _record(config) -> dict:
    # Which settings are run, from which folder the data come and on which
    # devices may change between two commands for the same workdir.
    return config.to_dict()


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


def _run_all(folder, settings, configs, loaded, experiment) -> None:
    todo = [s for s in settings if not folder.is_finished(s.id)]
    costs = {}
    for setting in todo:
        config = configs[setting.id]
        num_train = len(loaded[config.data.name].x)
        costs[setting.id] = _passes(setting, config, num_train, experiment)
    progress = progresses.Progress(costs)
    for setting in settings:
        if setting not in todo:
            progress.skipped(setting.id)
            continue
        folder.restart(setting.id)
        config = configs[setting.id]
        dataset = loaded[config.data.name]
        _run_one(folder, setting, config, dataset, experiment, progress)
        _write_gaps(folder, settings)


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
            devices=_DEVICES.value,
            on_epoch=on_epoch,
        ):
            rows.append(folder.rows_path(setting.id), row)
            writer.round(row)
            progress.round(row)


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


def _finish(folder: workdirs.Workdir) -> None:
    print(report.write(folder.path))
    print(f"tensorboard --logdir={folder.path}")


if __name__ == "__main__":
    run()
