"""The model, record and report of a retraining: all three, or none."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
from collections.abc import Iterator
from collections.abc import Mapping

from ws_keras.data import history
from ws_keras.storage import files
from ws_keras.storage import locks
from ws_keras.storage import regular

_KEPT, _REMOVED = ".training", ".removed"


@dataclasses.dataclass(frozen=True)
class Reserved:
    """A name that is kept for a new model; `model` is where it is saved.

    What `later` holds ends after the model has its name. It is `None` if no
    older model is replaced.
    """

    out: pathlib.Path
    model: pathlib.Path
    later: contextlib.ExitStack | None = None

    def training(self, key: str) -> pathlib.Path:
        """Returns the folder where a training keeps its checkpoints.

        Those of other trainings to the same name are removed.

        Args:
            key: What tells trainings apart, in letters and digits.
        """
        own = _training(self.out, key)
        for path in _trainings(self.out):
            if path != own and not path.is_symlink():
                shutil.rmtree(path)
        return own

    def write(self, past: history.History, text: str) -> None:
        """Writes the record and the report of a model that is saved.

        The model gets its name when the block of `reserved` ends: last, or
        first if it replaces an older model, whose record must not be lost
        before. All three are on the disk before the first gets its name,
        because a disk may be full.
        """
        regular.sync(self.model)
        digest = files.sha256(self.model)
        report = (
            f"# {self.out.name}\n\n{text}\n\nSHA-256 of the model: {digest}\n"
        ).encode()
        record, page = _others(self.out)
        with contextlib.ExitStack() as now:
            # The record, which tells what is left of a killed process, gets
            # its name before the page.
            ends = self.later or now
            beside = ends.enter_context(files.at_once(page))
            file = ends.enter_context(files.at_once(record))
            history.write(file, past, digest, report)
            beside.write(report)
            for one in (file, beside):
                one.flush()
                os.fsync(one.fileno())


def forget(training: pathlib.Path) -> None:
    """Removes the checkpoints of a training that has ended."""
    if training.exists() and not training.is_symlink():
        # First its name: half of a training must not be gone on with.
        removed = training.with_suffix(_REMOVED)
        training.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)


@contextlib.contextmanager
def reserved(
    out: pathlib.Path, inputs: Mapping[str, pathlib.Path], overwrite: bool
) -> Iterator[Reserved]:
    """Keeps a name for a new model while it is trained.

    At the end, the checkpoints of trainings to this name are removed. Only one
    process at a time has the name. Where the block fails, nothing is changed. A
    process that is killed may leave hidden parts, and a record and a report
    without their model: the next one removes or replaces them. If it was
    replacing an older model, `history.read` knows the record of the model that
    has the name, whichever it is.

    Args:
        out: Path of the new model.
        inputs: Flags and the files that they name, which stay as they are.
        overwrite: Whether an older model of that name is replaced.

    Yields:
        A `Reserved`.

    Raises:
        ValueError: If the name is taken, or is that of an input.
        OSError: If the folder cannot be written to.
    """
    lock = locks.Lock(out.with_name(f".{files.short(out.name)}.lock"))
    check(out, inputs, overwrite)
    if not lock.take():
        raise ValueError(
            f"`--out` must not be written by another process. Received: {out}, "
            f"which {lock.holder()} is writing. Wait for it, or give another "
            "name."
        )
    try:
        _name_record(out)
        for path in (out, *_others(out)):
            files.clean(path)
        if not overwrite:
            _check_new(out)
        with contextlib.ExitStack() as later:
            with files.part_of(out, exclusive=not overwrite) as part:
                yield Reserved(out, part, later if overwrite else None)
        for training in _trainings(out):
            with contextlib.suppress(OSError):  # the model is there
                forget(training)
    finally:
        lock.path.unlink(missing_ok=True)
        lock.free()


def check(
    out: pathlib.Path, inputs: Mapping[str, pathlib.Path], overwrite: bool
) -> None:
    """Checks the name of a new model; see `reserved`."""
    if not out.parent.is_dir():
        raise ValueError(
            f"The folder of `--out` must exist. Received: --out={out}."
        )
    _check_inputs(out, inputs)
    if not overwrite:
        _check_new(out)


def _name_record(out: pathlib.Path) -> None:
    """Names the record of a model whose writer was killed in between."""
    part = history.unnamed(out) if out.is_file() else None
    if part is not None:
        part.replace(history.place(out))


def _training(out: pathlib.Path, key: str) -> pathlib.Path:
    return out.with_name(f".{files.short(out.stem, 150)}.{key}{_KEPT}")


def _trainings(out: pathlib.Path) -> list[pathlib.Path]:
    """Returns the folders of trainings to a name, also half removed ones."""
    # No key has a dot, so those of other names, such as new.1, are left out.
    stem = re.escape(files.short(out.stem, 150))
    own = re.compile(rf"\.{stem}\.[0-9a-z]+(\{_KEPT}|\{_REMOVED})")
    return [p for p in out.parent.iterdir() if own.fullmatch(p.name)]


def _others(out: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    return history.place(out), out.with_suffix(".md")


def _check_inputs(out, inputs: Mapping[str, pathlib.Path]) -> None:
    for path in (out, *_others(out)):
        for flag, source in inputs.items():
            if path.exists() and source.exists() and path.samefile(source):
                raise ValueError(
                    "`--out`, and the record and report next to it, must "
                    f"differ from `{flag}`, which is never changed. Received: "
                    f"{path} for both."
                )


def _check_new(out: pathlib.Path) -> None:
    taken = [path for path in (out, *_others(out)) if path.exists()]
    if taken and not _are_left(out, taken):
        raise ValueError(
            "`--out`, and the record and report next to it, must not exist "
            f"yet. Received: --out={out}, but {taken[0]} exists. Give another "
            "name, or --overwrite."
        )


def _are_left(out: pathlib.Path, taken: list[pathlib.Path]) -> bool:
    """Whether files were left by a process that was killed before the end."""
    record, report = _others(out)
    head = None if out.exists() else history.head(record)
    if head is None:
        return False
    return report not in taken or files.sha256(report) == head["report"]
