"""Regular files alone, and never through a link: opened, read, locked.

A folder may hold whatever its other users have put there: a link to a file
elsewhere, a pipe that nobody writes to, a device without an end.
"""

import errno
import os
import stat
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# No link as the last part of a path, and no waiting for the other end of a
# pipe; on Windows there is neither.
_GUARDS = sum(
    getattr(os, name, 0)
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
# What systems answer where the last part is a link, or a pipe or socket.
_REFUSALS = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EOPNOTSUPP}
# What file systems without locks answer.
_WITHOUT = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_PART = 2**20
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Irregular(ValueError):
    """What a path names is a link, or no regular file or folder."""


def opened(
    path: str | os.PathLike, flags: int = os.O_RDONLY, mode: int = 0o666
) -> int:
    """Opens a regular file, not through a link, and returns its descriptor.

    Args:
        path: The file. Only its last part is looked at; see `check_below`.
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

    Without a file object, which asks the system twice as much: a large sweep
    has a file per setting.

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
    """Brings a regular file to the disk; see `opened` for the errors."""
    handle = opened(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_target(path: str | os.PathLike) -> None:
    """Checks that a name is free, or that of a regular file.

    A folder is let pass: no file takes its name in any case.

    Raises:
        Irregular: It is the name of something else, such as a link.
    """
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise _irregular(path)


def check_below(root: str | os.PathLike, path: str | os.PathLike) -> None:
    """Checks that no folder on the way from a root to a path is a link.

    Args:
        root: Folder where the way begins; it may be a link itself.
        path: Path below it, whose last part counts as well. What does not
            exist yet is let pass.

    Raises:
        Irregular: A part of the way is a link.
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
        f"Nothing below {root} may be a link, which could lead elsewhere. "
        f"Received: {path}, which is one. Put the files themselves there, or "
        "move the whole folder and link that."
    )


def lock(handle: int, shared: bool = False) -> bool:
    """Takes the operating system's lock of an open file, without waiting.

    Args:
        handle: Descriptor of the file; the lock lasts as long as it is open.
        shared: Whether others may share it. Defaults to `False`.

    Returns:
        Whether there are locks: `False` where the system or the file system
        knows none, and nothing is locked.

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
    """Yields what lies below a folder, in the order of the parts of paths.

    Folders are yielded before what they hold; links are not followed, and
    folders that cannot be read hold nothing.

    Args:
        folder: Where to begin; it may be a link itself.
        depth: How many folders below each other are looked into.

    Yields:
        An entry, and whether it is a folder that lies too deep to be looked
        into.
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
    kind = next((name for fits, name in _KINDS if fits(mode)), "another kind")
    return Irregular(
        f"{path} must be a regular file, so that nothing else is read or "
        f"written through it. Received: {kind}. Put the file itself there, or "
        "move it away."
    )
