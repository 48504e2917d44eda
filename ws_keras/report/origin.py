"""What `run.json` tells about a run: its recipe, command, cost and origin."""

import inspect
import math
import shlex
from collections.abc import Sequence
from typing import Any

from ws_keras.report import recipe as recipes
from ws_keras.report import sections
from ws_keras.report import view as views
from ws_keras.storage import rows

_INDENT = "    "
_SHOWN = 3  # ids of settings
_WIDTH = 79  # letters of a command on one line
_COMMANDS = ("python -m launch.", "ws-run ")


def title(run: dict[str, Any]) -> str:
    """Returns the first line of the recipe, without its full stop."""
    heading = _known(run, "recipe", str).strip().partition("\n")[0]
    return heading.strip().removesuffix(".")


def completed(run: dict[str, Any], recipe: views.Recipe) -> dict[str, Any]:
    """Returns `run.json` with the title and command that an old one lacks."""
    found = dict(run)
    heading = inspect.cleandoc(recipe.text).partition("\n")[0]
    found["recipe"] = run.get("recipe") or heading
    if not run.get("command"):
        found["command"] = recipes.command(run.get("config", {}), recipe)
    return found


def prose(run: dict[str, Any]) -> list:
    """Returns the recipe's text below its first line, without its command.

    A command that set fields ran another experiment than the text describes,
    so there is none.

    Args:
        run: Content of `run.json`; `recipe` is the docstring of the config.

    Returns:
        `sections.Text` for each paragraph, `sections.Code` for each indented
        one.
    """
    if is_modified(run):
        return []
    parts = inspect.cleandoc(_known(run, "recipe", str)).split("\n\n")[1:]
    found = []
    for part in filter(str.strip, parts):
        lines = part.strip("\n").rstrip().split("\n")
        if not all(line.startswith(_INDENT) for line in lines):
            found.append(sections.Text(" ".join(map(str.strip, lines))))
        elif not lines[0].strip().startswith(_COMMANDS):
            code = "\n".join(line[len(_INDENT) :] for line in lines)
            found.append(sections.Code(code))
    return found


def is_modified(run: dict[str, Any]) -> bool:
    """Returns whether the command set fields of its config."""
    return any(word.startswith("--config.") for word in _words(run))


def planned(run: dict[str, Any]) -> tuple[str, ...]:
    """Returns the ids of all settings of the config, if they are known."""
    found = _known(run, "settings", list)
    return tuple(name for name in found if isinstance(name, str))


def config(run: dict[str, Any], experiment: str) -> dict[str, Any]:
    """Returns the config of an experiment, empty if it is another's."""
    found = run.get("config", {})
    return found if found.get("experiment", experiment) == experiment else {}


def command(run: dict[str, Any]) -> list[sections.Code]:
    """Returns the command that repeats this run, if it is known."""
    words = _words(run)
    if not words:
        return []
    quoted = [*map(_quoted, words), "--workdir=FOLDER"]
    line = " ".join(quoted)
    if len(line) > _WIDTH:
        line = f" \\\n{_INDENT}".join(quoted)
    return [sections.Code(line)]


def progress(names: Sequence[str], found: Sequence[rows.Row]) -> str:
    """Returns how many settings have finished; nothing if all have.

    Args:
        names: Ids of all settings; may be empty.
        found: The rows.
    """
    ended = {row.setting: row.last for row in found}
    known = dict.fromkeys([*names, *ended])
    missing = [name for name in known if name not in ended]
    done = sum(ended.values())
    begun = len(ended) - done
    if not missing and not begun:
        return ""
    parts = [f"{done} of {len(known)} settings are finished"]
    if begun:
        parts.append(f"{begun} unfinished")
    if missing:
        some = ", ".join(missing[:_SHOWN])
        more = ", ..." if len(missing) > _SHOWN else ""
        parts.append(f"{len(missing)} not run ({some}{more})")
    return f"{'; '.join(parts)}."


def made_with(run: dict[str, Any], found: Sequence[rows.Row]) -> sections.Table:
    """Returns the table of seeds, cost, versions and revision."""
    seconds = [
        getattr(row, f"{what}_seconds")
        for row in found
        for what in ("train", "trace", "eval")
    ]
    known = [value for value in seconds if not math.isnan(value)]
    least = "at least " if len(known) < len(seconds) else ""
    lines = [
        ("seeds", ", ".join(map(str, sorted({row.seed for row in found})))),
        ("settings with rows", f"{len({row.setting for row in found}):,}"),
        ("rows", f"{len(found):,}"),
        ("hours of all settings together", f"{least}{sum(known) / 3600:,.2f}"),
        ("sample passes", f"{sum(row.sample_passes for row in found):,}"),
        *((name, str(v)) for name, v in _versions(run).items()),
        ("revision", str(run.get("git_revision") or "unknown")),
    ]
    for later in _known(run, "continued", list):
        if isinstance(later, dict):
            revision = later.get("git_revision") or "other versions"
            words = ", ".join(f"{n} {v}" for n, v in _versions(later).items())
            words = words or "versions not known"
            lines.append(("continued with", f"{revision}: {words}"))
    note = "The file run.json has the whole config."
    return sections.Table("", ("what", "value"), tuple(lines), note)


def _quoted(word: str) -> str:
    """Returns a word as a shell reads it, with readable quotes inside."""
    if "'" in word and not set('"$`\\!').intersection(word):
        return f'"{word}"'
    return shlex.quote(word)


def _words(run: dict[str, Any]) -> list[str]:
    words = _known(run, "command", list)
    return words if all(isinstance(word, str) for word in words) else []


def _versions(run: dict[str, Any]) -> dict[str, Any]:
    return _known(run, "versions", dict)


def _known(run: dict[str, Any], name: str, kind: type) -> Any:
    """Returns an entry of `run.json`, empty if it is of another type."""
    found = run.get(name)
    return found if isinstance(found, kind) else kind()
