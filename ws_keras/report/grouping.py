"""Rows grouped by what may be compared: cells, arms, and their seeds."""

import collections
import dataclasses
import math
import operator
import re
from collections.abc import Iterable
from typing import NamedTuple

from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

# Labels that name another network for a cold start as well.
_OF_NETWORK = ("model", "optimizer")
# The label of a cell whose model has fields of its own.
_MODEL = re.compile(r"(?:^|, )model=([^,]*)")
# Fields of a second round, to the fields that train a cold start.
_SECOND = {
    "second.learning_rate": "optimizer.learning_rate",
    "second.batch_size": "train.batch_size",
}
_ARM_ORDER = {"cold": 0, "warm": 1}


class Cell(NamedTuple):
    """What arms must share before they may be compared."""

    experiment: str
    dataset: str
    model: str
    optimizer: str
    variant: str = ""  # the labels of the rows, as in "rounds.fraction=0.3"


@dataclasses.dataclass(frozen=True)
class Runs:
    """The seeds of one arm: rows of the finished ones, counts of the others."""

    finished: dict[int, list[rows.Row]]
    unfinished: int
    broken: int  # ended by a loss that was not finite

    def final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field or measure of the last round."""
        return {s: value(some[-1], field) for s, some in self.finished.items()}

    def total(self, field: str) -> dict[int, float]:
        """Returns seed to the sum of a field over the rounds."""
        return {
            seed: float(sum(getattr(row, field) for row in some))
            for seed, some in self.finished.items()
        }


def label(row: rows.Row) -> str:
    """Returns the name of a row's arm, such as `shrink_perturb 0.6/0.01`."""
    # Other arms have their numbers in their names.
    if row.arm != "shrink_perturb" or math.isnan(row.shrink):
        return row.arm
    # 1e-5, as in the id of the setting.
    numbers = (
        _exact(v).replace("e-0", "e-") for v in (row.shrink, row.perturb)
    )
    return f"{row.arm} {'/'.join(numbers)}"


def _exact(number: float) -> str:
    """Returns the shortest text that is this number and no other."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def cells(
    all_rows: Iterable[rows.Row],
) -> dict[Cell, dict[str, list[rows.Row]]]:
    """Groups rows by cell, and then by arm.

    Returns:
        `Cell` to arm label to rows: cold first, warm second, then the other
        arms from the weakest shrinking to the strongest.
    """
    # There are few groups and many rows, so only groups are sorted.
    groups = collections.defaultdict(list)
    all_rows = list(all_rows)
    # The first rounds of a transfer have another data set than the last.
    homes = {row.setting: row.dataset for row in all_rows}
    for row in all_rows:
        home = cell(row)._replace(dataset=homes[row.setting])
        groups[home, row.arm, row.shrink, row.perturb].append(row)
    grouped = {}
    for key in sorted(groups, key=lambda key: _order(key[0], groups[key][0])):
        arms = grouped.setdefault(key[0], {})
        arms.setdefault(label(groups[key][0]), []).extend(groups[key])
    for arms in grouped.values():
        for found in arms.values():
            found.sort(key=operator.attrgetter("seed", "round"))
    return grouped


def colds(
    grouped: dict[Cell, dict[str, list[rows.Row]]],
) -> dict[Cell, list[rows.Row]]:
    """Returns for each cell the rows of the cold arm to compare with.

    A cold start lacks the labels that only concern other arms, so any cold
    arm of the same data set, model and optimizer qualifies if the cell has
    all of its labels; a label that names a network or an optimizer must be
    the same on both sides. A second round with a learning rate or a batch
    size of its own is compared with the cold start that has these. If several
    cold arms qualify, the one with most labels is taken.

    Args:
        grouped: What `cells` returns.

    Returns:
        `Cell` to rows, none where no cold arm qualifies.
    """
    known = collections.defaultdict(list)
    for key, arms in grouped.items():
        if "cold" in arms:
            known[key[:4]].append(arms["cold"])
    found = {}
    for key, arms in grouped.items():
        labels = dict(next(iter(arms.values()))[0].labels)
        for second, first in _SECOND.items():
            if second in labels:
                labels[first] = labels[second]
        fitting = [
            cold
            for cold in known[key[:4]]
            if (own := cold[0].labels).items() <= labels.items()
            and all(own.get(name) == labels.get(name) for name in _OF_NETWORK)
        ]
        found[key] = max(fitting, key=lambda c: len(c[0].labels), default=[])
    return found


def cell(row: rows.Row) -> Cell:
    """Returns the cell of a row."""
    variant = ", ".join(f"{name}={v}" for name, v in row.labels.items())
    return Cell(row.experiment, row.dataset, row.model, row.optimizer, variant)


def cell_name(cell: Cell, cells: Iterable[Cell]) -> str:
    """Returns what tells a cell from the others; nothing for a single one."""
    cell, *others = map(with_own_model, [cell, *cells])
    varying = [
        own
        for own, *all_of in zip(cell, cell, *others, strict=True)
        if own and len(set(all_of)) > 1
    ]
    return ", ".join(varying)


def with_own_model(cell: Cell) -> Cell:
    """Returns a cell with the model that its label names, if it has one."""
    named = _MODEL.search(cell.variant)
    if named is None:
        return cell
    variant = _MODEL.sub("", cell.variant).removeprefix(", ")
    return cell._replace(model=named[1], variant=variant)


def varying(cells: Iterable[Cell]) -> list[str]:
    """Returns what distinguishes cells, in words such as `"data set"`."""
    words = ("experiment", "data set", "model", "optimizer", "variant")
    values = zip(*map(with_own_model, cells), strict=True)
    return [
        word
        for word, own in zip(words, values, strict=True)
        if len(set(own)) > 1
    ]


def runs(arm_rows: Iterable[rows.Row]) -> Runs:
    """Separates the seeds of one arm into finished and other ones."""
    settings = collections.defaultdict(list)
    for row in sorted(arm_rows, key=operator.attrgetter("round")):
        settings[row.setting].append(row)
    finished, broken = {}, 0
    for found in settings.values():
        if found[-1].stopped_by == "nan":
            broken += 1
        elif found[-1].last:
            finished[found[-1].seed] = found
    unfinished = len(settings) - len(finished) - broken
    return Runs(finished, unfinished, broken)


def value(row: rows.Row, field: str) -> float:
    """Returns a field of a row, or a measure of its diagnostics.

    In rows about another metric, that metric takes the accuracy's place.
    """
    if field in ("accuracy", "train_accuracy") and "monitor" in row.labels:
        metric = metrics.of(row)
        read = metric.value if field == "accuracy" else metric.training
        return read(row)
    if "/" in field or not hasattr(row, field):
        return row.measures.get(field, math.nan)
    return getattr(row, field)


def by_samples(
    some: Iterable[rows.Row], field: str = "accuracy"
) -> dict[int, dict[int, float]]:
    """Returns number of samples to seed to a field, unfinished seeds too."""
    return _by(some, "num_samples", field)


def by_round(
    some: Iterable[rows.Row], field: str = "accuracy"
) -> dict[int, dict[int, float]]:
    """Returns number of the round to seed to a field, unfinished seeds too.

    Rounds of a transfer or of two parts do not grow: a later one may have as
    many samples as an earlier one, or fewer.
    """
    return _by(some, "round", field)


def has_cpu_seconds(all_rows: Iterable[rows.Row]) -> bool:
    """Returns whether any row has CPU-seconds, as rows have since schema 3."""
    return not all(math.isnan(row.cpu_seconds) for row in all_rows)


def is_online(cell_rows: Iterable[rows.Row]) -> bool:
    """Returns whether rows belong to more than two rounds."""
    return any(
        row.round > 2 or (row.round == 2 and not row.last) for row in cell_rows
    )


def _by(some: Iterable[rows.Row], key: str, field: str) -> dict:
    found = {}
    for row in some:
        if row.stopped_by != "nan":
            at = found.setdefault(getattr(row, key), {})
            at[row.seed] = value(row, field)
    return dict(sorted(found.items()))


def _order(home: Cell, row: rows.Row) -> tuple:
    shrink, perturb = (
        0.0 if math.isnan(v) else v for v in (row.shrink, row.perturb)
    )
    rank = _ARM_ORDER.get(row.arm, len(_ARM_ORDER))
    # Numbers are sorted as numbers, and before words.
    labels = tuple(
        (name, isinstance(v, str), 0 if isinstance(v, str) else v, str(v))
        for name, v in row.labels.items()
    )
    return *home[:4], labels, rank, row.arm, -shrink, perturb
