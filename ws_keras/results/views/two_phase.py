"""Two rounds: last accuracies as in Table 1, and what varies beside them."""

from collections.abc import Iterable

from ws_keras.results import bands
from ws_keras.results import paper
from ws_keras.results import printed
from ws_keras.results import signs
from ws_keras.results.views import charts
from ws_keras.results.views import finals
from ws_keras.results.views import run as runs

_LAST = "Last round, ours and the paper's"
_KEY = ("dataset", "model", "optimizer", "arm")


def blocks(
    run: runs.Run,
    block: str | None = None,
    lookup: finals.Lookup = finals.nothing,
    absent: Iterable = (),
) -> list:
    """Returns the table of last rounds and its bars."""
    title = _LAST if block else "Last round"
    return [
        finals.table(run, title, block, lookup, absent),
        *_bars(run, block, lookup),
    ]


def table1(run: runs.Run) -> list:
    """Returns Table 1 with a line for each of its cells, and its claims."""
    return [
        *blocks(run, "table1", printed.table1, _absent("table1")),
        signs.table(_claims(run)),
    ]


def replication_table1(run: runs.Run) -> list:
    """Returns the replication's Table 1 and the claims of the paper's."""
    name = "replication_table1"
    absent = [
        (names, printed.with_deviation(cell)) for names, cell in _absent(name)
    ]
    return [
        *blocks(run, name, printed.replication_table1, absent),
        signs.table(_claims(run)),
    ]


def _bars(run: runs.Run, block, lookup) -> list:
    if not any(arm.summary().count for arm in run.arms):
        return []
    return [charts.bars(run, run.arms, "Last round", block, lookup)]


def _claims(run: runs.Run) -> list[signs.Sign]:
    return [_claim(arm) for arm in run.pick("warm")]


def _claim(arm: runs.ArmRuns) -> signs.Sign:
    cell = arm.cell
    name = ", ".join(filter(None, cell[1:]))
    warm, cold = arm.final(), arm.cold_final()
    if cell.model == "logistic":
        claim = f"cold and warm are the same: {name}"
        return signs.within_spread(claim, cold, warm)
    claim = f"cold ends above warm: {name}"
    if cell.dataset == "svhn_cropped" and cell.model == "resnet18":
        claim = f"{claim} (the paper's own gaps are small)"
    return signs.above(claim, cold, warm)


def _absent(block: str) -> list[tuple[finals.Columns, bands.Printed]]:
    """Returns all cells of a table, named as ours are."""
    found = []
    for key, numbers in paper.numbers()[block]["cells"].items():
        names = dict(zip(_KEY, key.split("/"), strict=True))
        found.append((names, bands.Printed(*numbers)))
    return found
