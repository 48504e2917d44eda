"""How the running command was called, for its help and its messages."""

import pathlib
import re
import shlex
import shutil
import sys
from collections.abc import Mapping

from absl import flags

_INSTALLED = "ws-"
_OVERWRITE = re.compile(r"--?overwrite(=.*)?")
_NAMES = "run|sweep|report|retrain"
# A command as it is called from a checkout, or once it is installed.
_COMMAND = re.compile(
    rf"(?:python -m )?\b(?:ws_keras\.)?launch\.({_NAMES})\b|"
    rf"\b{_INSTALLED}({_NAMES})\b"
)

_QUOTED = re.compile(r"`(\w+)`")
_RECEIVED = re.compile(r"Received: .*")
_GIVEN = re.compile(r"(?<![\w.:/-])(\w+)=(?=\S)")


def command(name: str) -> str:
    """Returns a command of this package in the form of the running one.

    Args:
        name: `run`, `sweep`, `report` or `retrain`.

    Returns:
        `ws-run` if the running command is an installed one, or else
        `python -m launch.run`.
    """
    if _program().startswith(_INSTALLED):
        return f"{_INSTALLED}{name}"
    return f"python -m {__package__}.{name}"


def named(text: str) -> str:
    """Returns a text in which all commands have the form of the running one."""
    return _COMMAND.sub(lambda found: command(found[1] or found[2]), text)


def as_flags(text: str, others: Mapping[str, str] | None = None) -> str:
    """Returns a message of a Python function in the words of the command.

    Arguments that are named in backquotes, and those after "Received:", become
    the flags that set them.

    Args:
        text: The message.
        others: Arguments to the flags that set them, where these have other
            names. Defaults to none.
    """

    def flag(name: str) -> str:
        meant = (others or {}).get(name, name)
        return f"--{meant}" if meant in flags.FLAGS else name

    text = _QUOTED.sub(lambda found: f"`{flag(found[1])}`", text)
    return _RECEIVED.sub(
        lambda line: _GIVEN.sub(lambda found: f"{flag(found[1])}=", line[0]),
        text,
    )


def again() -> str:
    """Returns the command line that continues this run.

    It is the command as it was given, without `--overwrite`, which would
    rename the folder of the run.
    """
    given = [a for a in sys.orig_argv[1:] if not _OVERWRITE.fullmatch(a)]
    words = [sys.executable, *given]
    program = _program()
    if program.startswith(_INSTALLED) and program in map(_name, given):
        # The script of an installed command; Python reads it.
        place = [_name(word) for word in given].index(program)
        found = shutil.which(program)
        is_found = found and pathlib.Path(found).samefile(sys.argv[0])
        words = [program if is_found else sys.argv[0], *given[place + 1 :]]
    if flags.FLAGS["overwrite"].value and _has_flagfile(given):
        words.append("--nooverwrite")  # it may stand in the file
    return shlex.join(words)


def _program() -> str:
    return _name(sys.argv[0])


def _name(path: str) -> str:
    return pathlib.PurePath(path).name.removesuffix(".exe")


def _has_flagfile(arguments: list[str]) -> bool:
    return any(a.lstrip("-").startswith("flagfile") for a in arguments)
