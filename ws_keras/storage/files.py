"""Files that appear complete or not at all."""

import contextlib
import errno
import hashlib
import os
import pathlib
import re
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from ws_keras.storage import regular

_OWN = re.compile(r"\.\d+-[0-9a-f]{8}(\.\w*)?")
_LONGEST = 255  # bytes of a name, on nearly all file systems
_ADDED = 60  # room for what a part's name has more
_TRIES = 100
# Errors of file systems without hard links.
_WITHOUT_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@contextlib.contextmanager
def at_once(
    path: str | os.PathLike, exclusive: bool = False
) -> Iterator[BinaryIO]:
    """Opens a file that gets its name when all of it is on the disk.

    Example:

    ```python
    with at_once("run.json") as file:
        file.write(b"{}")
    ```

    Args:
        path: The file; its folder must exist.
        exclusive: See `part_of`.

    Yields:
        A binary file to write to.

    Raises:
        Irregular: `path` is a link, or another thing than a file.
        OSError: It cannot be written; see `part_of`.
    """
    with part_of(path, exclusive) as part, open(part, "r+b") as file:
        yield file
        file.flush()


@contextlib.contextmanager
def part_of(
    path: str | os.PathLike, exclusive: bool = False
) -> Iterator[pathlib.Path]:
    """Creates an empty file beside a path, which gets that name at the end.

    For functions that write to a path, such as `keras.Model.save`; see
    `at_once`. The part has the suffix of `path`, and is locked while it is
    written. At the end it is fsynced and renamed, and the folder is fsynced.
    If the block or the disk fails, an older file of that name stays and the
    part is removed. A process that is killed may leave a hidden part, which
    `clean` removes.

    Args:
        path: The file; its folder must exist.
        exclusive: Whether to fail if a file of that name exists at the end.
            Defaults to `False`, which replaces it.

    Yields:
        Path of the part.

    Raises:
        Irregular: `path` is a link, or another thing than a file.
        FileExistsError: With `exclusive`, there is a file of that name.
        OSError: It cannot be written.
    """
    path = pathlib.Path(path)
    regular.check_target(path)
    handle, part = _new_part(path)
    try:
        yield part
        regular.sync(part)
        regular.check_target(path)
        if exclusive:
            _link(part, path)
        else:
            os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        # Those of a full disk name no file. Without a number, the text of an
        # error would be lost with a name.
        if error.errno is not None:
            error.filename = error.filename or str(path)
        raise
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def clean(path: str | os.PathLike) -> list[pathlib.Path]:
    """Removes the parts of a path whose writers were killed.

    A part that is locked stays, because its writer is alive. On a file system
    without locks all parts stay.

    Args:
        path: The file for which the parts were written.

    Returns:
        The parts that were removed.
    """
    removed = [part for part in parts(path) if _is_left(part)]
    for part in removed:
        part.unlink(missing_ok=True)
    return removed


def parts(path: str | os.PathLike) -> list[pathlib.Path]:
    """Returns the parts of a path, of living writers and of killed ones.

    Args:
        path: The file for which the parts were written.
    """
    path = pathlib.Path(path)
    head = _head(path)
    return [
        one
        for one in sorted(path.parent.iterdir())
        if one.name.startswith(head) and _OWN.fullmatch(one.name[len(head) :])
    ]


def short(name: str, longest: int = _LONGEST - _ADDED) -> str:
    """Returns a name for a file, shortened if it is too long.

    Args:
        name: Any name.
        longest: The most bytes that it may have, in UTF-8.

    Returns:
        The name, or its beginning and a hash of all of it.
    """
    raw = name.encode("utf8", "surrogatepass")
    if len(raw) <= longest:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return f"{raw[: longest - 13].decode('utf8', 'ignore')}-{digest}"


def sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: str | os.PathLike) -> None:
    """Writes a folder to the disk, with the names of its files.

    Without it a rename may be lost. Not all file systems can do it.
    """
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _head(path: pathlib.Path) -> str:
    return f".{short(path.name)}"


def _new_part(path: pathlib.Path) -> tuple[int, pathlib.Path]:
    for _ in range(_TRIES):
        # Machines that share the folder may give the same id to a process.
        own = f"{os.getpid()}-{secrets.token_hex(4)}"
        part = path.with_name(f"{_head(path)}.{own}{path.suffix[:10]}")
        new = os.O_RDWR | os.O_CREAT | os.O_EXCL
        handle = regular.opened(part, new)
        with contextlib.suppress(BlockingIOError):
            regular.lock(handle)
            if regular.is_file(handle, part):
                return handle, part
        os.close(handle)  # `clean` came between the two
    raise FileNotFoundError(errno.ENOENT, "no part can be made", str(path))


def _is_left(part: pathlib.Path) -> bool:
    try:
        handle = regular.opened(part, os.O_RDWR)
    except (OSError, regular.Irregular):
        return False
    try:
        return regular.lock(handle)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)


def _link(part: pathlib.Path, path: pathlib.Path) -> None:
    """Gives a part its name in one step, unless that name exists."""
    try:
        os.link(part, path)
    except FileExistsError:
        number = errno.EEXIST
        raise FileExistsError(number, os.strerror(number), str(path)) from None
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # The name first, in one step as well; a kill leaves it empty.
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        os.close(regular.opened(path, new))
        os.replace(part, path)
