"""A lock between processes that dies with its holder.

Libraries of locks follow links, and do not say who holds one.
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

    The operating system holds it for as long as the process lives, so that
    none is left behind by one that was killed, whatever the clock says. Over
    NFS it is held by the server (version 4, or 3 with its lock daemon), and
    is freed when the client is gone. Where the system or the file system
    knows no such locks, nothing is locked.

    Example:

    ```python
    with Lock(f"{folder}/{NAME}"):
        ...
    ```

    Args:
        path: File that stands for the lock; made when missing. It names the
            holder, for people; of several the one that came last. Only a
            holder may remove it. A link is refused, and a file that holds
            something else is locked as it is.
        shared: Whether others that share it may hold it at the same time.
            Defaults to `False`.
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
            # Its holder may have removed the file in between: then this is a
            # lock that nobody else meets.
            if not regular.is_file(handle, self.path):
                os.close(handle)
                return False
            _sign(handle)
        except BlockingIOError:
            os.close(handle)
            return False
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return True

    def free(self) -> None:
        """Gives the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> str:
        """Returns who holds it, for people."""
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
    """Writes who holds a lock, unless its file is somebody else's text."""
    found = os.pread(handle, _LONGEST, 0)
    if found and not _HOLDER.fullmatch(found):
        return
    name = f"process {os.getpid()} on {socket.gethostname()}\n"
    os.ftruncate(handle, 0)
    os.pwrite(handle, name.encode("utf8"), 0)
