"""Which arms are worth their cost: accuracy against passes, and the frontier.

An arm lies on the frontier if no other is at least as accurate for fewer
sample passes.
"""

import math
from collections.abc import Callable

from ws_keras.report import charts
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import per_round
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics

_FRONTIER = "frontier"
_COSTS = {
    "sample_passes": ("Sample passes of all rounds (thousands)", 1000),
    "cpu_seconds": ("CPU-seconds of all rounds", 1),
}


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
    """Last accuracy over what all rounds took, with the frontier drawn.

    Arms on the frontier, and cold, have their names beside them.
    """
    cells = run.cells()
    has_cpu = grouping.has_cpu_seconds(run.rows)
    fields = list(_COSTS)[: 1 + has_cpu]
    panels = [
        _panel(cell, arms, field, per_round.cell_name(cell, cells))
        for cell, arms in cells.items()
        for field in fields
    ]
    return charts.chart(run, "Accuracy against cost", panels, "frontier")


def beside(*names: str) -> Callable[[runs.Run], list]:
    """Returns a fold with the paired differences from other arms than cold.

    Args:
        names: Arms as the report names them, such as
            `"shrink_perturb 0.4/0.1"`.
    """

    def fold(run: runs.Run) -> list:
        tables = [
            _beside(arms, name, per_round.cell_name(cell, run.cells()))
            for cell, arms in run.cells().items()
            for name in names
        ]
        title = "Differences from other arms"
        tables = [table for table in tables if table is not None]
        return [sections.Fold(title, tuple(tables))] if tables else []

    return fold


def _panel(cell, arms: list[runs.Arm], field: str, title: str):
    label, scale = _COSTS[field]
    points, found = {}, []
    for arm in arms:
        x = statistics.summarize(arm.total(field).values()).mean / scale
        y = arm.summary()
        if math.isnan(x) or math.isnan(y.mean):
            continue
        points[arm.name] = x, y.mean
        found.append(charts.series(arm.name, arm.name, [(x, y.mean, y.error)]))
    edge_names = best(points)
    line = [(*points[name], math.nan) for name in edge_names]
    edge = charts.series(_FRONTIER, _FRONTIER, line)
    some = charts.known([edge, *found])
    return sections.Panel(
        label,
        charts.ACCURACY,
        some,
        "labelled",
        title,
        named=tuple(dict.fromkeys([*edge_names, runs.COLD])),
    )


def _beside(arms: list[runs.Arm], name: str, title: str):
    base = next((arm for arm in arms if arm.name == name), None)
    if base is None or not base.runs.finished:
        return None
    lines = []
    for arm in arms:
        if arm is base:
            continue
        effect = statistics.paired(arm.final(), base.final())
        cost = statistics.ratio(
            arm.total("sample_passes"), base.total("sample_passes")
        )
        lines.append(
            (
                arm.name,
                formatting.difference(effect, len(arm.runs.finished)),
                formatting.interval(effect),
                formatting.percent(cost),
                formatting.percent_interval(cost),
            )
        )
    header = ("arm", f"minus {name}", "95 % interval", "passes, %", "interval")
    return sections.Table(
        title,
        header,
        tuple(lines),
        f"Paired by seed. Passes are those of all rounds as a share of those "
        f"of {name}.",
    )
