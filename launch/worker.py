"""A process that runs settings, ends with its parent and keeps its errors."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

_LINES = 3
_CHARACTERS = 500
_TAIL = 10_000
_GRACE_SECONDS = 60.0  # for a checkpoint after a step
_PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec nothing may be looked up.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Worker:
    """A process that the system asks to end (SIGTERM) when its parent ends.

    It has its own session, so that Ctrl-C in a terminal reaches the parent
    only, which decides.

    Example:

    ```python
    worker = Worker(["python", "-m", "launch.run", "--workdir=runs/x"])
    worker.wait()
    print(worker.last_words())
    ```

    Args:
        command: Program and arguments.
        environment: Variables to add to those of this process. Defaults to
            none.
        cwd: Folder to run in. Defaults to that of this process.
        timeout: Seconds until the process gets SIGTERM, after which it can
            write a checkpoint. If it listens, the seconds of each task.
            Defaults to `None`, no limit.
        grace: Further seconds until it is killed. Defaults to 60.
        listens: Whether it reads tasks from its standard input, one per line,
            and writes a line when one is done. Defaults to `False`.
    """

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
        grace: float = _GRACE_SECONDS,
        listens: bool = False,
    ):
        parent = os.getpid()
        pipe = subprocess.PIPE if listens else subprocess.DEVNULL
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=self._errors,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )
        self._begun = None if listens else time.monotonic()
        self._timeout, self._grace = timeout, grace
        self._is_late = False
        self._first = 0  # byte of the errors of its task
        self._answer = b""
        if listens:
            os.set_blocking(self.answers, False)

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Returns whether the process has ended; stops one that is late."""
        if self._process.poll() is not None:
            return True
        if self._timeout is not None and self._begun is not None:
            self._hurry(time.monotonic() - self._begun - self._timeout)
        return False

    def take(self, task: str) -> None:
        """Gives a task to a process that listens and is idle."""
        self._begun = time.monotonic()
        # If the process has just ended, `has_ended` says so for this task.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{task}\n".encode())
            self._process.stdin.flush()

    def ask(self, task: str) -> str | None:
        """Gives a task without a limit of time, and waits for its answer.

        Returns:
            The line of the answer; `None` if the process has ended instead.
        """
        self.take(task)
        self._begun = None
        os.set_blocking(self.answers, True)
        line = self._process.stdout.readline()
        os.set_blocking(self.answers, False)
        if not line.endswith(b"\n"):
            return None
        self._forget_errors()
        return line.decode()

    def has_done(self) -> bool:
        """Returns whether the process has answered; it is then idle again."""
        # A line may come in parts.
        self._answer += self._process.stdout.read() or b""
        if not self._answer.endswith(b"\n"):
            return False
        self._answer, self._begun = b"", None
        self._forget_errors()
        return True

    @property
    def answers(self) -> int:
        """File descriptor of the pipe from which answers are read."""
        return self._process.stdout.fileno()

    def _forget_errors(self) -> None:
        """Leaves the errors so far out of the message about the next task."""
        self._first = os.fstat(self._errors.fileno()).st_size

    def wait(self) -> None:
        """Waits for the end of the process."""
        self._process.wait()

    def stop(self, at_once: bool = False) -> None:
        """Asks the process to end (SIGTERM), or ends it (SIGKILL)."""
        if not at_once:
            self._process.send_signal(signal.SIGTERM)
        elif self._process.poll() is None:
            # With all that it has begun; it leads a group of its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Sends SIGTERM, and SIGKILL if the process does not end in time."""
        self.stop()
        try:
            self._process.wait(self._grace)
        except subprocess.TimeoutExpired:
            self.stop(at_once=True)
            self._process.wait()

    def last_words(self) -> str | None:
        """Returns why the process has failed, `None` if it has not.

        The text has the signal that killed it and the last lines of its
        standard error.
        """
        status = self._process.wait()
        if not status:
            return None
        words = _tail(self._errors, self._first)[-_LINES:]
        words = " ".join(words)[-_CHARACTERS:]
        if self._is_late:
            late = f"did not end in {self._timeout:g} s (--timeout)"
            return f"{late}: {words}" if words else late
        if status == 128 + signal.SIGTERM and not words:
            return "stopped by SIGTERM"
        if status > 0:
            return words or f"exit status {status}, without a message"
        killed = f"killed by signal {-status} ({_name(-status)})"
        return f"{killed}: {words}" if words else killed

    def _hurry(self, late: float) -> None:
        if late > self._grace:
            self.stop(at_once=True)
        elif late > 0 and not self._is_late:
            self._is_late = True
            self.stop()


def die_with(parent: int) -> None:
    """Has the system send SIGTERM to this process when its parent ends."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have ended just before.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _name(number: int) -> str:
    if number == signal.SIGKILL:
        return "out of memory?"
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _tail(file, first: int) -> list[str]:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(first, end - _TAIL))
    lines = file.read().decode("utf8", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]
