"""TensorBoard event files of a setting: curves over all rounds of an arm.

`docs/tensorboard.md` explains the tags. The writers of TensorBoard and
TensorFlow would give all points the present time, and a new file to each
process; the curves of an interrupted run would then break.
"""

import contextlib
import itertools
import math
import os
import pathlib
import socket
import struct
import tempfile
import time
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer import record_writer

from ws_keras.storage import boards
from ws_keras.storage import files
from ws_keras.storage import regular
from ws_keras.storage import rows

EPOCH_TAGS = (
    "loss",
    "train_accuracy",
    "accuracy",
    "learning_rate",
    "samples_per_second",
)
ROUND_TAGS = (
    "accuracy",
    "train_accuracy",
    "train_seconds",
    "epochs",
    "sample_passes",
)
GAP = boards.GAP
_GAP_SUFFIX = ".gap"
_FLUSH_SECONDS = 10
# Of a record: its length and the checksum of that, and one of what it holds.
_HEAD, _FOOT = 12, 4
_LARGEST = 2**28  # bytes of a file whose times are looked up
PREFIX = "events.out.tfevents"
_FORMAT = "brain.Event:2"
_NUMBERS = itertools.count()


class Events(contextlib.AbstractContextManager):
    """Writes the events of one setting into its folder.

    One file with the points of `epochs` and `rounds`, at the times when they
    were first written, replaces earlier event files: a run that was killed
    will write some of its points again, and has lost others.

    Example:

    ```python
    with events.Events(folder, {"arm": "warm", "seed": 0}) as writer:
        writer.epoch(epoch)
        writer.round(row)
    ```

    Args:
        folder: Folder of the setting, which TensorBoard shows as one run.
        hparams: Hyperparameters of the setting, for the HParams tab; numbers,
            strings and booleans.
        epochs: Epochs of earlier processes. Defaults to none.
        rounds: Rows of earlier processes. Defaults to none.
        name: Name of the setting in the HParams tab. Defaults to that of the
            folder.
        choices: Hyperparameter to all its values in the experiment. Defaults
            to none.
        absent: Tags that no setting of the experiment writes, and that no
            table or chart waits for. Defaults to none.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        hparams: Mapping,
        epochs: Iterable[rows.Epoch] = (),
        rounds: Iterable[rows.Row] = (),
        name: str | None = None,
        choices: Mapping[str, Iterable] | None = None,
        absent: Collection[str] = (),
    ):
        earlier = sorted(pathlib.Path(folder).glob(f"{PREFIX}*"))
        times = _wall_times(earlier)
        for path in earlier:
            path.unlink(missing_ok=True)
        self._writer = _Writer(folder, times=times)
        if earlier:
            # A TensorBoard that is open forgets the points it has read.
            self._writer.add_restart()
        name = name or pathlib.Path(folder).name
        start = min(times.values(), default=time.time())
        for summary in boards.hparams(
            hparams, choices or {}, name, start, absent
        ):
            self._writer.add(summary)
        self._writer.add(boards.layout(absent))
        for epoch in epochs:
            self.epoch(epoch)
        for row in rounds:
            self.round(row)

    def epoch(self, epoch: rows.Epoch) -> None:
        """Writes the scalars of an epoch, at its number over all rounds."""
        for name in EPOCH_TAGS:
            value = getattr(epoch, name)
            # A loss may become nan; an accuracy of nan was not measured.
            if name != "accuracy" or not math.isnan(value):
                self._writer.add_scalar(f"epoch/{name}", value, epoch.epoch)
        for name, value in epoch.measures.items():
            self._writer.add_scalar(f"diagnostics/{name}", value, epoch.epoch)

    def round(self, row: rows.Row) -> None:
        """Writes scalars and measures of a round, at its number of samples."""
        for name in ROUND_TAGS:
            value = getattr(row, name)
            self._writer.add_scalar(f"round/{name}", value, row.num_samples)
        for name, value in row.measures.items():
            self._writer.add_scalar(f"measures/{name}", value, row.num_samples)
        if row.last:
            succeeded = row.stopped_by != "nan"
            when = self._writer.when("round/accuracy", row.num_samples)
            self._writer.add(boards.session_end(succeeded, when))
        self._writer.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._writer.close()

    def __exit__(self, *_) -> None:
        self.close()


def write_gap(
    folder: str | os.PathLike, ours: list[rows.Row], cold: list[rows.Row]
) -> None:
    """Writes the gap between a finished setting and the cold one, once.

    The gap is this arm's held-out accuracy minus the cold one's, in points,
    after rounds of the same samples. A cold setting of a single round is
    compared with the last round. The gap has a file of its own, because the
    cold setting may be the later one.

    Args:
        folder: Folder of the setting.
        ours: Rows of the setting.
        cold: Rows of the cold setting with the same seed.
    """
    folder = pathlib.Path(folder)
    for part in folder.glob(f".{PREFIX}*"):
        part.unlink()  # of a process that was killed
    if list(folder.glob(f"{PREFIX}*{_GAP_SUFFIX}")):
        return
    pairs = zip(ours[-1:] if len(cold) == 1 else ours, cold, strict=False)
    # Written elsewhere first: a file of this name counts as complete.
    with tempfile.TemporaryDirectory() as elsewhere:
        writer = _Writer(elsewhere, _GAP_SUFFIX)
        for row, start in pairs:
            if row.num_samples == start.num_samples:
                gap = row.accuracy - start.accuracy
                writer.add_scalar(GAP, gap, row.num_samples)
        writer.close()
        (path,) = pathlib.Path(elsewhere).iterdir()
        with files.at_once(folder / path.name) as file:
            file.write(path.read_bytes())


def _wall_times(paths: list[pathlib.Path]) -> dict[tuple[str, int], float]:
    """Returns when each point of event files was first written."""
    found = {}
    for path in paths:
        for event in _events(path):
            for value in event.summary.value:
                found.setdefault((value.tag, event.step), event.wall_time)
    return found


def _events(path: pathlib.Path) -> Iterator:
    """Yields the events of a file up to its end or its first damaged byte.

    TensorBoard's reader trusts the length that a damaged record gives, and may
    end the process.
    """
    with contextlib.suppress(Exception):  # only times are lost
        content, start = regular.read(path, _LARGEST), 0
        while start + _HEAD <= len(content):
            (length,) = struct.unpack_from("<Q", content, start)
            start += _HEAD
            yield event_pb2.Event.FromString(content[start : start + length])
            start += length + _FOOT


class _Writer:
    def __init__(self, folder, suffix: str = "", times: Mapping | None = None):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        origin = f"{socket.gethostname()}.{os.getpid()}.{next(_NUMBERS)}"
        name = f"{PREFIX}.{int(time.time()):010d}.{origin}{suffix}"
        # TensorBoard's own writer has a thread: a full disk is an error of
        # TensorFlow there, which some later call raises.
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.fdopen(regular.opened(folder / name, new), "wb")
        self._file = record_writer.RecordWriter(file)
        self._flushed = time.monotonic()
        self._times = times or {}
        self._described: set[str] = set()
        self._write(
            event_pb2.Event(wall_time=time.time(), file_version=_FORMAT)
        )

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        summary = boards.scalar(tag, value)
        if tag in self._described:  # once is enough for TensorBoard
            summary.value[0].ClearField("metadata")
        self._described.add(tag)
        self.add(summary, step, self.when(tag, step))

    def when(self, tag: str, step: int) -> float:
        """Returns when a point was first written, or the present time."""
        return self._times.get((tag, step), time.time())

    def add_restart(self) -> None:
        log = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        event = event_pb2.Event(wall_time=time.time(), step=0, session_log=log)
        self._write(event)

    def flush(self) -> None:
        self._file.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        self._file.close()

    def add(self, summary, step: int = 0, when: float | None = None) -> None:
        # The class here and the one that made the summary may be two builds
        # of the same message.
        event = event_pb2.Event(wall_time=when or time.time(), step=step)
        event.summary.ParseFromString(summary.SerializeToString())
        self._write(event)

    def _write(self, event) -> None:
        self._file.write(event.SerializeToString())
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self.flush()
