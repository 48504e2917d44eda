"""One progress display for all workers of a sweep, from their rows."""

import time
from collections.abc import Iterable
from collections.abc import Mapping

from ws_keras.storage import rows
from ws_keras.storage import workdir as workdirs

from . import progress as progresses

_LOOK_SECONDS = 0.5


class Watch:
    """A `scheduler.Watcher` that shows each row once it is written.

    Args:
        folder: The `Workdir`.
        costs: Id of each setting that is to run to its expected sample
            passes in each round.
        stream: Text stream. Defaults to the standard output.
        settings: Ids of all settings of the sweep. Defaults to those of
            `costs`.
    """

    def __init__(
        self,
        folder: workdirs.Workdir,
        costs: Mapping[str, list[float]],
        stream=None,
        settings: Iterable[str] | None = None,
    ):
        self._folder = folder
        self._costs = costs
        self._total = len(costs)
        self._done = 0
        self._progress = progresses.Progress(costs, stream, settings)
        self._sizes = {}
        self._rounds = {}
        self._looked = time.monotonic()
        for setting in costs:
            for row in self._new(setting):
                self._progress.known(row)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_) -> None:
        self._progress.__exit__()

    def look(self, running: Iterable[str], waiting: int) -> None:
        """Shows what the running settings have written since the last look."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        running = list(running)
        for setting in running:
            self._show(setting)
        self._progress.status(
            f"{self._done} of {self._total} settings done, {len(running)} "
            f"running, {waiting} waiting"
        )

    def ended(self, setting: str, words: str | None, again: bool) -> None:
        """Shows the last rows of a setting, and why it has failed."""
        self._show(setting)
        self._done += not again
        if words is not None:
            then = "; it will be tried again" if again else ""
            self._progress.note(setting, f"ended: {words}{then}")

    def _show(self, setting: str) -> None:
        for row in self._new(setting):
            self._progress.round(row)

    def _new(self, setting: str) -> list[rows.Row]:
        path = self._folder.rows_path(setting)
        try:
            size = path.stat().st_size
            if size == self._sizes.get(setting):
                return []
            found = rows.scan(path).records
        except OSError:
            return []
        # The worker reports rows that belong to something else.
        rounds = range(1, len(self._costs[setting]) + 1)
        found = [
            row
            for row in found
            if row.setting == setting and row.round in rounds
        ]
        self._sizes[setting] = size
        # A setting that has restarted repeats rounds that were counted.
        seen = self._rounds.get(setting, 0)
        new = [row for row in found if row.round > seen]
        if new:
            self._rounds[setting] = new[-1].round
        return new
