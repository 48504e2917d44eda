"""Runs the settings of a config: rows, TensorBoard curves and a report.

    python -m launch.run --config=quickstart --workdir=runs/quickstart

Any field of the config can be set, as in --config.model.width=64. The same
command again skips the settings that are finished. Once installed, the
command is also called ws-run.
"""

import importlib.util
import pathlib
import sys

from absl import flags
from ml_collections import config_flags

from ws_keras import settings as all_settings
from ws_keras.results import events
from ws_keras.results import report
from ws_keras.results import rows
from ws_keras.results import workdir as workdirs

from . import cli
from . import progress as progresses
from . import start_up

_CONFIGS = pathlib.Path(__file__).resolve().parents[1] / "configs"

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Config file, or the name of one that comes with the package, such as "
    "quickstart or fig2_online.",
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder for rows, TensorBoard events and the report."
)
_SETTINGS = flags.DEFINE_string(
    "settings",
    None,
    "Which settings to run: comma-separated ids, or a regular expression "
    "that is searched in the ids. All if not given.",
)
_LIST = flags.DEFINE_bool(
    "list", False, "Only show the settings and an estimate of their cost."
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite",
    False,
    "Start afresh in a workdir of an earlier run, which is renamed.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of TensorFlow Datasets. TFDS' own if not given."
)
_DOWNLOAD = flags.DEFINE_bool(
    "download", True, "Download a data set that the folder does not hold."
)
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    ["none", "mirrored"],
    "One device, or one replica on each device (MirroredStrategy).",
)


def main(_) -> None:
    """Runs what the flags say."""
    config = _config()
    every = _settings(config)
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
    folder.prepare(
        _record(config), experiment.versions(), overwrite=_OVERWRITE.value
    )
    _run_all(folder, settings, configs, loaded, experiment)
    _write_gaps(folder, every)
    _finish(folder)


def run() -> None:
    """Entry point of `ws-run`."""
    cli.run(main, [_shipped(argument) for argument in sys.argv])


def _shipped(argument: str) -> str:
    """Turns the name of a config that comes with the package into its file."""
    flag, _, value = argument.partition("=")
    if flag.lstrip("-") != "config" or not value.isidentifier():
        return argument
    return f"{flag}={_CONFIGS / value}.py"


def _config():
    names = sorted(p.stem for p in _CONFIGS.glob("*.py"))
    known = [n for n in names if n not in ("__init__", "base")]
    hint = f"Give a file, or one of {known}."
    if not flags.FLAGS["config"].present:
        raise ValueError(f"`--config` is required. {hint}")
    path = config_flags.get_config_filename(flags.FLAGS["config"])
    if not pathlib.Path(path).is_file():
        raise ValueError(
            "`--config` must be a config file. Received: "
            f"--config={pathlib.Path(path).stem}. {hint}"
        )
    return _CONFIG.value


def _settings(config) -> list[all_settings.Setting]:
    path = config_flags.get_config_filename(flags.FLAGS["config"])
    spec = importlib.util.spec_from_file_location("_ws_keras_config", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # A user's file may hold a config alone.
    return getattr(module, "settings", all_settings.product)(config)


def _one_of_each(settings: list) -> list:
    """One setting of each kind that can be wrong in a way of its own."""
    return list({s.overrides: s for s in reversed(settings)}.values())


def _record(config) -> dict:
    # Which settings are run, and from which folder the data come, may change
    # between two commands for the same workdir.
    return {**config.to_dict(), "strategy": _STRATEGY.value}


def _listing(settings, configs, datasets, experiment) -> str:
    lines = []
    for setting in settings:
        config = configs[setting.id]
        num_train = datasets.num_train(config.data.name)
        passes = sum(_passes(setting, config, num_train, experiment))
        lines.append((setting.id, f"{passes:,.0f}"))
    total = sum(int(cost.replace(",", "")) for _, cost in lines)
    head = ("setting", "sample passes (estimate)")
    lines = [head, *lines, (f"{len(settings)} settings", f"{total:,.0f}")]
    width = max(len(name) for name, _ in lines)
    cost_width = max(len(cost) for _, cost in lines)
    return "\n".join(
        f"{name.ljust(width)}  {cost.rjust(cost_width)}" for name, cost in lines
    )


def _passes(setting, config, num_train, experiment) -> list[float]:
    epochs = config.train.epochs
    if epochs is None:
        epochs = config.train.expected_epochs[setting.arm]
    return [n * epochs for n in experiment.sizes(config, num_train)]


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
