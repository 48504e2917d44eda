"""Charts of views: functions of a `Run` that return a `sections.Chart`.

They return `None` if there is nothing to draw.
"""

import dataclasses
import math
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import paper
from ws_keras.report import room
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import view as views

ACCURACY = "Held-out accuracy (%)"
MINUS_COLD = "Minus cold (points)"
PASSES = "Sample passes of all rounds (thousands)"
_MOST = 12  # panels; nobody compares more of them
_X = {
    views.SAMPLES: "Samples (thousands)",
    "number": "Layers or stages that are carried over",
}


def curve(run: runs.Run) -> sections.Chart | None:
    """Draws accuracy over the number of samples, with a panel for each cell."""

    def panel(cell, arms):
        found = []
        for arm in arms:
            ours = {
                x / 1000: statistics.level(values)
                for x, values in arm.by_samples().items()
            }
            rows = {row.num_samples / 1000: row for row in arm.rows}
            numbers = {x: run.number(arm, row) for x, row in rows.items()}
            found += _beside(arm.name, ours, numbers)
        title = grouping.cell_name(cell, run.cells())
        x_label = _X[views.SAMPLES]
        return sections.Panel(x_label, ACCURACY, known(found), title=title)

    panels = [panel(*item) for item in list(run.cells().items())[:_MOST]]
    return chart(run, "Accuracy after each round", panels, "curve")


def over(run: runs.Run) -> sections.Chart | None:
    """Draws accuracy after the last round over the `x` of the view.

    Each cell has a panel. A single cell has a second panel with the differences
    from cold. A cold start without an `x` is drawn as a horizontal line.
    """
    cells = {}
    for arm in run.arms:
        if arm.latest():
            cells.setdefault(_apart(run, arm), []).append(arm)
    panels = [
        panel
        for title, some in list(cells.items())[:_MOST]
        for panel in _over(run, some, title)
        if len(cells) == 1 or panel.y_label == ACCURACY
    ]
    label = _x_label(run)
    title = f"Last accuracy over {label[0].lower()}{label[1:]}"
    return chart(run, title, panels, "over")


def last(run: runs.Run) -> sections.Chart | None:
    """Draws accuracies after the last round, in rows of cells or arms."""
    arms = [arm for arm in run.arms if arm.latest()]
    by_dataset = {}
    for arm in arms:
        by_dataset.setdefault(arm.cell.dataset, []).append(arm)
    panels = []
    for dataset, some in by_dataset.items():
        cells = list(dict.fromkeys(arm.cell for arm in some))
        words = [grouping.cell_name(c, cells) or c.model for c in cells]
        if len(cells) == 1:
            words = [arm.name for arm in some]
        found = {}
        for place, arm in enumerate(some):
            row = place if len(cells) == 1 else cells.index(arm.cell)
            found.setdefault(arm.name, {})[row] = arm
        title = dataset if len(by_dataset) > 1 else ""
        panel = sections.Panel(ACCURACY, "", (), "dots", title)
        dots = [
            dataclasses.replace(one, x=one.y, y=one.x)
            for name, at in found.items()
            for one in known(_beside(name, *_latest(run, at)))
        ]
        panels.append(
            dataclasses.replace(panel, series=tuple(dots), words=tuple(words))
        )
    return chart(run, "Accuracy after the last round", panels, "last")


def cost(
    run: runs.Run, frontier: Callable[[dict], list[str]] | None = None
) -> sections.Chart | None:
    """Draws accuracy after the last round over the cost, a point for each arm.

    The name of an arm with fewer seeds than another ends with their number.

    Args:
        run: The `Run`.
        frontier: Function that maps a dict from arms to pairs of cost and
            accuracy to the arms that a line connects. With it, the chart is the
            main one. `None` draws no line. Defaults to `None`.
    """
    panels = []
    for cell, arms in list(run.cells().items())[: None if frontier else _MOST]:
        most = max(arm.summary().count for arm in arms)
        for field, label, scale in _costs(run):
            found, points, errors = [], {}, {}
            for arm in arms:
                x = statistics.level(arm.total(field)).mean / scale
                y = arm.summary()
                if not math.isnan(y.mean):
                    name = arm.name + formatting.fewer(y, most)
                    points[name] = x, y.mean
                    errors[name] = x, y.mean, y.error
                    point = (x, y.mean, y.error)
                    found.append(series(name, arm.name, [point]))
            if any(math.isnan(x) for x, _ in points.values()):
                continue  # rows from before this cost was measured
            title = grouping.cell_name(cell, run.cells())
            panel = sections.Panel(label, ACCURACY, (), "points", title)
            if frontier:
                names = frontier(points)
                edge = [points[name] for name in names]
                line = [(*point, math.nan) for point in edge]
                found.insert(0, series("frontier", "frontier", line))
                cold = [
                    one.name for one in known(found) if one.arm == runs.COLD
                ]
                wanted = [*cold, *names[::-1]]
                named = room.names(errors, wanted, edge)
                panel = dataclasses.replace(panel, kind="labelled", named=named)
            panels.append(dataclasses.replace(panel, series=known(found)))
    stem = "frontier" if frontier else "cost"
    return chart(run, "Accuracy against cost", panels, stem, bool(frontier))


def grid(run: runs.Run) -> sections.Chart | None:
    """Draws accuracy after the last round and cost over shrink and perturb."""
    arms = run.pick("shrink_perturb", "cold", "warm")
    shrinks = sorted({arm.first.shrink for arm in arms})
    perturbs = sorted({arm.first.perturb for arm in arms})
    at = {(arm.first.perturb, arm.first.shrink): arm for arm in arms}

    def level(arm: runs.Arm | None, field: str) -> float:
        if arm is None:
            return math.nan
        values = arm.total(field) if field else arm.final()
        return statistics.level(values).mean

    panels = [
        sections.Panel(
            "Shrink",
            "Perturb",
            kind="heat",
            title=title,
            columns=tuple(f"{s:g}" for s in shrinks),
            words=tuple(f"{p:g}" for p in perturbs),
            values=tuple(
                tuple(level(at.get((p, s)), field) / scale for s in shrinks)
                for p in perturbs
            ),
        )
        for field, title, scale in [("", ACCURACY, 1), *_costs(run)]
    ]
    return chart(run, "Shrink and perturb", panels, "grid")


def scatter(
    run: runs.Run,
    found: Iterable[tuple[str, str, Sequence[tuple]]],
    x_label: str,
    title: str,
) -> sections.Chart | None:
    """Draws the accuracy of many runs over one of their numbers.

    Args:
        run: The `Run`.
        found: Triples of a panel, an arm and its points `(x, accuracy,
            half-width)`.
        x_label: Label of the x axis.
        title: Title of the chart.
    """
    panels = {}
    for panel, arm, points in found:
        panels.setdefault(panel, []).append(series(arm, arm, points))
    made = [
        sections.Panel(x_label, ACCURACY, known(some), "points", panel)
        for panel, some in panels.items()
    ]
    return chart(run, title, made, "scatter")


def chart(
    run: runs.Run,
    title: str,
    panels: Iterable[sections.Panel],
    stem: str,
    is_main: bool = True,
) -> sections.Chart | None:
    """Returns a chart of the panels that are not empty; `None` of none."""
    some = tuple(
        panel
        for panel in panels
        if panel.series
        or any(not math.isnan(v) for line in panel.values for v in line)
    )
    if not some:
        return None
    return sections.Chart(name(stem, run.experiment), title, some, is_main)


def name(*parts: str) -> str:
    """Returns the stem of a chart's files."""
    # The paths of npz data sets have slashes and colons.
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, parts)))


def series(
    label: str, arm: str, points: Iterable[tuple], is_paper: bool = False
) -> sections.Series | None:
    """Returns a series of points (x, y, half-width); `None` of none.

    Points whose y is nan are left out.
    """
    some = [point for point in points if not math.isnan(point[1])]
    if not some:
        return None
    return sections.Series(label, arm, *zip(*some, strict=True), is_paper)


def paper_series(
    arm: str, source: str, points: Iterable[tuple]
) -> sections.Series | None:
    """Returns the series of a paper's points (x, y)."""
    some = [(x, y, math.nan) for x, y in points]
    return series(f"paper ({source})", arm, some, is_paper=True)


def paper_curve(numbers: Sequence[paper.Number]) -> sections.Series | None:
    """Returns the series of a paper's numbers; `None` of none."""
    if not numbers:
        return None
    points = [(number.x, number.mean) for number in numbers]
    return paper_series(numbers[0].arm, numbers[0].source, points)


def known(found: Iterable) -> tuple:
    """Returns what is not `None`."""
    return tuple(one for one in found if one is not None)


def _line(label: str, points: Mapping[float, statistics.Effect]):
    found = [(x, mean.mean, mean.error) for x, mean in points.items()]
    return series(label, label, found)


def _beside(
    label: str,
    ours: Mapping[float, statistics.Effect],
    numbers: Mapping[float, paper.Number | None],
) -> list[sections.Series | None]:
    """Returns the series of our means and that of the paper's numbers."""
    some = {x: number for x, number in numbers.items() if number}
    source = next((n.source for n in some.values()), "")
    points = [(x, n.mean, n.error) for x, n in some.items()]
    theirs = series(f"paper ({source})", label, points, is_paper=True)
    return [_line(label, ours), theirs]


def _latest(run: runs.Run, at: Mapping[float, runs.Arm]) -> tuple[dict, dict]:
    """Returns our means and the paper's numbers by x."""
    ours = {x: statistics.level(arm.latest()) for x, arm in at.items()}
    return ours, {x: run.number(arm) for x, arm in at.items()}


def _over(
    run: runs.Run, some: Sequence[runs.Arm], title: str
) -> list[sections.Panel]:
    lines, accuracy, gaps = {}, [], []
    for arm in some:
        x = run.x_of(arm)
        if x is not None:
            label = arm.kind if run.view.x == "number" else arm.name
            lines.setdefault(label, {})[x] = arm
    for label, at in lines.items():
        at = dict(sorted(at.items()))
        accuracy += _beside(label, *_latest(run, at))
        gap = {x: arm.gap() for x, arm in at.items() if not arm.is_cold}
        gaps.append(_line(label, gap))
    places = sorted({x for at in lines.values() for x in at})
    cold = next((a.cold for a in some if a.cold.finished), None)
    if runs.COLD not in lines and len(places) > 1 and cold:
        level = statistics.level(cold.final())
        ends = {x: level for x in (places[0], places[-1])}
        accuracy.append(_line(runs.COLD, ends))
    is_log = bool(places) and 0 < 100 * places[0] <= places[-1]
    return [
        sections.Panel(
            _x_label(run), y, known(found), title=title, is_log=is_log
        )
        for y, found in ((ACCURACY, accuracy), (MINUS_COLD, gaps))
    ]


def _apart(run: runs.Run, arm: runs.Arm) -> str:
    """Returns what tells cells apart, without the x."""
    return ", ".join(
        str(read(arm))
        for key, read in columns.names(run.arms)
        if key not in (run.view.x, "arm") and read(arm) is not None
    )


def _x_label(run: runs.Run) -> str:
    name = str(run.view.x)
    return _X.get(name, name.rpartition(".")[2].replace("_", " ").capitalize())


def _costs(run: runs.Run) -> list[tuple[str, str, int]]:
    """Returns the fields that are costs, with their label and unit."""
    found = [("sample_passes", PASSES, 1000)]
    if grouping.has_cpu_seconds(run.rows):
        found.append(("cpu_seconds", "CPU-seconds of all rounds", 1))
    return found
