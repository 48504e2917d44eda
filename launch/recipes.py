"""Finds what a report shows of an experiment: `VIEW` in its config file."""

import functools
import importlib.util
import pathlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ws_keras.configs import base

from ws_keras.report import view as views

from . import config_files
from . import start_up

_RUN = "run.json"
CONFIGS = pathlib.Path(__file__).resolve().parents[1] / "configs"


def find(experiment: str, run: Mapping[str, Any]) -> views.Recipe | None:
    """Returns the recipe of an experiment, from our or a user's config file.

    Args:
        experiment: Its name, which is that of a config of the package.
        run: Content of `run.json`; `config_file` is the path of a user's own
            file, whose experiment it is, and `config_argument` is what its
            `get_config` is given, if anything.

    Returns:
        The `view.Recipe`, or `None` where no file is known.

    Raises:
        ConfigError: The file is there and fails.
    """
    config = run.get("config")
    is_own = isinstance(config, Mapping)
    is_own = is_own and config.get("experiment") == experiment
    path = run.get("config_file") if is_own else None
    if isinstance(path, str) and _is_the_users(pathlib.Path(path)):
        argument = run.get("config_argument")
        given = [argument] if isinstance(argument, str) else []
        return _of_file(pathlib.Path(path), *given)
    if experiment not in names():
        return None
    return _of_file(CONFIGS / f"{experiment}.py")


def names() -> list[str]:
    """Returns the names of the configs that come with the package."""
    found = sorted(path.stem for path in CONFIGS.glob("*.py"))
    return [name for name in found if name not in ("__init__", "base")]


@functools.cache
def module(path: pathlib.Path) -> ModuleType:
    """Returns a config file as a module."""
    folder = str(path.parent)
    # As for `--config`, so that the file can import what lies beside it.
    if path.parent != CONFIGS and folder not in sys.path:
        sys.path.append(folder)
    start_up.environment()  # the file may import Keras
    spec = importlib.util.spec_from_file_location("_ws_keras_config", path)
    found = importlib.util.module_from_spec(spec)
    with config_files.blamed(str(path)):
        spec.loader.exec_module(found)
    return found


def _is_the_users(path: pathlib.Path) -> bool:
    """Returns whether a config file exists and is in no folder of a run.

    Somebody may have received such a folder, and must not run its files.
    """
    return (
        path.is_absolute()
        and path.is_file()
        and not any((above / _RUN).exists() for above in path.parents)
    )


def view(path: pathlib.Path, found: ModuleType) -> views.View:
    """Returns the `VIEW` of a config file.

    Raises:
        ConfigError: It is none.
    """
    view = getattr(found, "VIEW", None) or views.View()
    if not isinstance(view, views.View):
        raise config_files.ConfigError(
            "`VIEW` of a config file must be a `ws_keras.report.view.View`. "
            f"Received: {path}, with {str(view)[:80]}."
        )
    return view


def _of_file(path: pathlib.Path, *argument: str) -> views.Recipe:
    found = module(path)
    shown = view(path, found)
    with config_files.blamed(str(path), *argument):
        config = found.get_config(*argument)
    return views.Recipe(
        shown,
        config.to_dict(),
        base.get_config().to_dict(),
        found.__doc__ or "",
    )
