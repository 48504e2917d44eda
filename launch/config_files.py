"""Errors in a config file, as sentences that name the file and the line."""

import contextlib
import os
import pathlib
import traceback
from collections.abc import Iterator

import ml_collections

_OURS = pathlib.Path(__file__).resolve().parents[1] / "ws_keras"
_LONGEST = 300  # letters of an error


class ConfigError(ValueError):
    """A config file has failed; the message is a sentence."""


@contextlib.contextmanager
def blamed(path: str, *argument: str, flag: str = "--config") -> Iterator[None]:
    """Turns whatever a user's Python file raises into a sentence.

    An error of this package that speaks of a value stays as it is.

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
            raise error from None
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


def _sentence(path: str, error: BaseException, *argument: str) -> str:
    text = _short(" ".join(str(getattr(error, "msg", error)).split()))
    if _is_wrong_call(path, error):
        return (
            "The text after the colon of "
            f"--config={':'.join([path, *argument])} is the argument of its "
            f"get_config, which failed. Received: {text}."
        )
    line = _line(path, error)
    where = f"{path}, line {line}" if line else path
    name = type(error).__name__
    return (
        "`--config` must name a Python file that runs without an error. "
        f"Received: {where} ({name}{': ' if text else ''}{text})."
    )


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


def _is_wrong_call(path: str, error: BaseException) -> bool:
    called = isinstance(error, TypeError) and "get_config()" in str(error)
    return called and _line(path, error) is None


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
