"""Errors in a config file, as sentences that name the file and the line."""

import collections
import contextlib
import os
import pathlib
import re
import traceback
from collections.abc import Iterator
from typing import Any

import ml_collections

from ws_keras import settings as all_settings

_OURS = pathlib.Path(__file__).resolve().parents[1] / "ws_keras"
_LONGEST = 300  # letters of an error
_MAKER = "get_config"
# What ml_collections says of a field that a config lacks, of one like it, and
# of a value of another type.
_UNKNOWN = re.compile(
    r"Key \"([\w.]+)\" (?:does not exist|cannot be set)|^'(\w+)'(?:\n|$)"
)
_CLOSE = re.compile(r"Did you mean \"([\w.]+)\"")
_MISMATCH = re.compile(
    r"override field '(\w+)'.*?\. (.*) is of original type "
    r"<class '([\w.]+)'> and cannot be casted to type <class '([\w.]+)'>",
    re.DOTALL,
)


class ConfigError(ValueError):
    """A config file has failed; the message is a sentence."""


@contextlib.contextmanager
def blamed(path: str, *argument: str, flag: str = "--config") -> Iterator[None]:
    """Turns whatever a user's Python file raises into a sentence.

    An error of this package that speaks of a value gets only the line.

    Args:
        path: The file.
        argument: What its `get_config` is given, if anything.
        flag: What names the file. Defaults to `"--config"`.

    Raises:
        ConfigError: The block has failed, or has tried to end the process.
    """
    try:
        yield
    except (ConfigError, KeyboardInterrupt):
        raise
    except BaseException as error:
        while error.__context__ is not None and not _line(path, error):
            error = error.__context__
        if isinstance(error, ValueError) and _is_ours(error):
            line = _line(path, error)
            where = f" The error is in {path}, line {line}." if line else ""
            raise ValueError(f"{error}{where}") from None
        sentence = _sentence(path, error, *argument).replace("--config", flag)
        raise ConfigError(sentence) from None


def checked(path: str, config) -> ml_collections.ConfigDict:
    """Returns what `get_config` has returned, if it is a config.

    Raises:
        ConfigError: It is not, or the file could not be read.
    """
    # ml_collections raises what the system has refused at the first look into
    # the config, which is none.
    with contextlib.suppress(AttributeError):
        refused = object.__getattribute__(config, "_error")
        raise ConfigError(_sentence(path, refused))
    if not isinstance(
        config, ml_collections.ConfigDict | ml_collections.FrozenConfigDict
    ):
        raise ConfigError(
            "`--config` must name a file whose get_config returns a "
            f"ConfigDict, as in configs/base.py. Received: {path}, which "
            f"returns {_short(repr(config))}."
        )
    return config


def check_function(path: str, name: str, found: Any) -> None:
    """Raises a ConfigError if what a file calls a function is none."""
    if not callable(found):
        raise ConfigError(
            f"A config file must define `{name}(config)` as a function. "
            f"Received: {path}, with {name} = {_short(repr(found))}."
        )


def settings(path: str, found: Any, config) -> list[all_settings.Setting]:
    """Returns what `settings` has returned, if it is a list of settings.

    Raises:
        ConfigError: It is not, it is empty, or has an id twice, a setting
            changes a field that the config does not have, or the rows of two
            settings could not be told apart.
    """
    is_list = isinstance(found, list | tuple) and all(
        isinstance(setting, all_settings.Setting) for setting in found
    )
    if not is_list or not found:
        raise ConfigError(
            "`--config` must name a file whose settings(config) returns a "
            "list of Setting, such as the result of ws_keras.settings.product. "
            f"Received: {path}, which returns {_short(repr(found))}."
        )
    ids = collections.Counter(setting.id for setting in found)
    twice = [name for name, count in ids.items() if count > 1]
    if twice:
        raise ConfigError(
            "`--config` must name a file whose settings(config) returns each "
            f"setting once. Received: {path}, which returns {twice[0]!r} twice."
        )
    known = {}
    for setting in found:
        try:
            own = all_settings.apply(config, setting)
        except ValueError as error:
            raise ConfigError(f"{error} The config file is {path}.") from None
        other = known.setdefault(_as_in_rows(own, setting), setting.id)
        if other != setting.id:
            raise ConfigError(
                "Settings of one arm and seed must differ in their labels, by "
                "which a report separates their rows. Received: "
                f"{path}, which returns {other!r} and {setting.id!r} with "
                f"labels={dict(setting.labels)}. Add what differs, for example "
                "labels=(('model.units', 16),), or use "
                "ws_keras.settings.product with a grid."
            )
    return list(found)


def _as_in_rows(config, setting: all_settings.Setting) -> tuple:
    """Returns what the rows of a setting tell about it, without its id."""
    return (
        config.experiment,
        config.data.name,
        config.model.name,
        config.optimizer.name,
        str((setting.arm, setting.shrink, setting.perturb, setting.seed)),
        str(sorted(setting.labels)),
    )


def _sentence(path: str, error: BaseException, *argument: str) -> str:
    text = _short(" ".join(str(getattr(error, "msg", error)).split()))
    line = _line(path, error)
    where = f"{path}, line {line}" if line else path
    if line is None and _is_about_get_config(error):
        return _of_get_config(path, error, text, *argument)
    of_field = _of_field(where, error)
    if of_field:
        return of_field
    name = type(error).__name__
    return (
        "`--config` must name a Python file that runs without an error. "
        f"Received: {where} ({name}{': ' if text else ''}{text})."
    )


def _of_field(where: str, error: BaseException) -> str | None:
    """Returns a sentence about a wrong field, if the error is about one."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    text = str(error.args[0]) if error.args else ""
    unknown, mismatch = _UNKNOWN.search(text), _MISMATCH.search(text)
    if unknown:
        close = _CLOSE.search(text)
        hint = f"Did you mean {close[1]!r}? " if close else ""
        return (
            "A config has only the fields of configs/base.py. Received: "
            f"{(unknown[1] or unknown[2])!r} in {where}. {hint}"
            "`print(config)` shows all fields."
        )
    if mismatch:
        name, value, given, wanted = mismatch.groups()
        return (
            f"The field {name!r} of a config must be of type "
            f"{wanted.rpartition('.')[2]}. "
            f"Received: {value} of type {given}, in {where}."
        )
    return None


def _line(path: str, error: BaseException) -> int | None:
    """Returns the last line of the file that the error came through."""
    if isinstance(error, SyntaxError) and _same(path, error.filename):
        return error.lineno
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if _same(path, frame.f_code.co_filename)
    ]
    return lines[-1] if lines else None


def _is_about_get_config(error: BaseException) -> bool:
    """Returns whether `get_config` is missing, or cannot be called so."""
    is_missing = isinstance(error, AttributeError) and error.name == _MAKER
    is_wrong = isinstance(error, TypeError) and (
        f"{_MAKER}()" in str(error) or "object is not callable" in str(error)
    )
    return is_missing or is_wrong


def _of_get_config(path: str, error, text: str, *argument: str) -> str:
    if f"{_MAKER}()" not in text:
        is_missing = isinstance(error, AttributeError)
        what = "has none" if is_missing else f"has something else ({text})"
        return (
            "`--config` must name a file with a function get_config, which "
            "returns a config, as configs/quickstart.py does. Received: "
            f"{path}, which {what}."
        )
    if not argument:
        return (
            "A get_config with an argument needs its value after a colon, as "
            f"in --config={path}:ARGUMENT. Received: --config={path} ({text})."
        )
    return (
        "get_config must accept the argument after the colon of "
        f"--config={':'.join([path, *argument])}. Received: {text}."
    )


def _is_ours(error: BaseException) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    place = pathlib.Path(frame.f_code.co_filename).resolve()
    return place.is_relative_to(_OURS)


def _same(path: str, other: str | None) -> bool:
    if not other:
        return False
    return os.path.realpath(path) == os.path.realpath(other)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
