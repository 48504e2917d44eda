"""The processes of this machine, as many as its cores and memory carry."""

import os
import time
from collections.abc import Callable
from collections.abc import Iterator

from ws_keras.storage import memory

from . import worker

_TICK_SECONDS = 0.1


class Local:
    """A `scheduler.Pool` of one process per setting.

    The first worker begins whatever the memory; another one only while so
    much is left as the largest has taken, beside what those that run may
    still come to take.

    Args:
        command: Function of a setting's id that returns its command.
        workers: How many may run at the same time.
        available: Returns the bytes of memory that are left. Defaults to
            those of the machine or the control group.
        timeout: Seconds that a setting may take. Defaults to any number.
    """

    def __init__(
        self,
        command: Callable[[str], list[str]],
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
        self._largest = 0.0

    def has_room(self) -> bool:
        """Returns whether a worker and its memory are free."""
        if not self._running:
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
        """Begins the process of a setting."""
        self._running[setting] = worker.Worker(
            self._command(setting), self._environment, timeout=self._timeout
        )

    def ended(self) -> Iterator[tuple[str, str | None]]:
        """Yields the settings whose processes have ended, and last words."""
        time.sleep(_TICK_SECONDS)
        self._measure()
        for setting, process in list(self._running.items()):
            if process.has_ended():
                del self._running[setting]
                yield setting, process.last_words()

    def stop(self, at_once: bool) -> None:
        """Sends SIGTERM, or SIGKILL, to all processes."""
        for process in self._running.values():
            process.stop(at_once)

    def _measure(self) -> None:
        peaks = (memory.peak(w.pid) for w in self._running.values())
        self._largest = max(self._largest, *peaks, 0.0)


def cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choices() -> dict[str, str]:
    """Returns the variables that a worker elsewhere needs to do the same.

    They choose the backend of Keras, and how it and XLA compute.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("KERAS_", "TF_", "XLA_", "JAX_"))
    }


def threads(count: int) -> dict[str, str]:
    """Returns the variables that give a worker so many threads.

    Args:
        count: Number of threads; at least one is given.
    """
    names = (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
    )
    return dict.fromkeys(names, str(max(1, count)))
