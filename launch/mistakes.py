"""What a command says of a flag that is wrong, with the nearest right one."""

import itertools
import re
from collections.abc import Iterable
from collections.abc import Sequence

from absl import flags
from ws_keras.configs import base

from ws_keras import checks

# What absl, and a config flag of ml_collections, say of a value. The words that
# are captured are shown.
_ILLEGAL = re.compile(r"flag (--\S+?)=(.*?): (.*)", re.DOTALL)
_KINDS = (
    (re.compile(r"invalid literal for int\(\).*"), "a whole number"),
    (re.compile(r"could not convert string to float.*"), "a number"),
    (re.compile(r".*Non-boolean argument.*"), "true or false"),
    (re.compile(r"\S+ is not (an? .*)"), r"\1"),
    (
        re.compile(r"Failed to parse .* as a ConfigDict.*"),
        "a group of fields, each of which is set by itself",
    ),
)
_CHOICES = re.compile(r"value should be one of <(.*)>")
_REQUIRED = re.compile(r"flag --(\S+)=None: Flag .*")
# What a config says of a field that it lacks, and of one like it.
_NO_FIELD = re.compile(r"'(\w+)'(?:\.| Did you mean \"(\w+)\" instead .*)")


def sentence(error: BaseException, text: str, argv: Sequence[str]) -> str:
    """Returns what a command says of an error of its flags.

    Args:
        error: What was raised while the flags were parsed.
        text: Its message, in one line.
        argv: Program name and arguments.

    Returns:
        One or several sentences; `text` itself if it is one already.
    """
    if isinstance(error, flags.UnrecognizedFlagError):
        return _unknown(error.flagname, argv)
    required = _REQUIRED.match(text)
    if required:
        return _required(required[1], argv)
    field = _NO_FIELD.fullmatch(text)
    if field:
        return _no_field(text, field[1], field[2], argv)
    illegal = _ILLEGAL.fullmatch(text)
    return _illegal(text, *illegal.groups()) if illegal else text


def stray(words: Sequence[str], missing: str | None = None) -> str:
    """Returns what a command says of arguments that are no flags.

    Args:
        words: The arguments.
        missing: A required flag that is not given. Defaults to none.
    """
    guess = ""
    if missing and len(words) == 1:
        guess = f" Did you mean --{missing}={words[0]}?"
    return (
        "A command takes flags only, such as --name=value. "
        f"Received: {' '.join(words)!r}.{guess}"
    )


def _unknown(name: str, argv: Sequence[str]) -> str:
    head = name.partition(".")[0]
    own = flags.FLAGS.flag_values_dict()
    known = [*own, *(f"no{n}" for n in own if flags.FLAGS[n].boolean)]
    near = checks.nearest(head, known)
    (given,) = [a for a in argv[1:] if _name(a) == name][:1] or [f"--{name}"]
    return f"Unknown flag. Received: {given}.{_instead(given, head, near)}"


def _required(name: str, argv: Sequence[str]) -> str:
    words = [
        word
        for before, word in itertools.pairwise(argv)
        # The value of a flag may be an argument of its own.
        if not word.startswith("-")
        and (before is argv[0] or "=" in before or not before.startswith("-"))
    ]
    return stray(words, name) if words else f"`--{name}` is required."


def _no_field(
    text: str, name: str, near: str | None, argv: Sequence[str]
) -> str:
    named = [a for a in argv if name in _fields(a)]
    # Another group may have a field of this name.
    given = [a for a in named if not _exists(a)] or named
    if not given:
        return text
    guess = _instead(given[0], name, near)
    return (
        f"`--config` has no field {name!r}. Received: {' '.join(given)}."
        f"{guess or ' configs/base.py lists all fields.'}"
    )


def _illegal(text: str, flag: str, value: str, reason: str) -> str:
    given = f"{flag}={value}"
    choices = _CHOICES.match(reason)
    if choices:
        known = choices[1].split("|")
        near = checks.nearest(value, known)
        guess = f" Did you mean {flag}={near}?" if near else ""
        return (
            f"`{flag}` must be one of {', '.join(known)}. "
            f"Received: {given}.{guess}"
        )
    for pattern, kind in _KINDS:
        found = pattern.fullmatch(reason.removesuffix("."))
        if found:
            return f"`{flag}` must be {found.expand(kind)}. Received: {given}."
    # A sentence that names the flag and what came needs no heading.
    is_whole = reason.startswith(("`--", "What follows"))
    is_whole |= flag == "--config" and "Received: " in reason
    return reason if is_whole else text


def _instead(given: str, wrong: str, near: str | None) -> str:
    """Returns a question that shows an argument with another name."""
    if near is None:
        return ""
    right = re.sub(rf"(?<=[.-]){re.escape(wrong)}\b", near, given, count=1)
    return f" Did you mean {right}?"


def _exists(argument: str) -> bool:
    """Whether a config usually has the field that an argument sets."""
    found = base.get_config()
    for field in _fields(argument):
        try:
            found = found[field]
        except (AttributeError, KeyError, TypeError):
            return False
    return True


def _name(argument: str) -> str:
    return argument.lstrip("-").partition("=")[0]


def _fields(argument: str) -> Iterable[str]:
    flag, *fields = argument.partition("=")[0].split(".")
    is_config = flag.lstrip("-") == "config"
    return [f.partition("[")[0] for f in fields] if is_config else []
