"""Files with a JSON object in each line, and a checksum of its text."""

import collections
import dataclasses
import json
import os
import pathlib
import zlib
from collections.abc import Collection
from typing import Any

from ws_keras.storage import files
from ws_keras.storage import regular

CHECKSUM = "crc32"
LARGEST = 2**28  # bytes of a file: some 300,000 rows of one setting
DEPTH = 32  # folders below each other
_SHOWN = 40


@dataclasses.dataclass(frozen=True)
class Found:
    """What is below a folder, as paths in the order of their parts.

    `files` are line files. `links` are links in the place of one or of a
    folder, which are not followed. `deep` are folders at the depth `DEPTH`,
    which are not searched.
    """

    files: list[str]
    links: list[str]
    deep: list[str]


def append(path: str | os.PathLike, values: dict[str, Any], sync: bool) -> None:
    """Appends an object as a line with a checksum.

    An incomplete last line of a killed writer is removed first.

    Args:
        path: File; it and its folder are created if they are missing.
        values: Values that JSON can hold, without nan.
        sync: Whether to fsync it.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Binary: one write call per line, and offsets that count bytes.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    with os.fdopen(regular.opened(path, flags), "ab+") as file:
        is_new = not file.seek(0, os.SEEK_END)
        _cut_torn_tail(file)
        file.write(_signed(json.dumps(values, allow_nan=False)) + b"\n")
        file.flush()
        if sync:
            os.fsync(file.fileno())
    if sync and is_new:
        files.sync_folder(path.parent)


def sync(path: str | os.PathLike) -> None:
    """Fsyncs a line file, if it exists."""
    if os.path.lexists(path):
        regular.sync(path)


def cut(path: str | os.PathLike, count: int) -> None:
    """Keeps the first lines of a file, in one step.

    Args:
        path: Line file; if it is missing, nothing is done.
        count: Number of whole lines that stay.
    """
    if not os.path.lexists(path):
        return
    lines, _ = read(path)
    with files.at_once(path) as file:
        file.write(b"".join(line + b"\n" for line in lines[:count]))


def read(path: str | os.PathLike) -> tuple[list[bytes], bool]:
    """Returns the complete lines of a file, and whether the last one is torn.

    Raises:
        Irregular: It is a link, no regular file, or larger than `LARGEST`.
        OSError: It cannot be read.
    """
    *lines, tail = regular.read(path, LARGEST).split(b"\n")
    return lines, bool(tail)


def parse(line: bytes) -> dict[str, Any]:
    """Returns the object of a line, without its checksum.

    Raises:
        ValueError: The line is no JSON object, has a key twice, or was
            changed after it was written.
    """
    try:
        values = json.loads(line.decode("utf8"), object_pairs_hook=_unique)
    except _TwiceError as error:
        raise ValueError(
            f"each key must occur once. Received: {error} twice."
        ) from None
    except (ValueError, RecursionError):
        raise ValueError(
            f"not a JSON line. Received: {line[:_SHOWN]!r}."
        ) from None
    if type(values) is not dict:
        raise ValueError(f"not a JSON object. Received: {line[:_SHOWN]!r}.")
    if CHECKSUM not in values:  # a line of an earlier version
        return values
    checksum = values.pop(CHECKSUM)
    wanted = zlib.crc32(line[:-_LENGTH])
    if not line.endswith(_TAIL % wanted):
        raise ValueError(
            f"its {CHECKSUM} must be that of its text. Received: "
            f"{str(checksum)[:8]!r} instead of '{wanted:08x}', so the line was "
            "changed after it was written."
        )
    return values


def find(workdir: str | os.PathLike, names: Collection[str]) -> Found:
    """Finds the line files of these names below a folder; follows no links."""
    found = Found([], [], [])
    for entry, is_too_deep in regular.walk(workdir, DEPTH):
        if entry.is_symlink():
            if entry.name in names or not entry.is_file():
                found.links.append(entry.path)
        elif entry.name in names:
            found.files.append(entry.path)
        elif is_too_deep:
            found.deep.append(entry.path)
    return found


class _TwiceError(Exception):
    """A key is there twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = collections.Counter(key for key, _ in pairs)
        (key, _), *_ = counts.most_common(1)
        raise _TwiceError(f"{key[:_SHOWN]!r}")
    return found


_TAIL = b', "%s": "%%08x"}' % CHECKSUM.encode()
_LENGTH = len(_TAIL % 0)


def _signed(text: str) -> bytes:
    line = text.encode("utf8").removesuffix(b"}")
    return line + _TAIL % zlib.crc32(line)


def _cut_torn_tail(file) -> None:
    end = file.seek(0, os.SEEK_END)
    if not end:
        return
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    os.ftruncate(file.fileno(), file.read().rfind(b"\n") + 1)
