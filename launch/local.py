"""Workers on this machine, as many as its cores and memory allow."""

import os
import select
from collections.abc import Callable
from collections.abc import Iterator

from ws_keras.storage import memory

from . import start_up
from . import worker

_TICK_SECONDS = 0.1
_ENDED = "ended before it had answered"


class Local:
    """A `scheduler.Pool` of processes that take one setting after the other.

    The first worker always starts. Another one starts only if the free memory
    is at least the peak of the largest worker so far, after each running
    worker has also grown to that peak. When a worker ends before its setting
    is finished, the setting has failed, and the next one gets a new process.

    Args:
        command: Command of a worker, which reads a setting's id from each
            line of its standard input and writes a line when it is done.
        workers: How many may run at the same time.
        available: Returns the bytes of memory that are left. Defaults to
            those of the machine or the control group.
        timeout: Seconds that a setting may take. Defaults to any number.
    """

    def __init__(
        self,
        command: list[str],
        workers: int,
        available: Callable[[], float] = memory.available,
        timeout: float | None = None,
    ):
        self._command = command
        self._workers = workers
        self._available = available
        self._timeout = timeout
        self._environment = threads(cores() // workers)
        self._running = {}
        self._idle = []
        self._largest = 0.0

    def prepare(self, count: int) -> None:
        """Starts workers, which import TensorFlow while settings are checked.

        Args:
            count: Number of workers; at most as many as are allowed start.
        """
        for _ in range(min(count, self._workers)):
            self._idle.append(self._begin())

    def ask(self, task: str) -> tuple[str | None, str | None]:
        """Gives a worker a task before all settings, and waits for the answer.

        Returns:
            The answer and `None`; or `None` and the last message of the
            worker, if it has ended.
        """
        if not self._idle:
            self._idle.append(self._begin())
        process = self._idle[0]
        found = process.ask(task)
        if found is not None:
            return found, None
        self._idle.remove(process)
        return None, process.last_words() or _ENDED

    def has_room(self) -> bool:
        """Returns whether a worker is idle, or one more may start."""
        self._idle = [w for w in self._idle if not w.has_ended()]
        if self._idle or not self._running:
            return True
        if len(self._running) >= self._workers:
            return False
        self._measure()
        growth = sum(
            max(0.0, self._largest - memory.resident(w.pid))
            for w in self._running.values()
        )
        return self._available() - growth >= self._largest

    def start(self, setting: str) -> None:
        """Gives a setting to an idle worker, or to a new one."""
        process = self._idle.pop() if self._idle else self._begin()
        process.take(setting)
        self._running[setting] = process

    def ended(self) -> Iterator[tuple[str, str | None]]:
        """Yields the settings that have ended, each with a message.

        It is the last message of a worker that has ended, and `None` for a
        setting that is finished.
        """
        answers = [process.answers for process in self._running.values()]
        select.select(answers, [], [], _TICK_SECONDS)
        self._measure()
        for setting, process in list(self._running.items()):
            # In this order: it may end just after its answer.
            has_ended = process.has_ended()
            if process.has_done():
                del self._running[setting]
                self._idle.append(process)
                yield setting, None
            elif has_ended:
                del self._running[setting]
                yield setting, process.last_words() or _ENDED

    def stop(self, at_once: bool) -> None:
        """Sends SIGTERM, or SIGKILL, to all processes."""
        for process in [*self._running.values(), *self._idle]:
            process.stop(at_once)

    def close(self) -> None:
        """Ends all processes; idle ones have nothing to save."""
        self.stop(at_once=True)
        for process in [*self._running.values(), *self._idle]:
            process.wait()

    def _begin(self) -> worker.Worker:
        return worker.Worker(
            self._command,
            self._environment,
            timeout=self._timeout,
            listens=True,
        )

    def _measure(self) -> None:
        peaks = (memory.peak(w.pid) for w in self._running.values())
        self._largest = max(self._largest, *peaks, 0.0)


def cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choices() -> dict[str, str]:
    """Returns the environment variables that workers elsewhere need.

    They choose the backend of Keras, and how it and XLA compute. What this
    process has set by itself is not among them: each worker does so.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("KERAS_", "TF_", "XLA_", "JAX_"))
        and name not in start_up.OWN
    }


def threads(count: int) -> dict[str, str]:
    """Returns the environment variables that limit the threads of a worker.

    Args:
        count: Number of threads; at least one is given.
    """
    names = (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
    )
    return dict.fromkeys(names, str(max(1, count)))
