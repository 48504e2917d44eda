"""What a chart says, whichever library draws it: places, legends, numbers."""

import math

from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.storage import files

PAPER = "paper, in the arm's color"
_STEM = 150  # bytes of the name of a figure
_GROUP = 0.8  # of the distance between two words
_LINES = 100  # of a table of numbers; a screen shows fewer at once


def stem(chart: parts.Chart) -> str:
    """Returns the name of a chart's files, without their suffix."""
    return files.short(plain.clean(chart.name), _STEM)


def words(panel: parts.Panel) -> list[str]:
    """Returns the words on the x axis, none where it has numbers."""
    found = [x for series in panel.series for x in series.x]
    if panel.kind != "bars" and not any(isinstance(x, str) for x in found):
        return []
    return list(dict.fromkeys(map(_word, found)))


def places(panel: parts.Panel) -> tuple[list[list[float]], float]:
    """Returns where the points of each series stand on the x axis.

    Over words, series stand beside each other, the paper's at the place of
    their arm.

    Returns:
        Numbers for each series, and the width that each has.
    """
    names = words(panel)
    if not names:
        return [list(series.x) for series in panel.series], 0.0
    at = {name: number for number, name in enumerate(names)}
    own = [series for series in panel.series if not series.is_paper]
    slots = list(dict.fromkeys(series.name for series in own))
    arms = {series.arm: series.name for series in reversed(own)}
    width = _GROUP / max(len(slots), 1)
    found = []
    for series in panel.series:
        name = arms.get(series.arm) if series.is_paper else series.name
        middle = (len(slots) - 1) / 2
        slot = slots.index(name) if name in slots else middle
        shift = (slot - middle) * width
        found.append([at[_word(x)] + shift for x in series.x])
    return found, width


def is_log(panel: parts.Panel) -> bool:
    """Returns whether the x axis can be logarithmic, as it is to be."""
    numbers = [x for series in panel.series for x in series.x]
    return panel.log_x and not words(panel) and all(x > 0 for x in numbers)


def errors(series: parts.Series) -> list[float]:
    """Returns a half-width for each point, nan where there is none."""
    return list(series.error) or [math.nan] * len(series.x)


def legend(chart: parts.Chart) -> dict[str, parts.Series]:
    """Returns each entry once, the one of the paper's points last."""
    found = {}
    for panel in chart.panels:
        for series in panel.series:
            found.setdefault(entry(chart, series), series)
    return dict(sorted(found.items(), key=lambda item: item[1].is_paper))


def entry(chart: parts.Chart, series: parts.Series) -> str:
    """Returns the entry of a series in the legend of its chart."""
    if not series.is_paper:
        return series.name
    names = {
        series.name
        for panel in chart.panels
        for series in panel.series
        if series.is_paper
    }
    return series.name if len(names) == 1 else PAPER


def kind(chart: parts.Chart, series: parts.Series) -> str:
    """Returns how a legend shows a series: as a line where it has one."""
    kinds = [
        panel.kind
        for panel in chart.panels
        if any(other.name == series.name for other in panel.series)
    ]
    return "lines" if "lines" in kinds else kinds[0]


def numbers(panel: parts.Panel) -> parts.Table:
    """Returns the numbers of a panel as a table.

    Where one series has several points at one x, a line is a point. Otherwise
    a line is an x; of curves with more than a hundred points the table has
    about a hundred, the last one among them.
    """
    if panel.kind == "heat":
        return _heat(panel)
    caption = ": ".join(filter(None, [panel.title, panel.y_label]))
    names = words(panel)
    key = panel.x_label or ("name" if names else "x")
    if any(len(set(s.x)) < len(s.x) for s in panel.series):
        header = ("series", key, panel.y_label)
        lines = [
            (title(series), _word(x), text)
            for series in panel.series
            for x, text in _readings(series)
        ]
    else:
        header = (key, *map(title, panel.series))
        lines = _by_x(panel, names)
    step = max(1, -(-len(lines) // _LINES))
    note = f"One of {step} lines is shown." if step > 1 else ""
    chosen = tuple(lines[::-step][::-1])
    return parts.Table(caption, header, chosen, note)


def title(series: parts.Series) -> str:
    """Returns the name of a series, the paper's with their arm."""
    if series.is_paper and series.arm not in series.name:
        return f"{series.name}, {series.arm}"
    return series.name


def _heat(panel: parts.Panel) -> parts.Table:
    corner = " / ".join(filter(None, [panel.y_label, panel.x_label]))
    lines = tuple(
        (name, *(text or plain.NOTHING for text in texts))
        for name, texts in zip(panel.y, plain.cells(panel.values), strict=True)
    )
    return parts.Table(panel.title, (corner, *panel.x), lines)


def _by_x(panel: parts.Panel, names: list[str]) -> list[tuple[str, ...]]:
    if names:
        columns = [
            {_word(x): text for x, text in _readings(series)}
            for series in panel.series
        ]
        keys = names
    else:
        columns = [dict(_readings(series)) for series in panel.series]
        keys = sorted({x for column in columns for x in column})
    return [
        (_word(x), *(column.get(x, plain.NOTHING) for column in columns))
        for x in keys
    ]


def _readings(series: parts.Series) -> list[tuple]:
    shown = map(plain.shown, series.y, errors(series))
    return list(zip(series.x, shown, strict=True))


def _word(x) -> str:
    return x if isinstance(x, str) else plain.shown(x)
