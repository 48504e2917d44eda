"""What `run.json` tells about a run: claim, command, cost, and its origin."""

import inspect
import math
import shlex
from collections.abc import Sequence
from typing import Any

from ws_keras.report import sections
from ws_keras.storage import rows

_INDENT = "    "
_SHOWN = 5  # ids of settings
_WIDTH = 79  # letters of a command on one line


def title(run: dict[str, Any]) -> str:
    """Returns the first line of the recipe, without its full stop."""
    text = run.get("recipe")
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return lines[0].strip().removesuffix(".") if lines else ""


def blocks(run: dict[str, Any]) -> list:
    """Returns the recipe below its first line: claim, command, cost.

    Args:
        run: Content of `run.json`; `recipe` is the docstring of the config.

    Returns:
        `sections.Text` for each paragraph, `sections.Code` for each indented
        one; none without a recipe.
    """
    text = run.get("recipe")
    if not isinstance(text, str):
        return []
    parts = inspect.cleandoc(text).split("\n\n")[1:]
    return [_block(part) for part in parts if part.strip()]


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


def progress(
    names: Sequence[str], found: Sequence[rows.Row]
) -> sections.Text | None:
    """Returns how much of an experiment is there.

    Args:
        names: Ids of all its settings; may be empty.
        found: Its rows.

    Returns:
        A sentence, or `None` where everything that is known of has finished.
    """
    ended = {row.setting: row.last for row in found}
    done = {name for name, last in ended.items() if last}
    known = dict.fromkeys([*names, *ended])
    missing = [name for name in known if name not in ended]
    begun = len(ended) - len(done)
    if not missing and not begun:
        return None
    parts = [f"{len(done)} of {len(known)} settings are finished"]
    if begun:
        parts.append(f"{begun} are unfinished")
    if missing:
        some = ", ".join(missing[:_SHOWN])
        more = ", ..." if len(missing) > _SHOWN else ""
        parts.append(f"{len(missing)} are not run ({some}{more})")
    return sections.Text(f"Partial: {'; '.join(parts)}.")


def made_with(run: dict[str, Any], found: Sequence[rows.Row]) -> list:
    """Returns command, seeds, cost, versions and revision of what is shown."""
    lines = [("seeds", _seeds(found)), *_totals(found)]
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
    header = ("what", "value")
    table = sections.Table("", header, tuple(lines), note)
    return [*_command(run.get("command")), table]


def _block(part: str):
    lines = part.rstrip().strip("\n").split("\n")
    if all(line.startswith(_INDENT) for line in lines):
        return sections.Code("\n".join(line[len(_INDENT) :] for line in lines))
    return sections.Text(" ".join(line.strip() for line in lines))


def _command(words: Any) -> list[sections.Code]:
    if not isinstance(words, list) or not all(
        isinstance(word, str) for word in words
    ):
        return []
    quoted = [*map(shlex.quote, words), "--workdir=FOLDER"]
    line = " ".join(quoted)
    if len(line) > _WIDTH:
        line = f" \\\n{_INDENT}".join(quoted)
    return [sections.Code(line)] if words else []


def _seeds(found: Sequence[rows.Row]) -> str:
    return ", ".join(map(str, sorted({row.seed for row in found})))


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
