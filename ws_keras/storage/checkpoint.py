"""Checkpoint files, with a digest by which a damaged one is recognized."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np

from ws_keras.storage import files
from ws_keras.storage import memory
from ws_keras.storage import regular

PATTERN = "checkpoint-*.ckpt"
KEPT = 2
_MAGIC = b"ws_keras checkpoint 1\n"
_NUMBER = re.compile(r"checkpoint-(\d+)\.ckpt", re.ASCII)
_DIGEST = hashlib.sha256


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The content of a file: a state that JSON can hold, and arrays in order.

    Arrays are bytes: the reader knows their dtypes, and NumPy does not have
    all of them.
    """

    path: pathlib.Path
    state: dict[str, Any]
    arrays: Sequence[memoryview]


def paths(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Returns the checkpoints of a folder, the newest first."""
    found = pathlib.Path(folder).glob(PATTERN)
    numbered = {path: _NUMBER.fullmatch(path.name) for path in found}
    known = [path for path, match in numbered.items() if match]
    return sorted(known, key=_number, reverse=True)


def save(
    folder: str | os.PathLike,
    state: dict[str, Any],
    arrays: Iterable[np.ndarray],
    kept: int = KEPT,
    also: pathlib.Path | None = None,
) -> pathlib.Path:
    """Writes a checkpoint beside the older ones, then removes the oldest.

    The file gets its name when all of it is on the disk; see `files.at_once`.

    Args:
        folder: Folder of the setting; created if it is missing.
        state: Values that JSON can hold.
        arrays: Arrays, read one after the other.
        kept: Number of checkpoints to keep. Defaults to 2.
        also: An older one to keep beside them. Defaults to `None`.

    Returns:
        Path of the new file.

    Raises:
        OSError: The file cannot be written; older ones are untouched.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    older = paths(folder)
    number = _number(older[0]) + 1 if older else 1
    path = folder / f"checkpoint-{number:08d}.ckpt"
    with files.at_once(path) as file:
        _write(file, state, arrays)
    prune(folder, kept, also)
    return path


def load(path: str | os.PathLike) -> Checkpoint:
    """Reads a checkpoint; nothing in it is executed or unpickled.

    Args:
        path: File that `save` wrote.

    Returns:
        A `Checkpoint`.

    Raises:
        ValueError: The file is incomplete, changed, or not a checkpoint.
        Irregular: It is a link, or larger than the free memory.
    """
    path = pathlib.Path(path)
    _check_room(path)
    try:
        content = regular.read(path)
    except IsADirectoryError:
        content = b""
    size = _DIGEST().digest_size
    body, digest = memoryview(content)[:-size], content[-size:]
    if content.startswith(_MAGIC) and _DIGEST(body).digest() == digest:
        with contextlib.suppress(ValueError):
            end = content.index(b"\n", len(_MAGIC))
            state = json.loads(content[len(_MAGIC) : end])
            if type(state) is dict:
                return Checkpoint(path, state, _split(body[end + 1 :]))
    raise ValueError(
        f"A checkpoint must be whole. Received: {path}, which is damaged."
    )


def set_aside(path: pathlib.Path) -> None:
    """Renames a damaged checkpoint, so that it is not read again."""
    with contextlib.suppress(OSError):
        path.replace(path.with_suffix(".damaged"))


def prune(
    folder: str | os.PathLike,
    kept: int = 1,
    also: pathlib.Path | None = None,
) -> None:
    """Removes all checkpoints except the newest ones and `also`."""
    for path in paths(folder)[kept:]:
        if path != also:
            path.unlink(missing_ok=True)


def remove_parts(folder: str | os.PathLike) -> None:
    """Removes partial files of a killed writer; there must be no other one."""
    for path in pathlib.Path(folder).glob(f".{PATTERN}.*"):
        path.unlink(missing_ok=True)


def remove(folder: str | os.PathLike) -> None:
    """Removes all checkpoints of a folder, also partial ones."""
    for path in pathlib.Path(folder).glob(f"*{PATTERN}*"):
        path.unlink(missing_ok=True)


def _check_room(path: pathlib.Path) -> None:
    size, room = path.lstat().st_size, memory.available()
    if size > room:
        raise regular.Irregular(
            f"{path} must fit into the free memory, {room / 1e9:.2f} GB. "
            f"Received: a file of {size / 1e9:.2f} GB. End other programs, or "
            "move the file away."
        )


def _number(path: pathlib.Path) -> int:
    return int(_NUMBER.fullmatch(path.name)[1])


def _write(file, state: dict, arrays: Iterable[np.ndarray]) -> None:
    digest = _DIGEST()

    def write(data) -> None:
        digest.update(data)
        file.write(data)

    write(_MAGIC)
    write(json.dumps(state).encode("utf8") + b"\n")
    for array in arrays:
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        write(len(data).to_bytes(_LENGTH, "little"))
        write(data)
    file.write(digest.digest())


_LENGTH = 8


def _split(body: memoryview) -> list[memoryview]:
    found, start = [], 0
    while start < len(body):
        length = int.from_bytes(body[start : start + _LENGTH], "little")
        start += _LENGTH
        found.append(body[start : start + length])
        start += length
    return found
