"""One setting as a process: it dies with its parent and has last words."""

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
    """A process that is told to end when the one that began it is gone.

    It has a session of its own, so that Ctrl-C in a terminal reaches it only
    through its parent.

    Example:

    ```python
    worker = Worker(["python", "-m", "launch.run", "--workdir=runs/x"])
    worker.wait()
    print(worker.last_words())
    ```

    Args:
        command: Program and arguments.
        environment: Variables that are added to this process' own. Defaults
            to none.
        cwd: Folder to run in. Defaults to that of this process.
        timeout: Seconds after which the process is asked to end, as by a
            signal: it may keep what it has done. Of one that listens, those
            of a task. Defaults to `None`, no limit.
        grace: Seconds after that until it is ended. Defaults to 60.
        listens: Whether it takes tasks, a line each on its standard input,
            and answers with a line when one is done. Defaults to `False`.
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
        """Returns whether the process has ended, and sees to it in time."""
        if self._process.poll() is not None:
            return True
        if self._timeout is not None and self._begun is not None:
            self._hurry(time.monotonic() - self._begun - self._timeout)
        return False

    def take(self, task: str) -> None:
        """Gives a task to a process that listens and has none."""
        self._begun = time.monotonic()
        # One that has just ended is found to have ended with this task.
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
        """Returns whether the task has been answered, which is then over."""
        # A line may come in parts.
        self._answer += self._process.stdout.read() or b""
        if not self._answer.endswith(b"\n"):
            return False
        self._answer, self._begun = b"", None
        self._forget_errors()
        return True

    @property
    def answers(self) -> int:
        """Descriptor of the pipe that answers come through."""
        return self._process.stdout.fileno()

    def _forget_errors(self) -> None:
        """What follows on the standard error is of the next task."""
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
        """Asks the process to end, and ends it where it does not."""
        self.stop()
        try:
            self._process.wait(self._grace)
        except subprocess.TimeoutExpired:
            self.stop(at_once=True)
            self._process.wait()

    def last_words(self) -> str | None:
        """Returns why an ended process has failed, `None` if it has not.

        The last lines of its standard error, and the signal that killed it.
        """
        status = self._process.wait()
        if not status:
            return None
        words = _tail(self._errors, self._first)[-_LINES:]
        words = " ".join(words)[-_CHARACTERS:]
        if self._is_late:
            late = f"did not end in {self._timeout:g} s (--timeout)"
            return f"{late}: {words}" if words else late
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
    """Lets this process get SIGTERM when the parent that began it ends."""
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
