"""The queue of a sweep: starts settings while there is room, and retries them.

It does not know whether they run in processes or on a cluster: that is the
task of a `Pool`.
"""

import collections
import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Protocol

RETRIES = 1


class Pool(Protocol):
    """Runs settings, for example in processes of this machine."""

    def has_room(self) -> bool:
        """Returns whether one more setting may start now."""

    def start(self, setting: str) -> None:
        """Starts a setting."""

    def ended(self) -> Iterable[tuple[str, str | None]]:
        """Waits a moment, then returns what has ended since the last call.

        Returns:
            Pairs of a setting and its last message, `None` if it succeeded.
        """

    def stop(self, at_once: bool) -> None:
        """Asks all running settings to end, or ends them at once."""

    def close(self) -> None:
        """Releases its resources, when no setting runs any more."""


class Watcher(Protocol):
    """Shows what happens in a sweep."""

    def look(self, running: Iterable[str], waiting: int) -> None:
        """Called repeatedly while settings run."""

    def ended(self, setting: str, words: str | None, again: bool) -> None:
        """Called when a setting has ended; `again` if it will be retried."""


@dataclasses.dataclass(frozen=True)
class Result:
    """How the settings of a sweep have ended.

    `failed` has the last message of each setting that failed in all its
    trials, `left` the settings that an interruption left unfinished.
    """

    finished: list[str]
    failed: dict[str, str]
    left: list[str]


class Scheduler:
    """Runs settings in a pool, the most expensive first.

    If the longest start first, all workers are busy until near the end. A
    setting that fails is retried after all others: the cause, such as too
    little memory, may be gone by then.

    Example:

    ```python
    scheduler = Scheduler(costs, pool, watcher)
    signal.signal(signal.SIGTERM, lambda *_: scheduler.interrupt())
    result = scheduler.run()
    ```

    Args:
        costs: Id of each setting to its cost, in any unit.
        pool: The `Pool` that they run in.
        watcher: The `Watcher`, for progress.
        retries: How often a setting that failed is tried again. Defaults to
            1.
    """

    def __init__(
        self,
        costs: Mapping[str, float],
        pool: Pool,
        watcher: Watcher,
        retries: int = RETRIES,
    ):
        ordered = sorted(costs, key=costs.__getitem__, reverse=True)
        self._waiting = collections.deque(ordered)
        self._running = {}  # a dict for its order; the values mean nothing
        self._finished = []
        self._failed = {}
        self._left = []
        self._trials = collections.Counter()
        self._pool = pool
        self._watcher = watcher
        self._retries = retries
        self._interruptions = 0
        self._obeyed = 0

    def interrupt(self) -> None:
        """Starts no more settings and stops the running ones.

        The second call ends them at once. It only counts the calls, so that a
        signal handler may use it.
        """
        self._interruptions += 1

    def run(self) -> Result:
        """Runs all settings to their end, or until an interruption.

        Returns:
            A `Result`.
        """
        while self._running or (self._waiting and not self._interruptions):
            self._obey()
            self._begin()
            for setting, words in self._pool.ended():
                self._end(setting, words)
            self._watcher.look(self._running, len(self._waiting))
        left = [*self._left, *self._waiting]
        return Result(self._finished, self._failed, left)

    def _obey(self) -> None:
        if self._interruptions > self._obeyed:
            self._obeyed = self._interruptions
            self._pool.stop(at_once=self._interruptions > 1)

    def _begin(self) -> None:
        while (
            self._waiting and not self._interruptions and self._pool.has_room()
        ):
            setting = self._waiting.popleft()
            self._running[setting] = None
            self._trials[setting] += 1
            self._pool.start(setting)

    def _end(self, setting: str, words: str | None) -> None:
        del self._running[setting]
        again = False
        if words is None:
            self._finished.append(setting)
        elif self._interruptions:
            self._left.append(setting)
        elif self._trials[setting] <= self._retries:
            again = True
            self._waiting.append(setting)
        else:
            self._failed[setting] = words
        self._watcher.ended(setting, words, again)
