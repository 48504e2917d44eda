"""The progress of a run: one line on a terminal, log lines elsewhere."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable
from collections.abc import Mapping

from ws_keras.storage import rows

from . import remaining

_DIVERGED = (
    "it ended because its loss became NaN or infinite. Choose a smaller "
    "`optimizer.learning_rate` or `penalty.weight`"
)
_WIDTH = 120  # where there is no terminal
# Columns that the rewritten line leaves free, for the `^C` of a terminal.
_FREE = 5


class Progress:
    """Shows epochs and rounds, and an estimate of the time left.

    On a terminal one line is rewritten after each epoch; elsewhere each round
    is one line. None is wider than the terminal, or than 120 columns
    elsewhere. At the end of a `with` block the rewritten line is erased, so
    that the next output starts on an empty line.

    Args:
        costs: Id of each setting that is to run to its expected sample
            passes in each round.
        stream: Text stream. Defaults to the standard output.
        settings: Ids of all settings of the command, also of those that are
            finished. Defaults to those of `costs`.
        left: The `Remaining` time. Defaults to one that begins now.
    """

    def __init__(
        self,
        costs: Mapping[str, list[float]],
        stream=None,
        settings: Iterable[str] | None = None,
        left: remaining.Remaining | None = None,
    ):
        self._costs = costs
        self._stream = stream or sys.stdout
        # A dumb terminal does not go back to the start of a line.
        is_dumb = os.environ.get("TERM") == "dumb"
        self._is_terminal = self._stream.isatty() and not is_dumb
        every = list(costs if settings is None else settings)
        self._numbers = {name: n for n, name in enumerate(every, 1)}
        self._remaining = left or remaining.Remaining(costs)
        self._round = {}  # setting: its round, and the epochs before that
        self._is_begun = False  # the rewritten line

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._wipe()

    def epoch(self, epoch: rows.Epoch) -> None:
        """Shows an epoch on a terminal."""
        number, before = self._round.get(epoch.setting, (None, 0))
        if number != epoch.round:
            before = epoch.epoch - 1  # its first epoch
            self._round[epoch.setting] = epoch.round, before
        if self._is_terminal:
            self._rewrite(self._line_of(epoch, epoch.epoch - before))

    def round(self, row: rows.Row) -> None:
        """Shows a round that is done."""
        self._remaining.ended(row)
        # Of rows that were written before it was measured it is nan.
        cpu = row.cpu_seconds == row.cpu_seconds
        computed = f" ({row.cpu_seconds:.1f} CPU-s)" if cpu else ""
        parts = [
            f"{row.setting}  round {self._of(row)}: {row.num_samples} samples, "
            f"{row.epochs} epochs, {row.train_seconds:.1f} s{computed}, train "
            f"{row.train_accuracy:.1f} %, held out {row.accuracy:.1f} % "
            f"({row.stopped_by})",
            self._place(row.setting),
            self._remaining.text(),
        ]
        self._line("; ".join(filter(None, parts)), break_long_words=True)
        if row.stopped_by == "nan":
            self.note(row.setting, _DIVERGED)

    def resumed(self, setting: str, state: dict) -> None:
        """Says where a setting continues, by the state of its checkpoint."""
        place = state["place"]
        where = f"after round {state['rounds']}"
        number, before = state["rounds"], state["epochs"]
        if place is not None:
            number, before = number + 1, before - place["epoch"]
            where = f"in round {number} after {place['epoch']} epochs"
            if place["step"]:
                where += f" and {place['step']} steps"
        self._round[setting] = number, before
        self._remaining.done_before(setting, state["rounds"])
        self.say(f"{setting}  continues {where}")

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
        """Counts a round of an earlier command, without its speed."""
        self._remaining.known(row)

    def status(self, text: str) -> None:
        """Shows the progress of all settings together, on a terminal."""
        if not self._is_terminal:
            return
        short, left = text.replace(" settings", ""), self._remaining.text()
        for parts in ((text, left), (short, left), (short,)):
            line = "; ".join(filter(None, parts))
            if len(line) <= self._room():
                break
        self._rewrite(_cut(line, self._room()))

    def _of(self, record: rows.Row | rows.Epoch) -> str:
        return f"{record.round} of {len(self._costs[record.setting])}"

    def _place(self, setting: str) -> str:
        number = self._numbers.get(setting)
        return f"setting {number} of {len(self._numbers)}" if number else ""

    def _line_of(self, epoch: rows.Epoch, number: int) -> str:
        """Returns the longest form of the line that fits."""
        train = f"{epoch.train_accuracy:.1f} %"
        speed = f"{epoch.samples_per_second:.0f} samples/s"
        place, rounds = self._place(epoch.setting), self._of(epoch)
        left = self._remaining.text()
        main = [place, f"round {rounds}", f"epoch {number}", f"train {train}"]
        few = [f"round {rounds}".replace(" of ", "/"), f"epoch {number}", train]
        short = place.removeprefix("setting ").replace(" of ", "/")
        forms = (  # and the letters of the id that each must leave room for
            ([*main, speed, left], len(epoch.setting)),
            ([*main, left], min(len(epoch.setting), 24)),
            ([place, *few, left], 14),
            ([short, *few, left], 8),
            ([short, *few], 0),
        )
        width = self._room()
        for parts, least in forms:
            text = "  ".join(filter(None, parts))
            room = width - len(text) - 2
            if room >= least:
                break
        name = _tail(epoch.setting, room)
        return _cut(f"{name}  {text}" if name else text, width)

    def _room(self) -> int:
        return max(1, _columns() - _FREE)

    def _rewrite(self, text: str) -> None:
        # First all of the line, with what the terminal may have echoed in it.
        self._stream.write(f"\r{' ' * (_columns() - 1)}")
        self._stream.write(f"\r{text}")
        self._stream.flush()
        self._is_begun = bool(text)

    def _wipe(self) -> None:
        if self._is_begun:
            self._rewrite("")

    def _line(self, text: str, break_long_words: bool = False) -> None:
        self._wipe()
        lines = textwrap.wrap(
            text,
            max(20, _columns() if self._is_terminal else _WIDTH),
            subsequent_indent="    ",
            break_long_words=break_long_words,
            break_on_hyphens=False,
        )
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _tail(name: str, room: int) -> str:
    """Returns the end of an id, where arm and seed are."""
    if len(name) <= room:
        return name
    return f"…{name[1 - room :]}" if room > 1 else ""


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
