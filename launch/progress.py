"""How far a run has come: a line on a terminal, log lines elsewhere."""

import shutil
import sys
import time
from collections.abc import Mapping

from ws_keras.results import rows

_DIVERGED = (
    "its loss became nan or infinite, which ends it. Choose a smaller "
    "`optimizer.learning_rate` or `penalty.weight`"
)


class Progress:
    """Shows epochs and rounds, and an estimate of the time left.

    On a terminal one line is rewritten after each epoch; elsewhere each round
    is one line.

    Args:
        costs: Id of each setting that is to run to its expected sample
            passes in each round.
        stream: Text stream. Defaults to the standard output.
    """

    def __init__(self, costs: Mapping[str, list[float]], stream=None):
        self._costs = costs
        self._stream = stream or sys.stdout
        self._is_terminal = self._stream.isatty()
        self._start = time.monotonic()
        self._expected = 0.0  # passes of the rounds that are done, as guessed
        self._left = sum(sum(passes) for passes in costs.values())
        self._width = 0

    def epoch(self, epoch: rows.Epoch) -> None:
        """Shows an epoch on a terminal."""
        if self._is_terminal:
            self._rewrite(
                f"{epoch.setting}  round {epoch.round}  epoch {epoch.epoch}  "
                f"train {epoch.train_accuracy:.1f} %  "
                f"{epoch.samples_per_second:.0f} samples/s  "
                f"{self._time_left()} left"
            )

    def round(self, row: rows.Row) -> None:
        """Shows a round that is done."""
        self._count(row)
        self._line(
            f"{row.setting}  round {row.round}: {row.num_samples} samples, "
            f"{row.epochs} epochs, {row.train_seconds:.1f} s, train "
            f"{row.train_accuracy:.1f} %, held out {row.accuracy:.1f} % "
            f"({row.stopped_by}); {self._time_left()} left"
        )
        if row.stopped_by == "nan":
            self.note(row.setting, _DIVERGED)

    def resumed(self, setting: str, state: dict) -> None:
        """Says where a setting goes on, by the state of its checkpoint."""
        place = state["place"]
        where = f"after round {state['rounds']}"
        if place is not None:
            where = f"in round {state['rounds'] + 1}"
            where += f" after {place['epoch']} epochs"
            if place["step"]:
                where += f" and {place['step']} steps"
        self._left -= sum(self._costs[setting][: state["rounds"]])
        self.say(f"{setting}  goes on {where}")

    def say(self, text: str) -> None:
        """Shows a line of text."""
        self._line(text)

    def skipped(self, setting: str) -> None:
        """Says that a setting was finished before."""
        self.note(setting, "finished before, skipped")

    def note(self, setting: str, text: str) -> None:
        """Shows a line about a setting."""
        self._line(f"{setting}  {text}")

    def known(self, row: rows.Row) -> None:
        """Counts a round of an earlier command, which says nothing of speed."""
        self._left -= self._passes(row)

    def status(self, text: str) -> None:
        """Shows how all settings together stand, on a terminal."""
        if self._is_terminal:
            self._rewrite(f"{text}; {self._time_left()} left")

    def _count(self, row: rows.Row) -> None:
        self._left -= self._passes(row)
        self._expected += self._costs[row.setting][row.round - 1]

    def _passes(self, row: rows.Row) -> float:
        """The expected passes of a round, and of those that it leaves out."""
        passes = self._costs[row.setting]
        return sum(
            passes[row.round - 1 :]
            if row.last
            else passes[row.round - 1 : row.round]
        )

    def _time_left(self) -> str:
        if not self._expected:
            return "? min"
        # The guess is corrected by what the rounds so far have really cost.
        seconds = (time.monotonic() - self._start) / self._expected
        return duration(seconds * self._left)

    def _rewrite(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def _line(self, text: str) -> None:
        if self._width:
            self._rewrite("")
            self._stream.write("\r")
            self._width = 0
        self._stream.write(text + "\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """Returns a duration in the largest units that tell something.

    Example:

    >>> duration(8000)
    '2 h 13 min'
    """
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
