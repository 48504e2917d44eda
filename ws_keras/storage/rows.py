"""The row, which is the result of one round, and the files of rows."""

import dataclasses
import functools
import math
import os
from collections.abc import Collection
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

from ws_keras.storage import lines

SCHEMA = 3
_READABLE = (1, 2, SCHEMA)  # 1: no labels, no measures; 2: no cpu_seconds
ROWS = "rows.jsonl"
EPOCHS = "epochs.jsonl"
# The values that a dictionary of a row may have, and the one that null means.
_PARTS = {
    "labels": (("numbers", "words"), (str, int, float, bool), "none"),
    "measures": (("numbers",), (int, float, bool), math.nan),
}
_LARGEST = 2.0**63  # sums of larger integers leave the floats
STOPPED_BY = ("threshold", "plateau", "epochs", "cap", "callback", "nan")

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """The result of one round of one setting.

    `train_seconds` is training alone, by the wall clock; tracing and
    evaluation have fields of their own. `cpu_seconds` is the time that all
    threads of the process computed in the transform at the start of the round
    and during training, which also means something where cores are shared;
    nan in rows of earlier versions.
    `train_accuracy`, `accuracy` (held out) are in percent, `loss`
    is the training loss, `eval_loss` the held-out one. `shrink` and `perturb`
    are nan for arms that have none. `stopped_by` is what ended the round:
    `"threshold"`, `"plateau"`, the given number of `"epochs"`, the `"cap"`,
    another `"callback"`, or a loss of `"nan"`. `last` marks the final row of a
    setting.
    `labels` are the config fields in which the setting differs from others of
    its experiment, and `measures` what its diagnostics measured after the
    round.
    """

    setting: str
    experiment: str
    arm: str
    shrink: float
    perturb: float
    seed: int
    round: int  # from 1
    num_samples: int
    epochs: int
    steps: int
    sample_passes: int
    train_seconds: float
    cpu_seconds: float = math.nan
    trace_seconds: float
    eval_seconds: float
    train_accuracy: float
    accuracy: float
    loss: float
    eval_loss: float
    stopped_by: str
    last: bool
    dataset: str
    model: str
    optimizer: str
    labels: dict = dataclasses.field(default_factory=dict)
    measures: dict = dataclasses.field(default_factory=dict)
    schema: int = SCHEMA

    def __post_init__(self):
        if self.stopped_by not in STOPPED_BY:
            raise ValueError(
                f"`stopped_by` must be one of {list(STOPPED_BY)}. "
                f"Received: stopped_by={self.stopped_by!r}."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Epoch:
    """One epoch in the life of a setting; `epoch` runs on across rounds.

    Accuracies are in percent; `accuracy` (held out) is nan where it was not
    measured. `measures` are diagnostics from before its first step.
    """

    setting: str
    round: int  # from 1
    epoch: int  # from 1, continuous over all rounds
    loss: float
    train_accuracy: float
    accuracy: float
    learning_rate: float
    samples_per_second: float
    measures: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Scan:
    """The content of a line file: records, and sentences about errors.

    `torn` says that the last line is incomplete, as a killed writer leaves it.
    `errors` has a sentence for each other line that cannot be read.
    """

    records: list
    errors: list[str]
    torn: bool


def append(path: str | os.PathLike, row: Row) -> None:
    """Appends one row as a JSON line, flushed and fsynced.

    An incomplete last line of a killed writer is removed first. nan and
    infinities are written as null.

    Args:
        path: File; it and its folder are created if they are missing.
        row: The `Row`.
    """
    lines.append(path, encode(row), sync=True)


def append_epoch(path: str | os.PathLike, epoch: Epoch) -> None:
    """Appends one epoch as a JSON line, flushed but not fsynced."""
    lines.append(path, encode(epoch), sync=False)


def encode(record: Any) -> dict[str, Any]:
    """Returns the values of a record as JSON can hold them; nan is `None`."""
    return dict(_encode(record))


def decode(values: dict[str, Any], kind: type[Record] = Row) -> Record:
    """Returns the record of the values that `encode` returned.

    Raises:
        ValueError: They are not the values of such a record.
    """
    if type(values) is not dict:
        raise ValueError(f"not a JSON object. Received: {str(values)[:40]!r}.")
    schema = values.get("schema", SCHEMA)
    if schema not in _READABLE:
        raise ValueError(
            "this version of ws_keras reads rows of schema "
            f"{', '.join(map(str, _READABLE))}. Received: "
            f"schema={schema!r}. Read them with the version that wrote them "
            "(named in run.json), or update ws_keras."
        )
    fields = _fields(kind)
    _check_names(values, kind)
    found = {n: _value(n, v, fields[n]) for n, v in values.items()}
    if "schema" in found:
        found["schema"] = SCHEMA
    return kind(**found)


def read(path: str | os.PathLike) -> list[Row]:
    """Reads the rows of one file, in the order in which they were written.

    An incomplete last line is left out.

    Args:
        path: File that `append` wrote.

    Returns:
        List of `Row`; floats that are null or not finite become nan.

    Raises:
        ValueError: Any other line is not a row of this schema.
    """
    return _strict(scan(path))


def read_epochs(path: str | os.PathLike) -> list[Epoch]:
    """Reads the epochs of one file like `read`; a missing file has none."""
    if not os.path.lexists(path):
        return []
    return _strict(scan(path, Epoch))


def read_workdir(workdir: str | os.PathLike) -> list[Row]:
    """Reads every `rows.jsonl` below a folder, in the order of the paths."""
    return [row for path in find(workdir) for row in read(path)]


def find(
    workdir: str | os.PathLike, names: Collection[str] = (ROWS,)
) -> list[str]:
    """Returns the paths of line files of these names below a folder, sorted."""
    return lines.find(workdir, names).files


def scan(path: str | os.PathLike, kind: type = Row) -> Scan:
    """Reads all readable lines of a file and describes the others.

    Args:
        path: File of JSON lines.
        kind: `Row` or `Epoch`. Defaults to `Row`.

    Returns:
        A `Scan`.
    """
    found, torn = lines.read(path)
    records, errors = [], []
    for number, line in enumerate(found, 1):
        try:
            records.append(decode(lines.parse(line), kind))
        except ValueError as error:
            errors.append(f"{path}, line {number}: {error}")
    return Scan(records, errors, torn)


def _strict(scanned: Scan) -> list:
    if scanned.errors:
        raise ValueError(
            f"{scanned.errors[0]} Move the file away to run the setting again."
        )
    return scanned.records


def _encode(record: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(record):
        # The conversion also admits NumPy scalars, which json refuses.
        value = field.type(getattr(record, field.name))
        if field.type is dict:
            value = {str(name): _finite(part) for name, part in value.items()}
        yield field.name, _finite(value)


def _finite(value: Any) -> Any:
    is_float = isinstance(value, float)
    return None if is_float and not math.isfinite(value) else value


@functools.cache
def _fields(kind: type) -> dict[str, type]:
    return {field.name: field.type for field in dataclasses.fields(kind)}


@functools.cache
def _needed(kind: type) -> set[str]:
    """Names of the fields that have no default."""
    nothing = dataclasses.MISSING
    return {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is nothing and field.default_factory is nothing
    }


def _check_names(values: dict, kind: type) -> None:
    fields = _fields(kind)
    if values.keys() == fields.keys():
        return
    missing = sorted(_needed(kind) - values.keys())
    unknown = sorted(values.keys() - fields.keys())
    if missing or unknown:
        raise ValueError(
            f"not the fields of {kind.__name__}. Received: missing={missing}, "
            f"unknown={unknown}."
        )


def _value(name: str, value: Any, kind: type) -> Any:
    if type(value) is kind and (
        kind in (str, bool)
        or (kind is not dict and -_LARGEST < value < _LARGEST)
    ):
        return value
    if kind is dict and type(value) is dict:
        return {key: _part(name, key, part) for key, part in value.items()}
    if kind is float and value is None:
        return math.nan
    # bool is an int to Python, but true is no seed.
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits:
        raise ValueError(
            f"`{name}` must be {kind.__name__}. Received: {name}={value!r}."
        )
    _check_size(name, value)
    return math.nan if _finite(value) is None else kind(value)


def _part(name: str, key: str, value: Any) -> Any:
    words, kinds, nothing = _PARTS[name]
    if _finite(value) is None:
        return nothing
    if type(value) not in kinds:
        raise ValueError(
            f"`{name}` must hold {' and '.join(words)}. Received: "
            f"{name}={{{key!r}: {str(value)[:40]}}}."
        )
    _check_size(name, value)
    return value


def _check_size(name: str, value: Any) -> None:
    if type(value) is int and not -_LARGEST < value < _LARGEST:
        raise ValueError(
            f"`{name}` must be smaller than 2**63. Received: a larger integer."
        )
