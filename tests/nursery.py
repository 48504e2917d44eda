"""Commands as children of a process that has the imports already.

A line of JSON on the standard input starts one: `arguments`, `out` (a file for
what it prints), `err` (another one for its errors, `out` if not given),
`command` (`launch.run` if not given), `kill_at`: at that file operation,
counted from 1, the child kills itself by SIGKILL, and `clock_jumps`: whether
the time of day, as Python sees it, jumps by days at each look, and
`obeys_modes`: whether the modes of files count for it even if it is root,
`without_locks`: whether the system answers as a file system without locks does,
`user`: id of the user that it becomes, who may write what that user may,
`umask`: what its new files are not, and `environment`: further variables of its
environment, the numbers of threads among them. Its process id and, once it has
ended, its exit status are written as lines.
"""

import atexit
import contextlib
import ctypes
import errno
import fcntl
import gc
import importlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
# What changes a file or a folder for good. `write` and `open` are not among
# them: what they do is not yet on the disk.
_OPERATIONS = ("fsync", "replace", "rename", "unlink", "mkdir", "ftruncate")


def main() -> None:
    """Starts children until the standard input ends."""
    gc.disable()
    from ws_keras import experiment  # noqa: F401
    from ws_keras.data import datasets  # noqa: F401

    # Else each child copies the memory of all that is imported.
    gc.collect()
    gc.freeze()
    gc.enable()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _leave(order)
        print(child, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


def _leave(order: dict) -> None:
    status = 0
    try:
        _run(**order)
    except SystemExit as end:
        status = end.code or 0
    # All but the end of the interpreter, which takes seconds here.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(
    arguments: list[str],
    out: str,
    err: str | None = None,
    command: str = "launch.run",
    kill_at: int | None = None,
    clock_jumps: bool = False,
    obeys_modes: bool = False,
    without_locks: bool = False,
    user: int | None = None,
    umask: int | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    os.environ.update(environment or {})
    handle = _opened(out)
    os.dup2(handle, 1)
    os.dup2(_opened(err) if err else handle, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if kill_at is not None:
        _count_down(kill_at)
    if obeys_modes:
        _drop_capabilities()
    if without_locks:
        fcntl.flock = _no_locks
    if umask is not None:
        os.umask(umask)
    if user is not None:
        _become(user)
    if clock_jumps:
        now, rng = time.time, random.Random(0)
        time.time = lambda: now() + rng.uniform(-3, 3) * 86400
    sys.argv = sys.orig_argv = ["run", *arguments]
    importlib.import_module(command).run()


def _opened(path: str) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)


def _count_down(left: int) -> None:
    def counted(operation):
        def run(*arguments, **keywords):
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*arguments, **keywords)

        return run

    for name in _OPERATIONS:
        setattr(os, name, counted(getattr(os, name)))


def _drop_capabilities(kept: int = 0) -> None:
    """Takes the rights of root that go past the modes of files."""
    version = 0x20080522
    header = (ctypes.c_uint32 * 2)(version, 0)
    some = (ctypes.c_uint32 * 6)(kept, kept)
    if ctypes.CDLL(None, use_errno=True).capset(header, some):
        raise OSError(ctypes.get_errno(), "capset")


def _become(user: int) -> None:
    """Becomes another user, who can still read Python wherever it lies."""
    read_and_search, keep_capabilities = 1 << 2, 8
    ctypes.CDLL(None).prctl(keep_capabilities, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    _drop_capabilities(read_and_search)


def _no_locks(*_) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


class Nursery:
    """Starts commands, one at a time, by a process of `main`."""

    def __enter__(self) -> "Nursery":
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._read() == "ready"
        self._running = None
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()

    def start(self, *arguments, out, **order) -> int:
        """Starts a command and returns its process id."""
        if self._running is not None:  # a test has failed before its `wait`
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._running, signal.SIGKILL)
            self.wait()
        order = {"arguments": list(map(str, arguments)), **order}
        order["out"] = str(out)
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._running = int(self._read())
        assert self._running > 0  # 0 would be all processes, to `os.kill`
        return self._running

    def script(self, code: str, *arguments) -> subprocess.CompletedProcess:
        """Runs a script, as a process that has the imports."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "script.py")
            path.write_text(code, encoding="utf8")
            return self.run(path, *arguments, command="tests.scripted")

    @property
    def running(self) -> int:
        """Process id of the command that runs."""
        return self._running

    def wait(self) -> int:
        """Returns the exit status of the command, negative for a signal."""
        self._running = None
        return int(self._read())

    def run(self, *arguments, **order) -> subprocess.CompletedProcess:
        """Runs a command to its end."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = (pathlib.Path(folder, name) for name in ("out", "err"))
            self.start(*arguments, out=out, err=str(err), **order)
            status = self.wait()
            texts = [path.read_text(encoding="utf8") for path in (out, err)]
        return subprocess.CompletedProcess(arguments, status, *texts)

    def _read(self) -> str:
        return self._process.stdout.readline().strip()


if __name__ == "__main__":
    main()
