"""Which arms are worth their cost: accuracy against passes, and the frontier.

An arm lies on the frontier if no other is at least as accurate for fewer
sample passes.
"""

import math
from collections.abc import Callable

from ws_keras.report import charts
from ws_keras.report import columns
from ws_keras.report import grouping
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics


def best(points: dict[str, tuple[float, float]]) -> list[str]:
    """Returns the names on the frontier, from the cheapest on.

    Example:

    >>> best({"a": (1, 50), "b": (2, 40), "c": (3, 60)})
    ['a', 'c']

    Args:
        points: Name to cost and accuracy.
    """
    found, top = [], -math.inf
    cheapest = sorted(points, key=lambda n: (points[n][0], -points[n][1]))
    for name in cheapest:
        if points[name][1] > top:
            found.append(name)
            top = points[name][1]
    return found


def chart(run: runs.Run) -> sections.Chart | None:
    """Last accuracy over the cost of all rounds, with the frontier drawn.

    Arms on the frontier, and cold, have their names beside them.
    """
    return charts.cost(run, best)


def beside(*names: str) -> Callable[[runs.Run], list]:
    """Returns a fold with the paired differences from other arms than cold.

    Args:
        names: Arms as the report names them, such as
            `"shrink_perturb 0.4/0.1"`.
    """

    def fold(run: runs.Run) -> list:
        tables = [
            _beside(arms, base, grouping.cell_name(cell, run.cells()))
            for cell, arms in run.cells().items()
            for name in names
            for base in arms
            if base.name == name and base.runs.finished
        ]
        title = "Differences from other arms"
        return [sections.Fold(title, tuple(tables))] if tables else []

    return fold


def _beside(arms: list[runs.Arm], base: runs.Arm, title: str) -> sections.Table:
    def gap(arm):
        return statistics.paired(arm.final(), base.final())

    def cost(arm):
        passes = (one.total("sample_passes") for one in (arm, base))
        return statistics.ratio(*passes)

    found = [
        ("arm", lambda arm: arm.name),
        *columns.pair(f"minus {base.name}", "95 % interval", gap),
        *columns.pair("passes, %", "interval", cost),
    ]
    note = (
        "Differences are paired by seed. Passes are sample passes of all "
        f"rounds, as a share of those of {base.name}."
    )
    others = [arm for arm in arms if arm is not base]
    return columns.made(title, found, others, note)
