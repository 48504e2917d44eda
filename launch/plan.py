"""The flags of `run` and `sweep`: which config and which of its settings."""

import pathlib
import re
import sys

from absl import flags
from ml_collections import config_flags
from ws_keras.configs import base

from ws_keras import checks
from ws_keras import settings as all_settings

from . import cli
from . import config_files
from . import lists
from . import recipes
from . import start_up

_CONFIGS = recipes.CONFIGS

CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Config file, or the name of a config of the package, such as quickstart "
    "or fig2_online. --list shows all names.",
    sys_argv=cli.ARGV,
)
WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder for rows, TensorBoard events and the report."
)
SETTINGS = flags.DEFINE_multi_string(
    "settings",
    None,
    "Settings to run: comma-separated ids, or a regular expression that is "
    "searched in the ids. The flag may be repeated. Defaults to all settings.",
)
LIST = flags.DEFINE_bool(
    "list",
    False,
    "Show the settings and an estimate of their cost without running them. "
    "Without --config, show all configs of the package. The estimate includes "
    "hours with --probe, or if --workdir holds rows of this machine.",
)
PROBE = flags.DEFINE_bool(
    "probe",
    False,
    "With --list: estimate hours by training each kind of network for a few "
    "steps. This takes some seconds for each kind.",
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite",
    False,
    "Start the run again from the beginning. The folder of the earlier run is "
    "renamed, not deleted.",
)
DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of TensorFlow Datasets. Defaults to the usual folder of "
    "TensorFlow Datasets.",
)
DOWNLOAD = flags.DEFINE_bool(
    "download", True, "Download a data set that the folder does not hold."
)
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    ["none", "mirrored", "data_parallel"],
    "How to use devices. none: one device. mirrored: a replica on each device, "
    "by TensorFlow's MirroredStrategy. data_parallel: a replica on each "
    "device, by Keras' DataParallel on JAX.",
)
DEVICES = lists.define(
    "devices",
    None,
    "Devices of the strategy: their number (the first ones are used), or names "
    "such as gpu:0,gpu:1. Without a GPU, a number splits the CPU into this "
    "many devices. Defaults to all devices.",
)
CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    5.0,
    "Minutes between two checkpoints within a round. Checkpoints are written "
    "at the end of an epoch. Each round also ends with a checkpoint.",
)
flags.register_validator(
    "checkpoint_minutes",
    lambda minutes: minutes is None or minutes > 0,
    message="`--checkpoint_minutes` must be positive.",
)
CHECKPOINT_EPOCHS = flags.DEFINE_integer(
    "checkpoint_epochs",
    None,
    "Epochs between two checkpoints within a round, in addition to "
    "--checkpoint_minutes. Defaults to no limit.",
    lower_bound=1,
)
REPORT = flags.DEFINE_bool("report", True, "Write the report at the end.")


names = recipes.names


class _ConfigParser(flags.ArgumentParser):
    """Reads a config file, which is given by its path or by its name."""

    def __init__(self, usual: flags.ArgumentParser):
        self._usual = usual

    def parse(self, argument: str):
        path, *given = _file_of(argument)
        if not pathlib.Path(path).is_file():
            near = checks.nearest(argument, names())
            guess = f"Did you mean --config={near}?" if near else _hint()
            raise ValueError(
                "`--config` must name a config file. Received: "
                f"--config={argument}; there is no file {path}. {guess}"
            )
        _make_importable(pathlib.Path(path).resolve().parent)
        start_up.environment()  # the file may import Keras
        with config_files.blamed(path, *given):
            found = self._usual.parse(":".join([path, *given]))
        return config_files.checked(path, found)


flags.FLAGS["config"].parser = _ConfigParser(flags.FLAGS["config"].parser)
lists.accept_in_configs()


def _make_importable(folder: pathlib.Path) -> None:
    """Lets Python find modules beside the file and in the current folder."""
    for place in map(str, (folder, pathlib.Path.cwd())):
        # Last: nothing that is installed may be hidden.
        if folder != _CONFIGS and place not in sys.path:
            sys.path.append(place)


def is_given() -> bool:
    """Returns whether there is a `--config`."""
    return bool(flags.FLAGS["config"].present)


def config():
    """Returns the config that `--config` names.

    Raises:
        ValueError: If the flag is missing, or a field has no value.
    """
    if not is_given():
        raise ValueError(f"`--config` is required. {_hint()}")
    _check_none_is_missing(CONFIG.value, base.get_config())
    _say_seed(CONFIG.value)
    return CONFIG.value


def file() -> list[str]:
    """Returns the path of the config file, and the argument it is given."""
    return _file_of(config_flags.get_config_filename(flags.FLAGS["config"]))


def devices() -> str | None:
    """Returns `--devices` as `strategy` takes them."""
    return None if DEVICES.value is None else ",".join(DEVICES.value)


def chosen(every: list[all_settings.Setting]) -> list[all_settings.Setting]:
    """Returns the settings that `--settings` selects, in their order.

    Raises:
        ValueError: If a value of the flag selects none.
    """
    if SETTINGS.value is None:
        return every
    parts = [all_settings.select(every, part) for part in SETTINGS.value]
    ids = {setting.id for part in parts for setting in part}
    return [setting for setting in every if setting.id in ids]


def _file_of(argument: str) -> list[str]:
    # What follows a colon is the argument of the file's `get_config`.
    name, *given = argument.split(":", 1)
    path = f"{_CONFIGS / name}.py" if name.isidentifier() else name
    return [path, *given]


def _hint() -> str:
    return f"Give a file, or one of {', '.join(names())}."


_BARE_SEED = re.compile(r"^--?config\.seeds[=\n](\d+)$", re.MULTILINE)


def _say_seed(config) -> None:
    """Explains that one number is a seed, not the number of seeds."""
    found = _BARE_SEED.search("\n".join(cli.ARGV))
    number = int(found[1]) if found else 0
    # Nobody means "no seeds" by 0.
    if number and len(config.seeds) == 1:
        count = number if 2 <= number <= 10 else 3
        first = ",".join(map(str, range(count)))
        print(
            f"--config.seeds={number} means one seed, the number {number}. To "
            f"use {count} seeds, write --config.seeds={first}.",
            file=sys.stderr,
        )


def _check_none_is_missing(config, full, prefix: str = "") -> None:
    for name, default in full.items():
        value = config.get(name)
        if hasattr(default, "items"):
            if value is not None:
                _check_none_is_missing(value, default, f"{prefix}{name}.")
        elif value is None and default is not None:
            raise ValueError(
                f"`config.{prefix}{name}` must have a value. Received: None. "
                f"The default in configs/base.py is {default!r}."
            )


def settings(config) -> list[all_settings.Setting]:
    """Returns all settings of the config file, chosen or not.

    Raises:
        ValueError: If `settings` or `VIEW` of the file is wrong.
    """
    path, loaded = file()[0], _loaded()
    recipes.view(pathlib.Path(path), loaded)  # before the training, not after
    # A user's file may hold a config alone.
    make = getattr(loaded, "settings", all_settings.product)
    with config_files.blamed(path):
        config_files.check_function(path, "settings", make)
        found = make(config)
    return config_files.settings(path, found, config)


def recipe() -> str | None:
    """Returns the docstring of the config file, about its experiment."""
    return _loaded().__doc__


def notes() -> dict[str, str]:
    """Returns the path of a user's config file, which has the `VIEW`.

    With it, the argument that its `get_config` is given, if there is one.
    """
    name, *argument = file()
    path = pathlib.Path(name).resolve()
    if path.parent == _CONFIGS:
        return {}
    given = {"config_argument": argument[0]} if argument else {}
    return {"config_file": str(path), **given}


def command() -> list[str]:
    """Returns the words of a command with the same config."""
    path, *argument = file()
    # A config of the package is found by its name wherever that is installed.
    real = pathlib.Path(path).resolve()
    name = real.stem if real.parent == _CONFIGS else path
    return ["ws-run", f"--config={':'.join([name, *argument])}", *overrides()]


def overrides() -> list[str]:
    """Returns the flags that set fields of the config, as they were given."""
    fields = config_flags.get_override_values(flags.FLAGS["config"])
    return [
        f"--config.{field}={_literal(value)}" for field, value in fields.items()
    ]


def _literal(value) -> str:
    # A part of a config would be shown as YAML, which no flag takes.
    return str(value.to_dict() if hasattr(value, "to_dict") else value)


def named(name: str):
    """Returns a config that comes with the package, as its module."""
    return recipes.module(_CONFIGS / f"{name}.py")


def _loaded():
    return recipes.module(pathlib.Path(file()[0]))
