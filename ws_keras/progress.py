"""Shows the progress of a comparison in one line."""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from ws_keras import settings
from ws_keras.storage import rows
from ws_keras.training import terms

_SECONDS = 0.2  # between two updates on a terminal


class Progress:
    """Writes a line after each epoch, or only after rounds without a terminal.

    Args:
        sizes: Samples of each round.
        stream: Output stream. Defaults to `None`, the standard error.
    """

    def __init__(self, sizes: Sequence[int], stream: TextIO | None = None):
        self._sizes = list(sizes)
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._total = self._done = 0  # samples of all rounds
        self._start = self._last = None
        self._width = 0

    def expect(self, count: int) -> None:
        """Adds settings that are still to run."""
        self._total += count * sum(self._sizes)
        self._start = self._start or time.perf_counter()

    def on_epoch(
        self,
        setting: settings.Setting,
        number: int,
        epoch: terms.EpochResult,
    ) -> None:
        """Shows the epoch that has just ended, on a terminal."""
        now = time.perf_counter()
        if not self._is_terminal or now - (self._last or 0) < _SECONDS:
            return
        self._last = now
        value, name = epoch.train_accuracy, epoch.metric.name
        text = (
            f"{100 * value:.1f} %"
            if epoch.metric.is_accuracy
            else f"{value:.4g}"
        )
        self._write(
            f"{self._place(setting, number)}, epoch {epoch.epoch}: {name} "
            f"{text} in training{self._left()}",
            end="",
        )

    def on_round(
        self, setting: settings.Setting, row: rows.Row, value: str
    ) -> None:
        """Shows the result of a round."""
        self._done += self._sizes[row.round - 1]
        self._write(
            f"{self._place(setting, row.round)}, {row.epochs} epochs: {value} "
            f"held out{self._left()}",
            end="" if self._is_terminal else "\n",
        )

    def know(self, found: Sequence[rows.Row]) -> None:
        """Excludes rounds that an earlier call has finished."""
        self._total -= sum(self._sizes[row.round - 1] for row in found)

    def end(self) -> None:
        """Clears the line on a terminal."""
        if self._is_terminal:
            self._write("", end="")

    def _place(self, setting, number: int) -> str:
        count = len(self._sizes)
        return f"round {number} of {count}, {setting.arm}, seed {setting.seed}"

    def _left(self) -> str:
        if not self._done or self._done >= self._total:
            return ""
        elapsed = time.perf_counter() - self._start
        seconds = elapsed * (self._total - self._done) / self._done
        if seconds >= 90:
            return f", about {seconds / 60:.0f} min left"
        return f", about {seconds:.0f} s left"

    def _write(self, text: str, end: str) -> None:
        start = ""
        if self._is_terminal:
            start, text = "\r", text[:200].ljust(self._width)
        self._width = len(text.rstrip())
        try:
            self._stream.write(f"{start}{text}{end}")
            self._stream.flush()
        except OSError:  # a closed stream must not stop the comparison
            pass
