"""The folder of a run: what was run, and where each setting's files lie."""

import contextlib
import functools
import json
import os
import pathlib
import re
import subprocess
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from ws_keras.storage import files
from ws_keras.storage import lines
from ws_keras.storage import locks
from ws_keras.storage import regular
from ws_keras.storage import rows
from ws_keras.storage import sums

RUN = "run.json"
_IN_USE = ".in_use"
_ABSENT = "(absent)"
_SHOWN = 3
_LARGEST = 2**26  # bytes of a run.json: a million ids of settings
_LONGEST = 200  # bytes of a name in an id; file systems take 255
_WAYS_OUT = "Choose another `--workdir` or pass `--overwrite`."
# Fields of a config that no row depends on.
_ONLY_ESTIMATED = "train.expected_epochs"
# What a run has from its config, in whatever process it goes on.
_OF_EXPERIMENT = (
    "config",
    "schema",
    "recipe",
    "command",
    "settings",
    "data",
)


class Workdir:
    """A folder that belongs to one config and holds one folder per setting.

    Example:

    ```python
    folder = workdir.Workdir("runs/fig2")
    with folder.used(config.to_dict(), {"keras": keras.__version__}):
        rows.append(folder.rows_path("fig2_online/warm/seed0"), row)
    ```

    Args:
        path: Folder; it need not exist before `prepare`.
    """

    def __init__(self, path: str | os.PathLike):
        # Resolved, so that `--overwrite` through a link or from inside the
        # folder renames the folder itself.
        self.path = pathlib.Path(path).expanduser().resolve()

    def prepare(
        self,
        config: dict,
        versions: dict,
        overwrite: bool = False,
        recipe: str | None = None,
        command: Sequence[str] = (),
        settings: Sequence[str] = (),
        data: dict[str, str] | None = None,
        **notes: str,
    ) -> None:
        """Makes the folder ready for rows of this config.

        Writes `run.json` with config, versions, git revision and schema, in
        one step: the file is the old one or the new one, never a half. A
        folder that already belongs to the same config and versions is
        continued; another Python or revision, and other notes, are then
        noted under `continued`.

        Args:
            config: The whole config, of values that JSON knows.
            versions: Name of each package that matters to its version.
            overwrite: Rename a folder of an earlier run to
                `<workdir>.old-1`, `.old-2`, ... and start afresh. Defaults
                to `False`.
            recipe: What the config file says of its experiment, for the
                report. Defaults to `None`.
            command: Words of the command that gives this config again, for
                the report. Defaults to none.
            settings: Ids of all settings of the experiment, so that a report
                can say what is missing. Defaults to none.
            data: Name of each data set that is used to its fingerprint; the
                folder keeps them, and refuses another one for a name that it
                knows. Defaults to none.
            notes: What else is worth knowing and may change from one process
                to the next, such as the strategy.

        Raises:
            ValueError: The folder belongs to another config, to other
                versions, other data or another schema of rows, holds files
                but no run, is a file, or cannot be written; or `overwrite`
                is asked for while a process uses it.
        """
        run = {
            # Through JSON, so that tuples compare equal to what is read back.
            "config": json.loads(json.dumps(config, default=str)),
            "versions": dict(versions),
            "git_revision": git_revision(),
            "schema": rows.SCHEMA,
            "recipe": recipe,
            "command": list(command),
            "settings": list(settings),
            "data": dict(data or {}),
            **notes,
        }
        try:
            self._prepare(run, overwrite)
        except OSError as error:
            raise ValueError(
                "`--workdir` must be a folder that can be written. Received: "
                f"{self.path} ({error.strerror}). Choose another `--workdir`."
            ) from None

    def load(self) -> dict[str, Any]:
        """Returns the content of `run.json`.

        Raises:
            ValueError: There is no `run.json`, or it cannot be read.
        """
        try:
            return _checked(json.loads(regular.read(self.path / RUN, _LARGEST)))
        except regular.Irregular:
            raise
        except OSError as error:
            is_there = not isinstance(error, FileNotFoundError)
            why = f" ({self.path / RUN}: {error.strerror})" * is_there
            raise ValueError(
                f"`--workdir` must be the folder of a run, with a {RUN}. "
                f"Received: {self.path}{why}."
            ) from None
        except (ValueError, RecursionError):
            raise ValueError(f"{self.path / RUN} cannot be read.") from None

    def folder(self, setting: str) -> pathlib.Path:
        """Returns the folder of a setting, which lies inside the workdir.

        Raises:
            ValueError: The id is none.
            Irregular: A part of the way is a link, and leads elsewhere.
        """
        check_id(setting)
        path = self.path / setting
        regular.check_below(self.path, path)
        return path

    def check_links(self, settings: Iterable[str]) -> None:
        """Checks that nothing of these settings is a link.

        A folder that was moved to another disk and linked back would be
        finished to one who follows links, and not there to another.

        Raises:
            Irregular: Something is.
        """
        for setting in settings:
            for name in (rows.ROWS, rows.EPOCHS):
                regular.check_below(self.path, self.folder(setting) / name)

    def append(self, row: rows.Row) -> None:
        """Appends a row to those of its setting."""
        rows.append(self.rows_path(row.setting), row)

    def append_epoch(self, epoch: rows.Epoch) -> None:
        """Appends an epoch to those of its setting."""
        rows.append_epoch(self.epochs_path(epoch.setting), epoch)

    def rows_path(self, setting: str) -> pathlib.Path:
        """Returns the path of a setting's rows."""
        return self.folder(setting) / rows.ROWS

    def epochs_path(self, setting: str) -> pathlib.Path:
        """Returns the path of a setting's epoch curves."""
        return self.folder(setting) / rows.EPOCHS

    def rows_of(self, setting: str) -> list[rows.Row]:
        """Returns the rows of a setting, none if it has not begun.

        Raises:
            ValueError: A line cannot be read, or is not of this setting's
                next round.
        """
        path = self.rows_path(setting)
        found = rows.read(path) if os.path.lexists(path) else []
        for number, row in enumerate(found, 1):
            if (row.setting, row.round) != (setting, number):
                raise ValueError(
                    f"{path}, line {number}: must be round {number} of "
                    f"{setting}. Received: round {row.round} of "
                    f"{row.setting}. Move the file away to run that setting "
                    "anew."
                )
        return found

    def is_finished(self, setting: str) -> bool:
        """Returns whether the setting's last row says that it is the last."""
        found = self.rows_of(setting)
        return bool(found) and found[-1].last

    def note(self, setting: str) -> None:
        """Notes the SHA-256 of a setting's files, which it has just ended."""
        names = [f"{setting}/{name}" for name in (rows.ROWS, rows.EPOCHS)]
        with self.lock():
            sums.record(self.path, names)

    def damage(self, setting: str) -> str | None:
        """Returns what is wrong with the lines of a setting, in a sentence.

        A torn last line is nothing wrong: its round is done again.
        """
        try:
            self.rows_of(setting)
            rows.read_epochs(self.epochs_path(setting))
        except ValueError as error:
            return str(error)
        return None

    def restart(self, setting: str) -> pathlib.Path | None:
        """Makes room for an unfinished setting to begin afresh.

        Its rows and epochs are moved aside; epochs without a row are removed.
        Files that this package did not write stay.

        Returns:
            Where the rows are now, `None` if there were none.

        Raises:
            ValueError: The setting is finished.
        """
        if self.is_finished(setting):
            raise ValueError(
                "A finished setting is never removed. Received: "
                f"setting={setting!r}. {_WAYS_OUT}"
            )
        path, epochs = self.rows_path(setting), self.epochs_path(setting)
        if not self.rows_of(setting):
            path.unlink(missing_ok=True)
            epochs.unlink(missing_ok=True)
            return None
        if epochs.exists():
            epochs.rename(_free_name(epochs))
        return path.rename(_free_name(path))

    def can_go_on(self, setting: str, state: dict) -> bool:
        """Returns whether the files of a setting hold what a state counts.

        Args:
            setting: Id of the setting.
            state: State of a checkpoint, with `rounds`, `epochs` and the
                `row` of the last round.

        Raises:
            ValueError: A line of the files cannot be read.
        """
        row = state["row"]
        if row and (row["setting"], row["round"]) != (setting, state["rounds"]):
            return False
        done = len(self.rows_of(setting)) + (row is not None)
        epochs = rows.read_epochs(self.epochs_path(setting))
        return state["rounds"] <= done and state["epochs"] <= len(epochs)

    def cut_back(self, setting: str, state: dict) -> None:
        """Brings the files of a setting to the state of a checkpoint.

        What was written after it will be written again; a row that the
        checkpoint alone has is appended.
        """
        path = self.rows_path(setting)
        lines.cut(path, state["rounds"])
        if len(self.rows_of(setting)) < state["rounds"]:
            rows.append(path, rows.decode(state["row"]))
        lines.cut(self.epochs_path(setting), state["epochs"])

    def lock(self, setting: str | None = None) -> locks.Lock:
        """Returns the lock of a setting, or that of what all share."""
        folder = self.path if setting is None else self.folder(setting)
        return locks.Lock(folder / locks.NAME)

    @contextlib.contextmanager
    def used(
        self, *arguments, overwrite: bool = False, **keywords
    ) -> Iterator[None]:
        """Prepares the folder, and keeps `overwrite` of others out of it.

        Each command shares it from start to end: between two settings it may
        hold none of their locks.

        Args:
            *arguments: Arguments of `prepare`.
            overwrite: As in `prepare`. Defaults to `False`.
            **keywords: Arguments of `prepare`.
        """
        self.prepare(*arguments, overwrite=overwrite, **keywords)
        with locks.Lock(self.path / _IN_USE, shared=True):
            # Another command may have moved the folder away in between.
            self.prepare(*arguments, **keywords)
            yield

    def _prepare(self, run: dict, overwrite: bool) -> None:
        if not self._has_run():
            self._check_empty()
        elif overwrite:
            self._move_aside()
        elif self._continued(run) == self.load():
            return  # compared before anything is touched, and nothing to note
        self.path.mkdir(parents=True, exist_ok=True)
        # Tasks of one array begin the same run at the same moment.
        with self.lock():
            if self._has_run():
                run = self._continued(run)
                if run == self.load():
                    return
            write_atomically(self.path / RUN, json.dumps(run, indent=2) + "\n")
            sums.record(self.path, [RUN])

    def _has_run(self) -> bool:
        return os.path.lexists(self.path / RUN)

    def _check_empty(self) -> None:
        if not self.path.is_dir():
            return
        others = [p.name for p in self.path.iterdir() if not _is_own(p.name)]
        if others and not self._has_run():
            raise ValueError(
                f"`--workdir` must be empty or the folder of a run, with a "
                f"{RUN}. Received: {self.path}, which holds "
                f"{min(others)!r}. Choose another `--workdir`."
            )

    def _continued(self, run: dict) -> dict:
        try:
            old = self.load()
        except ValueError as error:
            raise ValueError(f"{error} {_WAYS_OUT}") from None
        self._check_same("config", old["config"], run["config"])
        self._check_same("version", _decisive(old), _decisive(run))
        data = {**run["data"], **old.get("data", {})}
        self._check_same("state of the data", data, {**data, **run["data"]})
        old = {**old, "data": data}
        for name in ("recipe", "command", "settings"):
            # Folders of before these were noted.
            old[name] = old.get(name) or run[name]
        origin = {k: v for k, v in run.items() if k not in _OF_EXPERIMENT}
        known = [old, *old.get("continued", [])]
        if any(_covers(entry, origin) for entry in known):
            return old
        return {**old, "continued": [*old.get("continued", []), origin]}

    def _check_same(self, what: str, old: dict, new: dict) -> None:
        found = differences(old, new)
        changes = [c for c in found if not c.startswith(_ONLY_ESTIMATED)]
        if changes:
            shown = ", ".join(changes[:_SHOWN])
            more = len(changes) - _SHOWN
            rest = f" and {more} more" if more > 0 else ""
            raise ValueError(
                f"`--workdir` {self.path} belongs to another {what}. "
                f"Received: {shown}{rest}. {_WAYS_OUT}"
            )

    def _move_aside(self) -> None:
        """Renames the folder while nobody can begin to use it."""
        # Those of settings first: they name who writes.
        for entry, _ in regular.walk(self.path, lines.DEPTH):
            lock = locks.Lock(entry.path)
            if entry.name == locks.NAME and lock.is_held():
                raise self._busy(lock)
        use = locks.Lock(self.path / _IN_USE)
        if not use.take():
            raise self._busy(use)
        try:
            self.path.rename(_free_name(self.path))
        finally:
            use.free()

    def _busy(self, lock: locks.Lock) -> ValueError:
        return ValueError(
            "`--overwrite` needs a `--workdir` that nobody writes to. "
            f"Received: {self.path}, which {lock.holder()} writes to. End it "
            "first, or choose another `--workdir`."
        )


def check_id(setting: str) -> None:
    """Checks that an id of a setting is the name of a folder.

    Raises:
        ValueError: It is not.
    """
    parts = setting.split("/")
    if not all(re.fullmatch(r"(?!\.+$)[\w.=+,-]+", p) for p in parts):
        raise ValueError(
            "A setting id must be names of letters, digits and _.=+,- "
            f"joined by slashes. Received: setting={setting[:_LONGEST]!r}."
        )
    longest = max(parts, key=lambda part: len(part.encode()))
    if len(longest.encode()) > _LONGEST or len(parts) >= lines.DEPTH:
        raise ValueError(
            f"A setting id must have at most {lines.DEPTH - 1} names of at "
            f"most {_LONGEST} bytes each. Received: {len(parts)} names, the "
            f"longest of {len(longest.encode())} bytes "
            f"({longest[:_LONGEST]!r})."
        )


def _checked(run: Any) -> dict[str, Any]:
    """Returns what a `run.json` holds, if it can be one."""
    kinds = {"config": dict, "versions": dict, "data": dict, "continued": list}
    if type(run) is not dict or "config" not in run:
        raise ValueError("no record of a run")
    for name, kind in kinds.items():
        if type(run.get(name, kind())) is not kind:
            raise ValueError(f"{name} is no {kind.__name__}")
    if not all(type(entry) is dict for entry in run.get("continued", [])):
        raise ValueError("continued holds no records")
    return run


def _decisive(run: dict) -> dict:
    """Returns what rows depend on besides the config."""
    versions = dict(run.get("versions", {}))
    versions.pop("python", None)
    return {**versions, "schema": run.get("schema")}


def differences(old: dict, new: dict, prefix: str = "") -> Iterator[str]:
    """Yields the fields in which two configs differ, as `a.b: 1 -> 2`."""
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}: {before!r} -> {after!r}"


def write_atomically(path: pathlib.Path, text: str) -> None:
    """Writes a text file in one step."""
    with files.at_once(path) as file:
        file.write(text.encode("utf8"))


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


def _free_name(path: pathlib.Path) -> pathlib.Path:
    number = 1
    while os.path.lexists(f"{path}.old-{number}"):
        number += 1
    return pathlib.Path(f"{path}.old-{number}")


def _is_own(name: str) -> bool:
    """Whether a name is what one leaves that was killed before `run.json`."""
    return name in (locks.NAME, _IN_USE) or name.startswith(f".{RUN}.")


def _covers(entry: dict, origin: dict) -> bool:
    return all(entry.get(key) == value for key, value in origin.items())
