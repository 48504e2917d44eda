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
_MODULES = "python -m launch."


def title(run: dict[str, Any]) -> str:
    """Returns the first line of the recipe, without its full stop."""
    text = run.get("recipe")
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return lines[0].strip().removesuffix(".") if lines else ""


def completed(run: dict[str, Any], recipe: views.Recipe) -> dict[str, Any]:
    """Returns `run.json` with the title and command that an old one lacks."""
    found = dict(run)
    heading = inspect.cleandoc(recipe.text).partition("\n")[0]
    found["recipe"] = run.get("recipe") or heading
    if not run.get("command"):
        found["command"] = recipes.command(run.get("config", {}), recipe)
    return found


def prose(run: dict[str, Any]) -> list:
    """Returns what the recipe says below its first line, its command left out.

    The command stands at the top of a report as it was given. Where it set
    fields the prose speaks of another run, and there is none.

    Args:
        run: Content of `run.json`; `recipe` is the docstring of the config.

    Returns:
        `sections.Text` for each paragraph, `sections.Code` for each indented
        one.
    """
    text = run.get("recipe")
    if not isinstance(text, str) or is_modified(run):
        return []
    parts = inspect.cleandoc(text).split("\n\n")[1:]
    found = [_block(part) for part in parts if part.strip()]
    return [block for block in found if not _is_command(block)]


def is_modified(run: dict[str, Any]) -> bool:
    """Returns whether the command set fields of its config."""
    return any(word.startswith("--config.") for word in _words(run))


def planned(run: dict[str, Any]) -> tuple[str, ...]:
    """Returns the ids of all settings of the config, if they are known."""
    found = run.get("settings")
    if not isinstance(found, list):
        return ()
    return tuple(name for name in found if isinstance(name, str))


def config(run: dict[str, Any], experiment: str) -> dict[str, Any]:
    """Returns the config of an experiment, empty where it is another's."""
    found = run.get("config", {})
    return found if found.get("experiment", experiment) == experiment else {}


def command(run: dict[str, Any]) -> list[sections.Code]:
    """Returns the command that gives this run again, if it is known."""
    words = _words(run)
    if not words:
        return []
    quoted = [*map(shlex.quote, words), "--workdir=FOLDER"]
    line = " ".join(quoted)
    if len(line) > _WIDTH:
        line = f" \\\n{_INDENT}".join(quoted)
    return [sections.Code(line)]


def progress(names: Sequence[str], found: Sequence[rows.Row]) -> str:
    """Returns how much of an experiment is there; nothing where all is.

    Args:
        names: Ids of all its settings; may be empty.
        found: Its rows.
    """
    ended = {row.setting: row.last for row in found}
    done = {name for name, last in ended.items() if last}
    known = dict.fromkeys([*names, *ended])
    missing = [name for name in known if name not in ended]
    begun = len(ended) - len(done)
    if not missing and not begun:
        return ""
    parts = [f"{len(done)} of {len(known)} settings are finished"]
    if begun:
        parts.append(f"{begun} are unfinished")
    if missing:
        some = ", ".join(missing[:_SHOWN])
        more = ", ..." if len(missing) > _SHOWN else ""
        parts.append(f"{len(missing)} are not run ({some}{more})")
    return f"{'; '.join(parts)}."


def made_with(run: dict[str, Any], found: Sequence[rows.Row]) -> sections.Table:
    """Returns seeds, cost, versions and revision of what is shown."""
    seeds = ", ".join(map(str, sorted({row.seed for row in found})))
    lines = [("seeds", seeds), *_totals(found)]
    versions = run.get("versions")
    if isinstance(versions, dict):
        lines += [(name, str(v)) for name, v in versions.items()]
    lines.append(("revision", str(run.get("git_revision") or "unknown")))
    continued = run.get("continued")
    for later in continued if isinstance(continued, list) else ():
        if isinstance(later, dict):
            revision = later.get("git_revision") or "other versions"
            lines.append(("continued with", f"{revision}: {_named(later)}"))
    note = "The whole config is in run.json."
    return sections.Table("", ("what", "value"), tuple(lines), note)


def _words(run: dict[str, Any]) -> list[str]:
    words = run.get("command")
    is_known = isinstance(words, list) and all(
        isinstance(word, str) for word in words
    )
    return words if is_known else []


def _block(part: str):
    lines = part.rstrip().strip("\n").split("\n")
    if all(line.startswith(_INDENT) for line in lines):
        return sections.Code("\n".join(line[len(_INDENT) :] for line in lines))
    return sections.Text(" ".join(line.strip() for line in lines))


def _is_command(block) -> bool:
    is_code = isinstance(block, sections.Code)
    return is_code and block.text.startswith((_MODULES, "ws-run "))


def _totals(found: Sequence[rows.Row]) -> list[tuple[str, str]]:
    seconds = [
        getattr(row, f"{what}_seconds")
        for row in found
        for what in ("train", "trace", "eval")
    ]
    known = [value for value in seconds if not math.isnan(value)]
    least = "at least " if len(known) < len(seconds) else ""
    hours = f"{least}{sum(known) / 3600:,.2f}"
    passes = sum(row.sample_passes for row in found)
    return [
        ("settings with rows", f"{len({row.setting for row in found}):,}"),
        ("rows", f"{len(found):,}"),
        ("hours of all settings, one after the other", hours),
        ("sample passes", f"{passes:,}"),
    ]


def _named(later: dict) -> str:
    versions = later.get("versions")
    if not isinstance(versions, dict):
        return "versions not known"
    return ", ".join(f"{name} {version}" for name, version in versions.items())
