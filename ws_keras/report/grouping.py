"""Rows sorted by what may be compared: cells, arms, and their seeds."""

import collections
import dataclasses
import math
import operator
from collections.abc import Iterable
from typing import NamedTuple

from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

# Labels of what a cold start has as well.
_OF_NETWORK = ("model", "optimizer")
# What the second round has otherwise is what a cold start is trained with.
_SECOND = {
    "second.learning_rate": "optimizer.learning_rate",
    "second.batch_size": "train.batch_size",
}
_ARM_ORDER = {"cold": 0, "warm": 1}
_BY_SEED = operator.attrgetter("seed", "round")


class Cell(NamedTuple):
    """What arms must share before they may be compared."""

    experiment: str
    dataset: str
    model: str
    optimizer: str
    variant: str = ""  # the labels of the rows, as in "rounds.fraction=0.3"


@dataclasses.dataclass(frozen=True)
class Runs:
    """The seeds of one arm: finished ones by seed, and how many are not."""

    finished: dict[int, list[rows.Row]]
    unfinished: int
    broken: int  # ended by a loss that was not finite


def label(row: rows.Row) -> str:
    """Returns the name of a row's arm, such as `shrink_perturb 0.6/0.01`."""
    # Other arms have their numbers in their names.
    if row.arm != "shrink_perturb" or math.isnan(row.shrink):
        return row.arm
    return f"{row.arm} {row.shrink:g}/{row.perturb:g}"


def cells(
    all_rows: Iterable[rows.Row],
) -> dict[Cell, dict[str, list[rows.Row]]]:
    """Groups rows by what may be compared, and then by arm.

    Returns:
        `Cell` to arm label to rows: cold first, warm second, then the other
        arms from the weakest shrinking to the strongest.
    """
    # Groups are few and rows are many: only groups are compared in full.
    groups = collections.defaultdict(list)
    all_rows = list(all_rows)
    # A transfer begins on another data set than the one that it is about.
    homes = {row.setting: row.dataset for row in all_rows}
    for row in all_rows:
        home = cell(row)
        if row.dataset != homes[row.setting]:
            home = home._replace(dataset=homes[row.setting])
        groups[home, row.arm, row.shrink, row.perturb].append(row)
    grouped = collections.defaultdict(lambda: collections.defaultdict(list))
    for key in sorted(groups, key=lambda key: _order(key[0], groups[key][0])):
        grouped[key[0]][label(groups[key][0])] += groups[key]
    for arms in grouped.values():
        for found in arms.values():
            found.sort(key=_BY_SEED)
    return {key: dict(arms) for key, arms in grouped.items()}


def colds(
    grouped: dict[Cell, dict[str, list[rows.Row]]],
) -> dict[Cell, list[rows.Row]]:
    """Returns for each cell the rows of the cold arm to compare with.

    That is its own, or else one of the same experiment, data set, model and
    optimizer whose labels it has as well: what only the other arms differ in
    is no label of a cold start, unless it names another network or optimizer.
    A second round with a learning rate or batch size of its own is compared
    with the cold start that has these. Of several the one with most labels is
    meant.

    Args:
        grouped: What `cells` returns.

    Returns:
        `Cell` to rows, none where there is no such arm.
    """
    known = collections.defaultdict(list)
    for key, arms in grouped.items():
        if "cold" in arms:
            known[key[:4]].append(arms["cold"])
    found = {}
    for key, arms in grouped.items():
        labels = dict(next(iter(arms.values()))[0].labels)
        labels |= {
            first: labels[second]
            for second, first in _SECOND.items()
            if second in labels
        }
        fitting = [
            cold
            for cold in known[key[:4]]
            if cold[0].labels.items() <= labels.items()
            and all(
                cold[0].labels.get(name) == labels.get(name)
                for name in _OF_NETWORK
            )
        ]
        found[key] = max(fitting, key=lambda c: len(c[0].labels), default=[])
    return found


def cell(row: rows.Row) -> Cell:
    """Returns the cell of a row."""
    variant = ", ".join(f"{name}={v}" for name, v in row.labels.items())
    return Cell(row.experiment, row.dataset, row.model, row.optimizer, variant)


def runs(arm_rows: Iterable[rows.Row]) -> Runs:
    """Sorts the rows of one arm into finished and other seeds."""
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
    """Returns a field of a row, or what its diagnostics measured.

    Of a row about another metric, that one takes the accuracy's place.
    """
    if field in ("accuracy", "train_accuracy") and "monitor" in row.labels:
        metric = metrics.of(row)
        read = metric.value if field == "accuracy" else metric.training
        return read(row)
    if "/" in field or not hasattr(row, field):
        return row.measures.get(field, math.nan)
    return getattr(row, field)


def final(found: Runs, field: str) -> dict[int, float]:
    """Returns seed to the value of a field in the last round."""
    return {s: value(known[-1], field) for s, known in found.finished.items()}


def total(found: Runs, field: str) -> dict[int, float]:
    """Returns seed to the sum of a field over its rounds."""
    return {
        seed: float(sum(getattr(row, field) for row in seed_rows))
        for seed, seed_rows in found.finished.items()
    }


def has_cpu_seconds(all_rows: Iterable[rows.Row]) -> bool:
    """Returns whether any row has CPU-seconds, as rows have since schema 3."""
    return not all(math.isnan(row.cpu_seconds) for row in all_rows)


def is_online(cell_rows: Iterable[rows.Row]) -> bool:
    """Returns whether rows belong to more than two rounds."""
    return any(
        row.round > 2 or (row.round == 2 and not row.last) for row in cell_rows
    )


def _order(home: Cell, row: rows.Row) -> tuple:
    shrink = 0.0 if math.isnan(row.shrink) else -row.shrink
    perturb = 0.0 if math.isnan(row.perturb) else row.perturb
    rank = _ARM_ORDER.get(row.arm, len(_ARM_ORDER))
    labels = tuple(map(_label_order, row.labels.items()))
    return *home[:4], labels, rank, row.arm, shrink, perturb


def _label_order(named: tuple) -> tuple:
    """Numbers before words, and as numbers."""
    name, value = named
    is_word = isinstance(value, str)
    return name, is_word, 0 if is_word else value, str(value)
