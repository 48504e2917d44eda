"""Opens, reads and locks regular files only, and never through a link.

A folder that others can write to may have a link to a file elsewhere, a pipe
without a writer, or a device without an end.
"""

import errno
import os
import stat
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Not to follow a link as the last part of a path, and not to wait for the other
# end of a pipe. Windows has neither.
_GUARDS = sum(
    getattr(os, name, 0)
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
# Errors for a link, a pipe or a socket as the last part of a path.
_REFUSALS = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EOPNOTSUPP}
# Errors of file systems without locks.
_WITHOUT = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_PART = 2**20
# By the first letter of `ls -l`.
_KINDS = {
    "l": "a link",
    "d": "a folder",
    "p": "a named pipe",
    "s": "a socket",
    "c": "a device",
    "b": "a device",
}


class Irregular(ValueError):
    """A path names a link, or something other than a regular file."""


def opened(
    path: str | os.PathLike, flags: int = os.O_RDONLY, mode: int = 0o666
) -> int:
    """Opens a regular file, not through a link, and returns its descriptor.

    Args:
        path: The file. Only the last part is checked; see `check_below`.
        flags: Those of `os.open`. Defaults to reading.
        mode: Mode of a new file. Defaults to what the umask leaves.

    Raises:
        Irregular: The path names something else.
        OSError: As of `os.open`; `IsADirectoryError` for a folder.
    """
    try:
        handle = os.open(path, flags | _GUARDS, mode)
    except OSError as error:
        if error.errno in _REFUSALS:
            raise _irregular(path) from None
        raise
    kind = os.fstat(handle).st_mode
    if stat.S_ISREG(kind):
        return handle
    os.close(handle)
    if stat.S_ISDIR(kind):
        number = errno.EISDIR
        raise IsADirectoryError(number, os.strerror(number), os.fspath(path))
    raise _irregular(path)


def read(path: str | os.PathLike, limit: int | None = None) -> bytes:
    """Returns the content of a regular file.

    Without a file object, which makes twice as many system calls: a large
    sweep has a file for each setting.

    Args:
        path: The file.
        limit: The most bytes that it may have. Defaults to any number.

    Raises:
        Irregular: The path names something else, or a larger file.
        OSError: It cannot be read.
    """
    handle = opened(path)
    try:
        size = os.fstat(handle).st_size if limit is not None else 0
        if limit is not None and size > limit:
            raise Irregular(
                f"{path} must have at most {limit:,} bytes. Received: "
                f"{size:,} bytes."
            )
        parts = []
        while part := os.read(handle, _PART):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def sync(path: str | os.PathLike) -> None:
    """Fsyncs a regular file; raises the errors of `opened`."""
    handle = opened(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_target(path: str | os.PathLike) -> None:
    """Checks that a path does not exist, or is a regular file.

    A folder is accepted, because no file can replace it.

    Raises:
        Irregular: It is something else, such as a link.
    """
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise _irregular(path)


def check_below(root: str | os.PathLike, path: str | os.PathLike) -> None:
    """Checks that no part of a path below a root folder is a link.

    Args:
        root: The folder; it may be a link itself.
        path: Path below it. Parts that do not exist yet are accepted.

    Raises:
        Irregular: A part is a link.
    """
    place = os.fspath(root)
    for part in os.path.relpath(path, root).split(os.sep):
        place = os.path.join(place, part)
        try:
            kind = os.lstat(place).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(kind):
            raise linked(root, place)


def linked(root: str | os.PathLike, path: str | os.PathLike) -> Irregular:
    """Returns the error about a link below a root."""
    return Irregular(
        f"Nothing below {root} may be a link, because a link can lead to other "
        f"folders. Received: {path}, which is one. Put the files themselves "
        "there, or move the whole folder and make a link to it."
    )


def lock(handle: int, shared: bool = False) -> bool:
    """Takes the operating system's lock of an open file, without waiting.

    Args:
        handle: Descriptor of the file; the lock lasts as long as it is open.
        shared: Whether others may share it. Defaults to `False`.

    Returns:
        Whether it is locked: `False` if the system or the file system has no
        locks.

    Raises:
        BlockingIOError: Another process holds it.
    """
    if fcntl is None:
        return False
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise
        return False
    return True


def is_file(handle: int, path: str | os.PathLike) -> bool:
    """Returns whether a path still names the file that is open."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def walk(
    folder: str | os.PathLike, depth: int
) -> Iterator[tuple[os.DirEntry, bool]]:
    """Yields the entries below a folder, in the order of their parts.

    A folder comes before its content. Links are not followed, and folders that
    cannot be read are taken as empty.

    Args:
        folder: The folder; it may be a link itself.
        depth: How many levels of folders are searched.

    Yields:
        An entry, and whether it is a folder below the last of these levels.
    """
    levels = [_entries(os.fspath(folder))]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        is_too_deep = is_folder and len(levels) >= depth
        yield entry, is_too_deep
        if is_folder and not is_too_deep:
            levels.append(_entries(entry.path))


def _entries(folder: str) -> Iterator[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return iter(sorted(entries, key=lambda entry: entry.name))
    except OSError:
        return iter(())


def _irregular(path: str | os.PathLike) -> Irregular:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        mode = 0
    kind = _KINDS.get(stat.filemode(mode)[0], "another kind")
    return Irregular(
        f"{path} must be a regular file, so that nothing else is read or "
        f"written through it. Received: {kind}. Replace it by the file itself, "
        "or move it away."
    )
