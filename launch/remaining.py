"""Estimates the remaining time of a run from its finished rounds."""

import math
import time
from collections.abc import Callable
from collections.abc import Mapping

from ws_keras.storage import rows

# Relative errors of an estimate: of single rounds, which average out over many,
# and of all rounds together.
_SPREAD, _BIAS = 0.5, 0.15
_SURE = 0.25


class Remaining:
    """Estimates the seconds that settings will still take, as a range.

    There is no estimate before the first round has ended. Then the expected
    sample passes that remain are taken to be as fast as those before. Tracing
    counts once for each setting that has not begun, and parallel workers share
    the work. Between two rounds the estimate counts down; when it reaches
    zero, there is none until the next round ends.

    Args:
        costs: Id of each setting that is to run to its expected sample
            passes in each round.
        clock: Returns seconds that only grow. Defaults to `time.monotonic`.
    """

    def __init__(
        self,
        costs: Mapping[str, list[float]],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._costs, self._clock = costs, clock
        self._start = clock()
        self._left = sum(map(sum, costs.values()))
        self._waiting = set(costs)  # to begin, and to be traced
        self._expected = 0.0  # passes of the rounds that are done
        self._worked, self._traced = [], []  # seconds of each
        self._estimate, self._at = None, 0.0

    def done_before(self, setting: str, count: int) -> None:
        """Subtracts rounds that an earlier command did, without their speed."""
        self._left -= sum(self._costs[setting][:count])

    def ended(self, row: rows.Row) -> None:
        """Counts a round that has just ended."""
        passes = self._costs[row.setting]
        self._left -= self._passes(row)
        self._expected += passes[row.round - 1]
        self._worked.append(_known(row.train_seconds, row.eval_seconds))
        if row.setting in self._waiting:
            self._waiting.remove(row.setting)
            self._traced.append(_known(row.trace_seconds))
        self._estimate, self._at = self._whole(), self._clock()

    def known(self, row: rows.Row) -> None:
        """Counts a round of an earlier command, without its speed."""
        self._left -= self._passes(row)

    def text(self) -> str:
        """Returns the remaining time, such as `5 to 10 min left`.

        Empty while there is no estimate, and when all is done.
        """
        if self._estimate is None or self._left <= 0:
            return ""
        seconds = self._estimate - (self._clock() - self._at)
        if seconds <= 0:
            return ""
        part = _BIAS + _SPREAD / math.sqrt(len(self._worked))
        if part < _SURE:
            return f"about {duration(seconds)} left"
        low, high = seconds * (1 - part), seconds * (1 + part)
        return f"{between(low, high)} left"

    def _passes(self, row: rows.Row) -> float:
        """Returns the expected passes of a round, and of rounds it skips."""
        passes = self._costs[row.setting]
        last = len(passes) if row.last else row.round
        return sum(passes[row.round - 1 : last])

    def _whole(self) -> float | None:
        busy = sum(self._worked) + sum(self._traced)
        if not busy or not self._expected:
            return None
        # Above 1 for what rows do not count, below 1 for several workers.
        scale = (self._clock() - self._start) / busy
        work = sum(self._worked) / self._expected * self._left
        trace = 0.0
        if self._traced:
            trace = sum(self._traced) / len(self._traced) * len(self._waiting)
        return scale * (work + trace)


def _known(*seconds: float) -> float:
    return sum(value for value in seconds if not math.isnan(value))


def duration(seconds: float) -> str:
    """Returns a duration in hours and minutes, or in seconds if it is short.

    Example:

    >>> duration(8000)
    '2 h 13 min'
    """
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def between(low: float, high: float) -> str:
    """Returns a range of seconds, rounded outwards to whole units.

    Example:

    >>> between(300, 1000)
    '5 to 17 min'
    """
    if high < 60:
        return "less than a minute"
    unit, name = (60, "min") if high < 5400 else (3600, "h")
    step = 1 if unit == 60 else 0.5 if high < 10 * unit else 1
    first = math.floor(low / unit / step) * step
    last = math.ceil(high / unit / step) * step
    if not first:
        return f"less than {last:g} {name}"
    return f"{first:g} to {last:g} {name}"
