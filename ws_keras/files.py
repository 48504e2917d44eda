"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib
import secrets
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def at_once(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Opens a file that gets its name once all of it is on the disk.

    It is written beside, flushed, fsynced and renamed. When the block or the
    disk fails, an older file of that name is untouched and nothing is left
    behind; a process that is killed may leave a hidden part.

    Example:

    ```python
    with at_once("run.json") as file:
        file.write(b"{}")
    ```

    Args:
        path: The file; its folder must exist.

    Yields:
        A binary file to write to.

    Raises:
        OSError: It cannot be written.
    """
    path = pathlib.Path(path)
    # Machines that share the folder may give the same id to a process.
    own = f"{os.getpid()}-{secrets.token_hex(4)}"
    part = path.with_name(f".{path.name}.{own}")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: pathlib.Path) -> None:
    # A rename is on the disk once its folder is; not all file systems can.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
