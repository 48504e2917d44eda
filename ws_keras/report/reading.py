"""What lies in the folder of a run: its rows and epochs, and what is wrong."""

import collections
import contextlib
import dataclasses
import gc
import itertools
import math
import operator
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from ws_keras.report import origin
from ws_keras.report import plain
from ws_keras.storage import lines
from ws_keras.storage import regular
from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs
from ws_keras.storage.rows import Epoch
from ws_keras.storage.rows import Row

FOLDER = "report"
_LONGEST = 1000  # letters of a problem
_SHOWN = 3  # problems in one sentence
# The file of a kind of record, its name, and what counts it in a setting.
_FILES = {
    Row: (rows.ROWS, "row", "round"),
    Epoch: (rows.EPOCHS, "epoch", "epoch"),
}


@dataclasses.dataclass(frozen=True)
class Folder:
    """Content of `run.json`, rows, epochs, and sentences about the rest."""

    path: pathlib.Path
    run: dict[str, Any]
    rows: list[Row]
    epochs: list[Epoch]
    problems: list[str]


def read(workdir: str | os.PathLike) -> Folder:
    """Reads all that can be read in the folder of a run.

    Args:
        workdir: Folder with `run.json` and the rows of its settings.

    Returns:
        A `Folder`.

    Raises:
        ValueError: The folder is no run, or holds no readable row yet.
    """
    folder = workdirs.Workdir(workdir)
    with _without_gc():
        there = lines.find(folder.path, (rows.ROWS, rows.EPOCHS))
        run, problems = _load(folder, there.files)
        problems += _left_out(folder, there, run)
        found = _scan(there.files, Row, problems)
        epochs = _scan(there.files, Epoch, problems)
        found, gaps = _without_gaps(found, problems)
        epochs = [e for e in epochs if e.round < gaps.get(e.setting, math.inf)]
    problems = [plain.one_line(problem, _LONGEST) for problem in problems]
    if not found:
        why = f" ({' '.join(problems[:_SHOWN])})" if problems else ""
        raise ValueError(
            "`--workdir` must hold at least one row. Received: "
            f"{folder.path}{why}. Wait for the first round, or choose another "
            "`--workdir`."
        )
    return Folder(folder.path, run, found, epochs, problems)


def _load(folder: workdirs.Workdir, files: list[str]) -> tuple[dict, list[str]]:
    try:
        return folder.load(), []
    except ValueError as error:
        # A run whose config is damaged still has rows worth showing.
        path = folder.path / workdirs.RUN
        if path.exists():
            return {}, [str(error)]
        if files:
            return {}, [
                f"{path} is missing, so that config and versions are unknown."
            ]
        raise


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    # Records hold no cycles; looking for some takes as long as reading them.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _left_out(
    folder: workdirs.Workdir, there: lines.Found, run: dict
) -> list[str]:
    """Returns sentences about folders and links that are not followed.

    Raises:
        Irregular: A link stands in the place of a setting, or of its file.
    """
    planned = origin.planned(run)
    # The folders on the way to a setting, and its own.
    places = {
        place
        for setting in planned
        for place in itertools.accumulate(setting.split("/"), os.path.join)
    }
    found = [
        f"{path}: not read, because it is nested in too many folders."
        for path in there.deep
    ]
    for path in there.links:
        place = os.path.relpath(path, folder.path)
        if place.split(os.sep)[0] == FOLDER:
            continue  # it is written to, and never read
        is_file = os.path.basename(path) in (rows.ROWS, rows.EPOCHS)
        if is_file or not planned or place in places:
            raise regular.linked(folder.path, path)
        found.append(
            f"{path} is a link; it is left out, because links are not followed."
        )
    return found


def _scan(files: list[str], kind: type, problems: list[str]) -> list:
    """Returns the records of a kind, and adds sentences to `problems`."""
    found, owners = {}, {}
    name, word, number = _FILES[kind]
    key = operator.attrgetter("setting", number)
    for path in files:
        if not path.endswith(os.sep + name):
            continue
        try:
            scanned = rows.scan(path, kind)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}; left out.")
            continue
        except regular.Irregular as error:
            problems.append(str(error))
            continue
        count = len(found)
        for record in scanned.records:
            # A copy may be another training, whose rounds do not fit this one.
            if owners.setdefault(record.setting, path) == path:
                found.setdefault(key(record), record)
        again = len(scanned.records) - (len(found) - count)
        problems += _grouped(path, scanned.errors)
        if again:
            counted = f"1 {word} is" if again == 1 else f"{again} {word}s are"
            problems.append(
                f"{path}: {counted} left out, because the setting was read "
                "before."
            )
        if scanned.torn:
            problems.append(
                f"{path}: the last line is incomplete; it is left out."
            )
    return list(found.values())


def _grouped(path: str, errors: list[str]) -> list[str]:
    if len(errors) < 2:
        return errors
    first = errors[0].removeprefix(f"{path}, ")
    return [f"{path}: {len(errors)} lines cannot be read; the first: {first}"]


def _without_gaps(
    found: list[Row], problems: list[str]
) -> tuple[list[Row], dict[str, int]]:
    """Returns the rows without those after a missing round.

    The costs of a setting are sums over its rounds, so a setting with a
    missing round counts as unfinished. The second value is from settings to
    missing rounds.
    """
    settings = collections.defaultdict(dict)
    for row in found:
        settings[row.setting][row.round] = row
    kept, gaps = [], {}
    for setting, rounds in settings.items():
        missing = next(n for n in itertools.count(1) if n not in rounds)
        kept += [rounds[number] for number in range(1, missing)]
        if max(rounds) > missing:
            gaps[setting] = missing
            problems.append(
                f"{setting}: round {missing} is missing, so that its cost is "
                "unknown. The later rounds are left out."
            )
    return kept, gaps
