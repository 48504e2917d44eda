"""Stores which samples a saved model was trained on, in a file next to it."""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
import zipfile
from typing import BinaryIO

import numpy as np

from ws_keras.data import splits
from ws_keras.storage import files
from ws_keras.storage import regular

SUFFIX = ".split.npz"
# Version 1 told ids such as 007 and 7 apart, and read the text 007 of a column
# of numbers as 7.
_VERSION = 2
_FEW = 50  # this number of labels may agree by chance


class Stale(ValueError):
    """A model was saved again without an update of its history."""


@dataclasses.dataclass(frozen=True)
class History:
    """The training history of a model.

    `trained` and `held_out` hold digests of all samples that the model and its
    predecessors were trained on or held out. `labels` is a digest of the last
    data's labels in order, and `count` their number. `rule` is the last split
    rule, or `None` if there was none, for example if a file was held out.
    `features` names the columns of a table that were trained on, in order.
    `version` is that of the record it was read from.
    """

    rule: splits.Rule | None
    trained: np.ndarray
    held_out: np.ndarray
    labels: str
    count: int
    features: tuple[str, ...] = ()
    version: int = _VERSION

    @property
    def is_older(self) -> bool:
        """Whether digits with leading zeros had other digests."""
        return self.version < _VERSION

    def mistakes(self, found: np.ndarray, is_padded: np.ndarray) -> bool:
        """Whether it cannot tell which of these samples it knows.

        This is so if an older record knows no sample with leading zeros.

        Args:
            found: Digests of samples.
            is_padded: Which of them have an id or text of digits with leading
                zeros.
        """
        if not self.is_older or not is_padded.any():
            return False
        return not self.knows(found[is_padded]).any()

    def has_trained_on(self, found: np.ndarray) -> np.ndarray:
        """Tells for each digest whether the model was trained on it."""
        return np.isin(found, self.trained)

    def knows(self, found: np.ndarray) -> np.ndarray:
        """Tells for each digest whether it was trained on or held out."""
        return self.has_trained_on(found) | np.isin(found, self.held_out)

    def recurring(self, found: np.ndarray) -> float:
        """Returns the fraction of the earlier samples that occur again."""
        known = np.union1d(self.trained, self.held_out)
        return float(np.isin(known, found).mean()) if len(known) else 1.0

    def is_rescaled(self, found: np.ndarray, y: np.ndarray) -> bool:
        """Whether data seem to be the last data in another scale.

        In this case, the first labels agree with the last data, but hardly any
        sample does.
        """
        count = self.count
        if len(y) < count or count < _FEW or digest(y[:count]) != self.labels:
            return False
        return self.knows(found[:count]).mean() < 0.5

    def __add__(self, other: "History") -> "History":
        """Returns the union with a later history."""
        return dataclasses.replace(
            other,
            trained=np.union1d(self.trained, other.trained),
            held_out=np.union1d(self.held_out, other.held_out),
        )


def of(rule, trained, held_out, y) -> History:
    """Creates the history of a model that was trained on one data set.

    Args:
        rule: The `splits.Rule`, or `None`.
        trained: Digests of the training samples.
        held_out: Digests of the held-out samples.
        y: Labels of all data, in order.
    """
    return History(
        rule, np.unique(trained), np.unique(held_out), digest(y), len(y)
    )


def digest(y: np.ndarray) -> str:
    """Computes a digest of labels in order."""
    y = np.asarray(y)
    if y.dtype.kind in "biuf":
        y = y.astype("<f8")
    return hashlib.sha256(y.tobytes()).hexdigest()


def place(model: str | os.PathLike) -> pathlib.Path:
    """Returns the path of the history of a saved model."""
    return pathlib.Path(model).with_suffix(SUFFIX)


def write(
    file: BinaryIO, history: History, model: str, report: bytes = b""
) -> None:
    """Writes a history for a saved model.

    Args:
        file: Binary file object.
        history: The `History`.
        model: SHA-256 of the saved model, which identifies it.
        report: The report that is written next to it. Defaults to none.
    """
    rule = history.rule
    about = {
        "version": _VERSION,
        "rule": None if rule is None else dataclasses.asdict(rule),
        "labels": history.labels,
        "count": history.count,
        "features": history.features,
        "model": model,
        "report": hashlib.sha256(report).hexdigest(),
    }
    np.savez(
        file,
        head=np.array(json.dumps(about)),
        trained=history.trained,
        held_out=history.held_out,
    )


def _opened(path: str | os.PathLike):
    """Opens a record. It is not compressed, so that its size is known."""
    content = regular.read(path)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        if sum(part.file_size for part in parts.infolist()) > len(content):
            raise ValueError("parts that are larger than the file")
    return np.load(io.BytesIO(content), allow_pickle=False)


def head(path: str | os.PathLike) -> dict | None:
    """Returns the header of a record, or `None` if it is not a record."""
    try:
        with _opened(path) as arrays:
            found = json.loads(str(arrays["head"]))
    except Exception:  # damaged files raise many types
        return None
    is_record = isinstance(found, dict) and {"model", "report"} <= found.keys()
    return found if is_record else None


def unnamed(model: str | os.PathLike) -> pathlib.Path | None:
    """Returns the record of a model that has its name before its record has.

    A writer that replaces a model names the new model first. If it is killed
    then, the record of the new model is still a part, and the record of the
    old model still has its name.

    Args:
        model: Path of the model.

    Returns:
        Path of the part, or `None` if there is none of this model.
    """
    parts = files.parts(place(model))
    digest = files.sha256(model) if parts else None
    found = (p for p in parts if (head(p) or {}).get("model") == digest)
    return next(found, None)


def read(model: str | os.PathLike) -> History | None:
    """Reads the history of a saved model.

    It may still be in a part, if its writer was killed; see `unnamed`.

    Args:
        model: Path of the model.

    Returns:
        A `History`, or `None` if there is none.

    Raises:
        Stale: If the history belongs to another model.
        ValueError: If the file is damaged.
    """
    path = unnamed(model) or place(model)
    if not os.path.lexists(path):
        return None
    try:
        with _opened(path) as arrays:
            found = json.loads(str(arrays["head"]))
            trained, held_out = arrays["trained"], arrays["held_out"]
        if found["version"] not in range(1, _VERSION + 1):
            raise ValueError(f"version {found['version']}")
        rule = found["rule"] and splits.Rule(**found["rule"])
        past = History(
            rule,
            trained,
            held_out,
            found["labels"],
            found["count"],
            tuple(found.get("features", ())),
            found["version"],
        )
    except Exception as error:  # damaged files raise many types
        raise ValueError(
            f"{path} must be the record that ws-retrain wrote next to its "
            f"model. Received: {str(error)[:200]!r}. Delete it to continue "
            "without it; the training data of the model are then unknown."
        ) from None
    if files.sha256(model) != found["model"]:
        raise Stale(
            f"{path} must belong to the model next to it. Received: a model "
            "that was saved again after the record was written."
        )
    return past
