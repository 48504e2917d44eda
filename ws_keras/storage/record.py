"""`run.json`: the config and versions of a run, which continue unchanged."""

import dataclasses
import functools
import json
import pathlib
import subprocess
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ws_keras.storage import regular
from ws_keras.storage import rows

RUN = "run.json"
_MORE = (
    "To add arms or seeds, run them with another `--workdir` and show both "
    "folders with ws-report --workdir={folder} --with=OTHER."
)
_ABSENT = "(absent)"
_SHOWN = 3
_LARGEST = 2**26  # bytes of a run.json: a million ids of settings
# Fields that say which settings there are, and change none of them.
_OF_SETTINGS = ("arms", "seeds")
# Fields of a config that no row depends on.
_ONLY_ESTIMATED = "train.expected_epochs"
# What all processes of a run have in common.
_OF_EXPERIMENT = (
    "config",
    "schema",
    "recipe",
    "command",
    "settings",
    "data",
)


@dataclasses.dataclass(frozen=True)
class Words:
    """How errors name what the caller of a run gave.

    Attributes:
        folder: The argument that chooses the folder.
        config: What decides the rows.
        ways_out: What to do if the folder is of something else.
    """

    folder: str
    config: str
    ways_out: str


FLAGS = Words(
    "`--workdir`", "config", "Choose another `--workdir` or pass `--overwrite`."
)


def new(config: dict, versions: dict, **others) -> dict[str, Any]:
    """Returns the record of a run that begins in this process.

    Args:
        config: The whole config.
        versions: Name of each package to its version.
        others: All else that the record holds; see `Workdir.prepare`.
    """
    return {
        # Through JSON, so that tuples compare equal to what is read back.
        "config": json.loads(json.dumps(config, default=str)),
        "versions": dict(versions),
        "git_revision": git_revision(),
        "schema": rows.SCHEMA,
        **others,
    }


def load(folder: pathlib.Path, words: Words) -> dict[str, Any]:
    """Returns the record of a folder.

    Args:
        folder: Folder with a record.
        words: How errors name what the caller gave.

    Raises:
        ValueError: There is no `run.json`, or it cannot be read.
    """
    path = folder / RUN
    try:
        return _checked(json.loads(regular.read(path, _LARGEST)))
    except regular.Irregular:
        raise
    except OSError as error:
        is_there = not isinstance(error, FileNotFoundError)
        why = f" ({path}: {error.strerror})" * is_there
        raise ValueError(
            f"{words.folder} must be the folder of a run, with a {RUN}. "
            f"Received: {folder}{why}."
        ) from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path} cannot be read.") from None


def continued(folder: pathlib.Path, run: dict, words: Words) -> dict[str, Any]:
    """Returns the record of a folder, with this process added to it.

    Args:
        folder: Folder with a record.
        run: Result of `new` in this process.
        words: How errors name what the caller gave.

    Raises:
        ValueError: The folder's record cannot be read, or is of another
            config, other versions or other data.
    """
    try:
        old = load(folder, words)
    except ValueError as error:
        raise ValueError(f"{error} {words.ways_out}") from None
    _check_same(folder, words, words.config, old["config"], run["config"])
    _check_same(folder, words, "version", _decisive(old), _decisive(run))
    data = {**run["data"], **old.get("data", {})}
    changed = {**data, **run["data"]}
    _check_same(folder, words, "state of the data", data, changed)
    old = {**old, "data": data}
    for name in ("recipe", "command"):
        # Earlier versions did not write these.
        old[name] = old.get(name) or run[name]
    # A comparison may add seeds or arms to those of an earlier call.
    known = [*old.get("settings", []), *run["settings"]]
    old["settings"] = list(dict.fromkeys(known))
    origin = {k: v for k, v in run.items() if k not in _OF_EXPERIMENT}
    if any(_covers(entry, origin) for entry in [old, *_later(old)]):
        return old
    return {**old, "continued": [*_later(old), origin]}


def differences(old: dict, new: dict, prefix: str = "") -> Iterator[str]:
    """Yields the fields in which two configs differ, as `a.b: 1 -> 2`."""
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}: {before!r} -> {after!r}"


@functools.cache
def git_revision() -> str | None:
    """Returns the revision of the checkout that this package runs from.

    Returns:
        The hash, with `+changes` where tracked files differ from it; `None`
        without git or outside a checkout of this project.
    """
    checkout = pathlib.Path(__file__).resolve().parents[2]
    # An installed package inside somebody else's repository has no revision.
    if not (checkout / ".git").exists():
        return None
    try:
        revision = _git(checkout, "rev-parse", "HEAD")
        changes = _git(checkout, "status", "--porcelain", "-uno")
    except (OSError, subprocess.SubprocessError):
        return None
    return revision + ("+changes" if changes else "")


def _git(checkout: pathlib.Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


def _checked(run: Any) -> dict[str, Any]:
    """Returns the content of a `run.json`, or raises a ValueError."""
    kinds = {"config": dict, "versions": dict, "data": dict, "continued": list}
    if type(run) is not dict or "config" not in run:
        raise ValueError("no record of a run")
    for name, kind in kinds.items():
        if type(run.get(name, kind())) is not kind:
            raise ValueError(f"{name} is not a {kind.__name__}")
    if not all(type(entry) is dict for entry in _later(run)):
        raise ValueError("continued holds no records")
    return run


def _decisive(run: dict) -> dict:
    """Returns the versions that rows depend on."""
    versions = dict(run.get("versions", {}))
    versions.pop("python", None)
    return {**versions, "schema": run.get("schema")}


def _check_same(folder, words: Words, what: str, old: dict, new: dict) -> None:
    found = differences(old, new)
    changes = [c for c in found if not c.startswith(_ONLY_ESTIMATED)]
    if changes:
        shown = ", ".join(changes[:_SHOWN])
        more = len(changes) - _SHOWN
        rest = f" and {more} more" if more > 0 else ""
        is_more = all(c.partition(":")[0] in _OF_SETTINGS for c in changes)
        ways_out = _MORE.format(folder=folder) if is_more else words.ways_out
        raise ValueError(
            f"{words.folder} {folder} belongs to another {what}. "
            f"Received: {shown}{rest}. {ways_out}"
        )


def _later(run: Mapping) -> list[dict]:
    """Returns the processes that have continued a run."""
    return run.get("continued", [])


def _covers(entry: dict, origin: dict) -> bool:
    return all(entry.get(key) == value for key, value in origin.items())
