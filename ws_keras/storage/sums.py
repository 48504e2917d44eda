"""`SHA256SUMS`: what the files of a run were when the run wrote them."""

import os
import pathlib
import re
from collections.abc import Iterator
from collections.abc import Sequence

from ws_keras.storage import files
from ws_keras.storage import regular

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_LARGEST = 2**26  # bytes of the file: half a million settings
_SHOWN = 40
_BEFORE = 64 + 2  # letters before a name


def record(folder: str | os.PathLike, names: Sequence[str]) -> None:
    """Notes the SHA-256 of files, as `sha256sum` does.

    The run calls it for what it has just written, and for nothing else: a
    file that is changed afterwards no longer has the sum that stands here.

    Args:
        folder: Folder of the run; whoever calls holds its lock.
        names: Files to note, as paths below it. One that is not there is left
            out, one that is noted already gets the new sum.

    Raises:
        Irregular: One of the files is a link.
        OSError: One cannot be read, or the sums cannot be written.
    """
    folder = pathlib.Path(folder)
    new = {
        name: f"{_sum(folder, name)}  {name}"
        for name in names
        if os.path.lexists(folder / name)
    }
    kept = [line for line in _lines(folder) if line[_BEFORE:] not in new]
    text = "".join(f"{line}\n" for line in [*kept, *new.values()])
    with files.at_once(folder / NAME) as file:
        file.write(text.encode())


def read(folder: str | os.PathLike) -> dict[str, str]:
    """Returns the name of each file that is noted to its SHA-256.

    Args:
        folder: Folder of a run; without sums nothing is noted.

    Raises:
        ValueError: A line is no sum.
    """
    found = {}
    for number, line in enumerate(_lines(folder), 1):
        matched = _LINE.fullmatch(line)
        if not matched:
            raise ValueError(
                f"{pathlib.Path(folder) / NAME}, line {number}: must be the "
                "SHA-256 of a file, two spaces and its name. Received: "
                f"{line[:_SHOWN]!r}."
            )
        found[matched[2]] = matched[1]
    return found


def problems(folder: str | os.PathLike) -> Iterator[str]:
    """Yields a sentence about each file that is not as it was noted."""
    try:
        known = read(folder)
    except (OSError, ValueError) as error:
        yield str(error)
        return
    for name, noted in known.items():
        path = pathlib.Path(folder) / name
        try:
            found = _sum(folder, name)
        except FileNotFoundError:
            yield f"{path} is missing, although {NAME} lists it."
        except (OSError, ValueError) as error:
            yield str(error)
        else:
            if found != noted:
                yield f"{path} has changed since the run listed it in {NAME}."


def _sum(folder: str | os.PathLike, name: str) -> str:
    path = pathlib.Path(folder) / name
    regular.check_below(folder, path)
    return files.sha256(path)


def _lines(folder: str | os.PathLike) -> list[str]:
    path = pathlib.Path(folder) / NAME
    if not os.path.lexists(path):
        return []
    text = regular.read(path, _LARGEST).decode("utf8", "replace")
    return text.splitlines()
