"""Charts of views: `Run` to a chart, or to `None` where there is nothing."""

import math
import re
from collections.abc import Iterable
from collections.abc import Sequence

from ws_keras.report import columns
from ws_keras.report import grouping
from ws_keras.report import per_round
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import view as views

ACCURACY = "Held-out accuracy (%)"
MINUS_COLD = "Minus cold (points)"
PASSES = "Sample passes of all rounds (thousands)"
_PANELS = 12  # more of them nobody compares
_X = {
    views.SAMPLES: "Samples (thousands)",
    "number": "Layers or stages that are carried over",
}


def curve(run: runs.Run) -> sections.Chart | None:
    """Accuracy over the number of samples, a panel for each cell."""
    cells = run.cells()
    panels = []
    for cell, arms in list(cells.items())[:_PANELS]:
        found = []
        for arm in arms:
            points = [
                (size / 1000, *_mean(values.values()))
                for size, values in arm.by_samples().items()
            ]
            found.append(series(arm.name, arm.name, points))
            rows = {row.num_samples: row for row in arm.rows}
            numbers = {x: run.number(arm, row) for x, row in rows.items()}
            found.append(_paper(arm.name, numbers, 1 / 1000))
        title = per_round.cell_name(cell, cells)
        x = _X[views.SAMPLES]
        panels.append(sections.Panel(x, ACCURACY, known(found), title=title))
    return chart(run, "Accuracy after each round", panels, "curve")


def over(run: runs.Run) -> sections.Chart | None:
    """Last accuracy, and its difference from cold, along the view's x.

    A panel for each cell apart from x; of a single one also its differences.
    A cold start without a place is a level line.
    """
    panels = {}
    for arm in run.arms:
        if arm.latest():
            panels.setdefault(_apart(run, arm), []).append(arm)
    made = [
        panel
        for title, some in list(panels.items())[:_PANELS]
        for panel in _over(run, some, title)
        if len(panels) == 1 or panel.y_label == ACCURACY
    ]
    label = _x_label(run)
    title = f"Last accuracy over {label[0].lower()}{label[1:]}"
    return chart(run, title, made, "over")


def last(run: runs.Run) -> sections.Chart | None:
    """Last accuracies, a row for each cell, or each arm of a single one."""
    arms = [arm for arm in run.arms if arm.latest()]
    cells = list(dict.fromkeys(arm.cell for arm in arms))
    datasets = list(dict.fromkeys(cell.dataset for cell in cells))
    panels = []
    for dataset in datasets:
        some = [arm for arm in arms if arm.cell.dataset == dataset]
        own = [cell for cell in cells if cell.dataset == dataset]
        if len(own) == 1:
            words = [arm.name for arm in some]
            places = list(range(len(some)))
        else:
            words = [_named(cell, cells, dataset) for cell in own]
            places = [own.index(arm.cell) for arm in some]
        found = []
        for name in dict.fromkeys(arm.name for arm in some):
            pairs = [
                (place, arm)
                for place, arm in zip(places, some, strict=True)
                if arm.name == name
            ]
            found += _dots(run, name, pairs)
        title = dataset if len(datasets) > 1 else ""
        panels.append(
            sections.Panel(
                ACCURACY,
                "",
                known(found),
                "dots",
                title,
                words=tuple(words),
            )
        )
    return chart(run, "Accuracy after the last round", panels, "last")


def cost(run: runs.Run) -> sections.Chart | None:
    """Accuracy against what all rounds took, a point for each arm."""
    cells = run.cells()
    fields = [("sample_passes", PASSES, 1000)]
    if grouping.has_cpu_seconds(run.rows):
        fields.append(("cpu_seconds", "CPU-seconds of all rounds", 1))
    panels = []
    for cell, arms in list(cells.items())[:_PANELS]:
        for field, label, scale in fields:
            found = []
            for arm in arms:
                x = statistics.summarize(arm.total(field).values()).mean
                y, error = _mean(arm.final().values())
                if not math.isnan(x):
                    points = [(x / scale, y, error)]
                    found.append(series(arm.name, arm.name, points))
            title = per_round.cell_name(cell, cells)
            panels.append(
                sections.Panel(label, ACCURACY, known(found), "points", title)
            )
    return chart(run, "Accuracy against cost", panels, "cost", is_main=False)


def grid(run: runs.Run) -> sections.Chart | None:
    """Last accuracy and cost over shrink and perturb."""
    arms = run.pick("shrink_perturb", "cold", "warm")
    shrinks = sorted({arm.first.shrink for arm in arms})
    perturbs = sorted({arm.first.perturb for arm in arms})
    at = {(arm.first.perturb, arm.first.shrink): arm for arm in arms}
    fields = [(None, ACCURACY, 1), ("sample_passes", PASSES, 1000)]
    if grouping.has_cpu_seconds(run.rows):
        fields.append(("cpu_seconds", "CPU-seconds of all rounds", 1))
    panels = []
    for field, title, scale in fields:
        values = tuple(
            tuple(_level(at.get((p, s)), field) / scale for s in shrinks)
            for p in perturbs
        )
        panels.append(
            sections.Panel(
                "Shrink",
                "Perturb",
                kind="heat",
                title=title,
                columns=tuple(f"{s:g}" for s in shrinks),
                words=tuple(f"{p:g}" for p in perturbs),
                values=values,
            )
        )
    return chart(run, "Shrink and perturb", panels, "grid")


def scatter(
    run: runs.Run,
    found: Iterable[tuple[str, str, Sequence[tuple]]],
    x_label: str,
    title: str,
) -> sections.Chart | None:
    """Accuracy of many runs against a number of theirs.

    Args:
        run: The experiment.
        found: Panel, arm and points `(x, accuracy, half-width)` of each.
        x_label: What x is.
        title: Of the chart.
    """
    panels = {}
    for panel, arm, points in found:
        panels.setdefault(panel, []).append(series(arm, arm, points))
    return chart(
        run,
        title,
        [
            sections.Panel(x_label, ACCURACY, known(some), "points", panel)
            for panel, some in panels.items()
        ],
        "scatter",
    )


def chart(
    run: runs.Run,
    title: str,
    panels: Iterable[sections.Panel],
    stem: str,
    is_main: bool = True,
) -> sections.Chart | None:
    """Returns a chart of the panels that have something; `None` of none."""
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
    """Returns a series of (x, y, half-width), without what is not known."""
    some = [point for point in points if not math.isnan(point[1])]
    if not some:
        return None
    x, y, error = zip(*some, strict=True)
    return sections.Series(label, arm, x, y, error, is_paper)


def paper_series(
    arm: str, source: str, points: Iterable[tuple]
) -> sections.Series | None:
    """Returns the series of a paper's points (x, y)."""
    some = [(x, y, math.nan) for x, y in points]
    return series(f"paper ({source})", arm, some, is_paper=True)


def known(found: Iterable) -> tuple:
    """Returns what is not `None`."""
    return tuple(one for one in found if one is not None)


def _paper(arm: str, numbers: dict, scale: float = 1.0):
    some = {x: number for x, number in numbers.items() if number}
    if not some:
        return None
    source = next(iter(some.values())).source
    points = [(x * scale, n.mean, n.error) for x, n in some.items()]
    return series(f"paper ({source})", arm, points, is_paper=True)


def _mean(values: Iterable[float]) -> tuple[float, float]:
    found = statistics.summarize(values)
    return found.mean, found.error


def _over(
    run: runs.Run, some: Sequence[runs.Arm], title: str
) -> list[sections.Panel]:
    lines, accuracy, gaps = {}, [], []
    for arm in some:
        place = run.x_of(arm)
        if place is not None:
            label = arm.kind if run.view.x == "number" else arm.name
            lines.setdefault(label, []).append((place, arm))
    for label, pairs in lines.items():
        pairs.sort(key=lambda pair: pair[0])
        points = [(x, *_mean(arm.latest().values())) for x, arm in pairs]
        accuracy.append(series(label, label, points))
        accuracy.append(_paper(label, {x: run.number(a) for x, a in pairs}))
        found = [(x, arm.gap()) for x, arm in pairs if not arm.is_cold]
        points = [(x, gap.mean, gap.error) for x, gap in found]
        gaps.append(series(label, label, points))
    places = [x for pairs in lines.values() for x, _ in pairs]
    if runs.COLD not in lines and len(places) > 1:
        accuracy.append(_level_line(some, places))
    is_log = bool(places) and min(places) > 0
    is_log = is_log and max(places) / min(places) >= 100
    return [
        sections.Panel(
            _x_label(run), y, known(found), title=title, is_log=is_log
        )
        for y, found in ((ACCURACY, accuracy), (MINUS_COLD, gaps))
    ]


def _level_line(some: Sequence[runs.Arm], places: list[float]):
    cold = next((a.cold for a in some if a.cold.finished), None)
    if cold is None:
        return None
    level = _mean(grouping.final(cold, "accuracy").values())
    ends = [(x, *level) for x in (min(places), max(places))]
    return series(runs.COLD, runs.COLD, ends)


def _apart(run: runs.Run, arm: runs.Arm) -> str:
    """Returns what tells cells apart, the place on the x axis left out."""
    return ", ".join(
        str(read(arm))
        for key, read in columns.names(run.arms)
        if key not in (run.view.x, "arm") and read(arm) is not None
    )


def _x_label(run: runs.Run) -> str:
    name = str(run.view.x)
    return _X.get(name, name.rpartition(".")[2].replace("_", " ").capitalize())


def _dots(run: runs.Run, label: str, pairs: Sequence[tuple]) -> list:
    points = []
    for place, arm in pairs:
        mean, error = _mean(arm.latest().values())
        points.append((mean, place, error))
    numbers = [(place, run.number(arm)) for place, arm in pairs]
    theirs = [(n.mean, place, n.error) for place, n in numbers if n]
    source = next((n.source for _, n in numbers if n), "")
    return [
        series(label, label, points),
        series(f"paper ({source})", label, theirs, is_paper=True),
    ]


def _named(cell: grouping.Cell, cells: Sequence, dataset: str) -> str:
    own = {c: None for c in cells if c.dataset == dataset}
    return per_round.cell_name(cell, own) or cell.model


def _level(arm: runs.Arm | None, field: str | None) -> float:
    if arm is None:
        return math.nan
    values = arm.final() if field is None else arm.total(field)
    return statistics.summarize(values.values()).mean
