"""Charts of arms: bars of last rounds, and lines over a number of theirs."""

import math
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

from ws_keras.report import paper
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs

ACCURACY = "Held-out accuracy (%)"
MINUS_COLD = "Minus cold (points)"
_NAMED = ("model", "optimizer")  # by their values alone


def name(*parts: str) -> str:
    """Returns the stem of a chart's files."""
    # The paths of npz data sets have slashes and colons.
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, parts)))


def series(
    label: str, arm: str, points: Iterable[tuple], is_paper: bool = False
) -> sections.Series | None:
    """Returns a series of (x, y, half-width), without what is not known."""
    known = [point for point in points if not math.isnan(point[1])]
    if not known:
        return None
    x, y, error = zip(*known, strict=True)
    error = () if is_paper else error
    return sections.Series(label, arm, x, y, error, is_paper)


def paper_name(block: str) -> str:
    """Returns how the legend names the numbers of a block."""
    return f"paper ({paper.numbers()[block]['where']})"


def bars(
    run: runs.Run,
    arms: Sequence[runs.ArmRuns],
    title: str,
    block: str | None = None,
    lookup: finals.Lookup = finals.nothing,
) -> sections.Chart:
    """Returns last accuracies with their standard deviation over seeds.

    One panel for each data set, one group of bars for each cell, one bar for
    each arm, the paper's numbers on top.
    """
    shown = [arm for arm in arms if arm.summary().count]
    datasets = dict.fromkeys(arm.cell.dataset for arm in shown)
    names = _cell_names(shown)
    panels = []
    for dataset in datasets:
        chosen = [arm for arm in shown if arm.cell.dataset == dataset]
        found = []
        for label in dict.fromkeys(arm.name for arm in chosen):
            some = [arm for arm in chosen if arm.name == label]
            points = [_bar(names[arm.cell], arm.summary()) for arm in some]
            theirs = [
                (names[arm.cell], number.value, 0.0)
                for arm in some
                if (number := lookup(arm.last))
            ]
            found += [
                series(label, label, points),
                series(block and paper_name(block), label, theirs, True),
            ]
        panels.append(
            sections.Panel("", ACCURACY, _known(found), "bars", dataset)
        )
    return sections.Chart(name("finals", run.experiment), title, tuple(panels))


def over(
    run: runs.Run,
    arms: Sequence[runs.ArmRuns],
    x: Callable[[runs.ArmRuns], float | str],
    x_label: str,
    title: str,
    block: str | None = None,
    lookup: finals.Lookup = finals.nothing,
    label: Callable[[runs.ArmRuns], str] = lambda arm: arm.name,
    log_x: bool = False,
    stem: str = "over",
) -> sections.Chart:
    """Returns last accuracies, and their gap to cold, over a number.

    Args:
        run: The experiment.
        arms: What to show.
        x: An arm's place on the x axis.
        x_label: What that is.
        title: Of the chart.
        block: Block of `paper.json` that `lookup` reads. Defaults to none.
        lookup: Last row of an arm to the paper's accuracy.
        label: Arms of one label are one line. Defaults to their name.
        log_x: Whether the x axis is logarithmic. Defaults to `False`.
        stem: First part of the file's name.

    Returns:
        A `sections.Chart` of two panels, points with their standard error.
    """
    shown = [arm for arm in arms if arm.summary().count]
    accuracy, gaps = [], []
    for line in dict.fromkeys(map(label, shown)):
        some = [arm for arm in shown if label(arm) == line]
        if all(not isinstance(x(arm), str) for arm in some):
            some.sort(key=x)
        points = [_point(x(arm), arm.summary()) for arm in some]
        theirs = [
            (x(arm), number.value, 0.0)
            for arm in some
            if (number := lookup(arm.last))
        ]
        accuracy += [
            series(line, line, points),
            series(block and paper_name(block), line, theirs, True),
        ]
        gaps.append(
            series(
                line,
                line,
                [_point(x(arm), arm.gap()) for arm in some if not arm.is_cold],
            )
        )
    panels = [
        sections.Panel(x_label, label_y, _known(found), log_x=log_x)
        for label_y, found in ((ACCURACY, accuracy), (MINUS_COLD, gaps))
        if _known(found)
    ]
    return sections.Chart(name(stem, run.experiment), title, tuple(panels))


def _known(found: Iterable) -> tuple:
    return tuple(one for one in found if one is not None)


def _cell_names(arms: Sequence[runs.ArmRuns]) -> dict[statistics.Cell, str]:
    """Returns what tells the cells of one panel apart."""
    cells = {arm.cell: finals.columns(arm) for arm in arms}
    keys = dict.fromkeys(key for named in cells.values() for key in named)
    varying = [
        key
        for key in keys
        if key not in ("arm", "dataset")
        and len({named.get(key) for named in cells.values()}) > 1
    ]
    # A single group is still named.
    varying = varying or list(_NAMED)
    return {
        cell: ", ".join(_words(key, named) for key in varying if key in named)
        for cell, named in cells.items()
    }


def _words(key: str, named: finals.Columns) -> str:
    if key in _NAMED:
        return named[key]
    return f"{key.rpartition('.')[2]} {named[key]}"


def _bar(place: str, summary: statistics.Summary) -> tuple:
    return place, summary.mean, summary.std


def _point(place, found: statistics.Summary | statistics.Difference) -> tuple:
    return place, found.mean, found.error
