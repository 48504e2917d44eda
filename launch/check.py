"""Checks that the files of a run are as they were written."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

from ws_keras.report import plain
from ws_keras.storage import checkpoint
from ws_keras.storage import lines
from ws_keras.storage import regular
from ws_keras.storage import rows
from ws_keras.storage import sums
from ws_keras.storage import workdir as workdirs

_LONGEST = 500  # letters of a problem


@dataclasses.dataclass
class Check:
    """How much a check has read, how many lines are signed, all problems."""

    files: int = 0
    lines: int = 0
    signed: int = 0
    checkpoints: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        found = [plain.one_line(text, _LONGEST) for text in self.problems]
        wrong = f"{len(found)} wrong" if found else "nothing is wrong"
        found.append(
            f"{self.files:,} files with {self.lines:,} lines, "
            f"{self.signed:,} of them with a checksum, and "
            f"{self.checkpoints:,} checkpoints: {wrong}."
        )
        return "\n".join(found)


def check(workdir: str | os.PathLike) -> Check:
    """Reads all rows, epochs and checkpoints of a folder.

    The files are also compared with the checksums in `SHA256SUMS`.

    Example:

    ```python
    found = check("runs/fig2")
    assert not found.problems, str(found)
    ```

    Args:
        workdir: Folder of a run.

    Returns:
        A `Check`.

    Raises:
        ValueError: There is no such folder.
    """
    folder = workdirs.Workdir(workdir)
    if not folder.path.is_dir():
        raise ValueError(
            f"`--workdir` must be a folder. Received: --workdir={folder.path}, "
            "which is not a folder."
        )
    result = Check()
    try:
        folder.load()
    except ValueError as error:
        result.problems.append(str(error))
    result.problems += sums.problems(folder.path)
    there = lines.find(folder.path, (rows.ROWS, rows.EPOCHS))
    for path in there.links:
        result.problems.append(str(regular.linked(folder.path, path)))
    for path in there.deep:
        result.problems.append(
            f"{path} is not read, because it is nested in too many folders."
        )
    for path in there.files:
        result.problems += _lines(folder, pathlib.Path(path), result)
    for place in dict.fromkeys(map(os.path.dirname, there.files)):
        result.problems += _checkpoints(pathlib.Path(place), result)
    return result


def _lines(folder, path: pathlib.Path, result: Check) -> Iterator[str]:
    kind = rows.Row if path.name == rows.ROWS else rows.Epoch
    try:
        texts, _ = lines.read(path)
        scanned = rows.scan(path, kind)
    except (OSError, regular.Irregular) as error:
        yield f"{path}: {error}"
        return
    result.files += 1
    result.lines += len(texts)
    mark = f'"{lines.CHECKSUM}": "'.encode()
    result.signed += sum(mark in text for text in texts)
    yield from scanned.errors
    if scanned.torn:
        yield (
            f"{path}: the last line is incomplete, as after a killed process. "
            "Give the same command again, which removes the line and continues."
        )
    if not scanned.errors:
        yield from _order(folder, path, scanned.records)


def _order(folder, path: pathlib.Path, records: list) -> Iterator[str]:
    setting = path.parent.relative_to(folder.path).as_posix()
    for number, record in enumerate(records, 1):
        is_row = isinstance(record, rows.Row)
        word, found = (
            ("round", record.round) if is_row else ("epoch", record.epoch)
        )
        if (record.setting, found) != (setting, number):
            yield (
                f"{path}, line {number}: must be {word} {number} of "
                f"{setting}. Received: {word} {found} of {record.setting}."
            )
            return


def _checkpoints(place: pathlib.Path, result: Check) -> Iterator[str]:
    for path in checkpoint.paths(place):
        try:
            checkpoint.load(path)
        except (OSError, ValueError) as error:
            yield str(error)
        else:
            result.checkpoints += 1
