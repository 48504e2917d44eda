"""The folder of a run, with a folder for each of its settings."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from ws_keras.storage import files
from ws_keras.storage import ids
from ws_keras.storage import lines
from ws_keras.storage import locks
from ws_keras.storage import record
from ws_keras.storage import regular
from ws_keras.storage import rows
from ws_keras.storage import sums

RUN = record.RUN
_IN_USE = ".in_use"


class Workdir:
    """The folder of the settings of one config.

    Example:

    ```python
    folder = workdir.Workdir("runs/fig2")
    with folder.used(config.to_dict(), {"keras": keras.__version__}):
        rows.append(folder.rows_path("fig2_online/warm/seed0"), row)
    ```

    Args:
        path: The folder; `prepare` creates it.
        words: How errors name what the caller gave. Defaults to flags.
    """

    def __init__(
        self, path: str | os.PathLike, words: record.Words = record.FLAGS
    ):
        # Resolved: `--overwrite` renames the folder itself, also through a
        # link or from inside.
        self.path = pathlib.Path(path).expanduser().resolve()
        self._words = words

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
        one step. A folder with the same config and versions is continued; if
        Python, the revision or the notes differ, they are added under
        `continued`.

        Args:
            config: The whole config, of values that JSON can hold.
            versions: Name of each package to its version.
            overwrite: Whether to rename the folder of an earlier run to
                `<workdir>.old-1`, `.old-2`, ... and start again. Defaults to
                `False`.
            recipe: Docstring of the config file, for the report. Defaults to
                `None`.
            command: Words of a command with this config, for the report.
                Defaults to none.
            settings: Ids of all settings of the experiment, so that a report
                can name missing ones. Defaults to none.
            data: Name of each data set to its fingerprint, which must not
                change later. Defaults to none.
            notes: Further facts, which may differ between processes, such as
                the strategy.

        Raises:
            ValueError: The folder has another config, other versions, other
                data or another schema of rows; it has files but no run, is a
                file, or cannot be written; or a process uses it and
                `overwrite` is set.
        """
        run = record.new(
            config,
            versions,
            recipe=recipe,
            command=list(command),
            settings=list(settings),
            data=dict(data or {}),
            **notes,
        )
        try:
            self._prepare(run, overwrite)
        except OSError as error:
            raise self._unwritable(error) from None

    def load(self) -> dict[str, Any]:
        """Returns the content of `run.json`.

        Raises:
            ValueError: There is no `run.json`, or it cannot be read.
        """
        return record.load(self.path, self._words)

    def folder(self, setting: str) -> pathlib.Path:
        """Returns the folder of a setting, which is inside the workdir.

        Raises:
            ValueError: The id is not valid.
            Irregular: A part of the path is a link.
        """
        ids.check(setting)
        path = self.path / setting
        regular.check_below(self.path, path)
        return path

    def check_links(self, settings: Iterable[str]) -> None:
        """Checks that no file or folder of these settings is a link.

        A folder that was moved to another disk and linked back would look
        finished to code that follows links, and missing to other code.

        Raises:
            Irregular: There is a link.
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
                    f"{row.setting}. Move the file away to run the setting "
                    "again."
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
        """Returns a sentence about a damaged line of a setting, or `None`.

        An incomplete last line is no damage: its round is trained again.
        """
        try:
            self.rows_of(setting)
            rows.read_epochs(self.epochs_path(setting))
        except ValueError as error:
            return str(error)
        return None

    def restart(self, setting: str) -> pathlib.Path | None:
        """Prepares an unfinished setting to start again.

        Its rows and epochs are renamed; epochs without a row are removed.
        Other files stay.

        Returns:
            New path of the rows, `None` if there were none.

        Raises:
            ValueError: The setting is finished.
        """
        if self.is_finished(setting):
            raise ValueError(
                "A finished setting is never removed. Received: "
                f"setting={setting!r}. {self._words.ways_out}"
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
        """Returns whether a setting has all rows and epochs of a checkpoint.

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
        """Cuts the files of a setting back to the state of a checkpoint.

        Later lines will be written again. If the last row is only in the
        checkpoint, it is appended.
        """
        path = self.rows_path(setting)
        lines.cut(path, state["rounds"])
        if len(self.rows_of(setting)) < state["rounds"]:
            rows.append(path, rows.decode(state["row"]))
        lines.cut(self.epochs_path(setting), state["epochs"])

    def lock(self, setting: str | None = None) -> locks.Lock:
        """Returns the lock of a setting, or of the files that all share."""
        folder = self.path if setting is None else self.folder(setting)
        return locks.Lock(folder / locks.NAME)

    @contextlib.contextmanager
    def used(
        self, *arguments, overwrite: bool = False, **keywords
    ) -> Iterator[None]:
        """Prepares the folder, which no other command can overwrite meanwhile.

        Locks of settings do not suffice: between two settings a command holds
        none of them.

        Args:
            *arguments: Arguments of `prepare`.
            overwrite: As in `prepare`. Defaults to `False`.
            **keywords: Arguments of `prepare`.
        """
        self.prepare(*arguments, overwrite=overwrite, **keywords)
        use = locks.Lock(self.path / _IN_USE, shared=True)
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(use)
            except OSError as error:  # of a finished run, for example
                raise self._unwritable(error) from None
            # Another command may have moved the folder away in between.
            self.prepare(*arguments, **keywords)
            yield

    def _prepare(self, run: dict, overwrite: bool) -> None:
        if not self._has_run():
            self._check_empty()
        elif overwrite:
            self._move_aside()
        elif record.continued(self.path, run, self._words) == self.load():
            return  # nothing to add; found out before anything is changed
        self.path.mkdir(parents=True, exist_ok=True)
        # Tasks of one array job may start the same run at the same moment.
        with self.lock():
            if self._has_run():
                run = record.continued(self.path, run, self._words)
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
                f"{self._words.folder} must be empty or the folder of a run, "
                f"with a {RUN}. Received: {self.path}, which holds "
                f"{min(others)!r}. Choose another {self._words.folder}."
            )

    def _move_aside(self) -> None:
        """Renames the folder, while no command can start to use it."""
        # Locks of settings first: their holder writes to the folder.
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

    def _unwritable(self, error: OSError) -> ValueError:
        return ValueError(
            f"{self._words.folder} must be a writable folder. Received: "
            f"{self.path} ({error.strerror}). Allow writing, copy the folder, "
            f"or choose another {self._words.folder}."
        )

    def _busy(self, lock: locks.Lock) -> ValueError:
        return ValueError(
            "`--overwrite` requires that no process writes to `--workdir`. "
            f"Received: {self.path}, to which {lock.holder()} writes. End "
            "this process first, or choose another `--workdir`."
        )


def write_atomically(path: pathlib.Path, text: str) -> None:
    """Writes a text file in one step."""
    with files.at_once(path) as file:
        file.write(text.encode("utf8"))


def _free_name(path: pathlib.Path) -> pathlib.Path:
    number = 1
    while os.path.lexists(f"{path}.old-{number}"):
        number += 1
    return pathlib.Path(f"{path}.old-{number}")


def _is_own(name: str) -> bool:
    """Returns whether a command killed before `run.json` leaves this name."""
    return name in (locks.NAME, _IN_USE) or name.startswith(f".{RUN}.")
