"""A lock between processes, which ends with the process that holds it.

Lock libraries follow links and do not name the holder.
"""

import os
import pathlib
import re
import socket
import time

from ws_keras.storage import regular

NAME = ".lock"
_POLL_SECONDS = 0.1
_HOLDER = re.compile(rb"process \d+ on [^\n]*\n?")
_LONGEST = 300


class Lock:
    """Lets one process at a time, or those that share it, use a folder.

    The operating system frees it when the process ends, also when it is
    killed. Over NFS the server holds it (version 4, or 3 with its lock
    daemon), and frees it when the client is gone. Where the system or the file
    system has no such locks, nothing is locked.

    Example:

    ```python
    with Lock(f"{folder}/{NAME}"):
        ...
    ```

    Args:
        path: File of the lock, created if it is missing. It names the holder,
            or the last one of several. Only a holder may remove it. A link is
            refused. A file with other content is locked and not changed.
        shared: Whether several processes that set it can hold the lock at the
            same time. Defaults to `False`.
    """

    def __init__(self, path: str | os.PathLike, shared: bool = False):
        self.path = pathlib.Path(path)
        self._shared = shared
        self._handle = None

    def take(self) -> bool:
        """Takes the lock if it is free, and returns whether it is now held."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = regular.opened(self.path, os.O_RDWR | os.O_CREAT)
        except FileNotFoundError:  # its holder has just removed the folder
            return False
        try:
            regular.lock(handle, self._shared)
            # The holder may have removed the file in between. Nobody else
            # would then see this lock.
            if not regular.is_file(handle, self.path):
                os.close(handle)
                return False
            _sign(handle)
        except BlockingIOError:
            os.close(handle)
            return False
        except BaseException as error:
            os.close(handle)
            if isinstance(error, OSError):  # that of a full disk has no name
                error.filename = error.filename or str(self.path)
            raise
        self._handle = handle
        return True

    def free(self) -> None:
        """Frees the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> str:
        """Returns the name of the holder, for messages."""
        try:
            found = regular.read(self.path, _LONGEST)
        except (OSError, regular.Irregular):
            return ""
        return found.decode("utf8", "replace").strip()

    def is_held(self) -> bool:
        """Returns whether another process holds it."""
        if not os.path.lexists(self.path):
            return False
        if not self.take():
            return True
        self.free()
        return False

    def __enter__(self) -> "Lock":
        while not self.take():
            time.sleep(_POLL_SECONDS)
        return self

    def __exit__(self, *_) -> None:
        self.free()


def _sign(handle: int) -> None:
    """Writes the holder into the file, unless that has other content."""
    found = os.pread(handle, _LONGEST, 0)
    if found and not _HOLDER.fullmatch(found):
        return
    name = f"process {os.getpid()} on {socket.gethostname()}\n"
    os.ftruncate(handle, 0)
    os.pwrite(handle, name.encode("utf8"), 0)
