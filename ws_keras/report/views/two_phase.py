"""Two rounds: last accuracies as in Table 1, and what varies beside them."""

from collections.abc import Iterable

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import signs
from ws_keras.report.views import charts
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs

_KEY = ("dataset", "model", "optimizer", "arm")


def blocks(
    run: runs.Run,
    block: str | None = None,
    lookup: finals.Lookup = finals.nothing,
    absent: Iterable = (),
) -> list:
    """Returns the table of last rounds and its bars."""
    title = finals.LAST if block else "Last round"
    return [
        finals.table(run, title, block, lookup, absent),
        *_bars(run, block, lookup),
    ]


def table1(run: runs.Run) -> list:
    """Returns Table 1 with a line for each of its cells, and its claims."""
    return [
        *blocks(run, "table1", printed.table1, _absent("table1")),
        claims.table(run, "table1", _claims(run)),
    ]


def replication_table1(run: runs.Run) -> list:
    """Returns the replication's Table 1 and its claims."""
    name = "replication_table1"
    absent = [
        (names, printed.with_deviation(cell)) for names, cell in _absent(name)
    ]
    known = [
        arm for arm in run.pick("warm") if printed.replication_table1(arm.last)
    ]
    return [
        *blocks(run, name, printed.replication_table1, absent),
        claims.table(run, name, map(_replicated, known)),
    ]


def _bars(run: runs.Run, block, lookup) -> list:
    if not any(arm.summary().count for arm in run.arms):
        return []
    return [charts.bars(run, run.arms, "Last round", block, lookup)]


def _claims(run: runs.Run) -> list[signs.Sign]:
    arms = run.pick("warm")
    known = {arm.cell[1:4] for arm in arms}
    rest = [tuple(names[key] for key in _KEY) for names, _ in _absent("table1")]
    return [
        *map(_claim, arms),
        *(
            signs.Sign(_claimed(*cell, ", ".join(cell)), None, bands.NOT_RUN)
            for *cell, arm in rest
            if arm == "warm" and tuple(cell) not in known
        ),
    ]


def _claim(arm: runs.ArmRuns) -> signs.Sign:
    cell = arm.cell
    claim = _claimed(cell.dataset, cell.model, cell.optimizer, _named(arm))
    decide = signs.within_spread if cell.model == "logistic" else signs.above
    sign = decide(claim, arm.cold_final(), arm.final())
    return signs.unless(arm.unfitted, sign)


def _claimed(dataset: str, model: str, optimizer: str, name: str) -> str:
    if model == "logistic":
        return f"cold and warm are the same: {name}"
    claim = f"cold ends above warm: {name}"
    if (dataset, model) == ("svhn_cropped", "resnet18"):
        claim += " (the paper's own gaps are small)"
    return claim


def _replicated(arm: runs.ArmRuns) -> signs.Sign:
    """Returns the claim that the replication's own two numbers make."""
    name, cold, warm = _named(arm), arm.cold_final(), arm.final()
    gap = printed.replication_gap(arm.last)
    if gap > 0:
        sign = signs.above(f"cold ends above warm: {name}", cold, warm)
    elif gap < 0:
        sign = signs.above(f"warm ends above cold: {name}", warm, cold)
    else:
        claim = f"cold and warm are the same: {name}"
        sign = signs.within_spread(claim, cold, warm)
    return signs.unless(arm.unfitted, sign)


def _named(arm: runs.ArmRuns) -> str:
    return ", ".join(filter(None, arm.cell[1:]))


def _absent(block: str) -> list[tuple[finals.Columns, bands.Printed]]:
    """Returns all cells of a table, named as ours are."""
    found = []
    for key, numbers in paper.numbers()[block]["cells"].items():
        names = dict(zip(_KEY, key.split("/"), strict=True))
        found.append((names, bands.Printed(*numbers)))
    return found
