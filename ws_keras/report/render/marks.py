"""What a chart shows, whichever library draws it: places, legend, numbers."""

import math

from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.storage import files

PAPER = "paper, in the arm's color"
_STEM = 150  # bytes of the name of a figure
_SPREAD = 0.5  # of the distance between two rows
_LINES = 100  # of a table of numbers; a screen shows fewer at once


def stem(chart: parts.Chart) -> str:
    """Returns the name of a chart's files, without their suffix."""
    return files.short(plain.clean(chart.name), _STEM)


def errors(series: parts.Series) -> list[float]:
    """Returns a half-width for each point, nan where there is none."""
    return list(series.error) or [math.nan] * len(series.x)


def heights(panel: parts.Panel, series: parts.Series) -> tuple[float, ...]:
    """Returns where points stand on the y axis.

    The dots of one row that would hide each other stand below each other,
    the paper's at the place of their arm.
    """
    if panel.kind != "dots":
        return series.y
    rows = {}
    for one in panel.series:
        for y in one.y:
            rows.setdefault(y, {})[one.arm] = None
    return tuple(_height(y, list(rows[y]), series.arm) for y in series.y)


def legend(chart: parts.Chart) -> dict[str, parts.Series]:
    """Returns each entry once, the one of the paper's points last.

    Names that stand beside their points need none.
    """
    found = {}
    for panel in chart.panels:
        if panel.kind == "labelled":
            continue
        for series in panel.series:
            found.setdefault(entry(chart, series), series)
    return dict(sorted(found.items(), key=lambda item: item[1].is_paper))


def entry(chart: parts.Chart, series: parts.Series) -> str:
    """Returns the entry of a series in the legend of its chart."""
    if not series.is_paper:
        return series.name
    names = {s.name for p in chart.panels for s in p.series if s.is_paper}
    return series.name if len(names) == 1 else PAPER


def title(series: parts.Series) -> str:
    """Returns the name of a series, the paper's with their arm."""
    if series.is_paper and series.arm not in series.name:
        return f"{series.name}, {series.arm}"
    return series.name


def numbers(panel: parts.Panel) -> parts.Table:
    """Returns the numbers of a panel as a table.

    Where one series has several points at one x, a line is a point. Otherwise
    a line is an x; of curves with more than a hundred points the table has
    about a hundred, the last one among them.
    """
    if panel.kind == "heat":
        return _heat(panel)
    dots = panel.kind == "dots"
    caption = ": ".join(
        filter(None, [panel.title, panel.x_label if dots else panel.y_label])
    )
    columns = [_column(panel, series) for series in panel.series]
    key = "" if dots else panel.x_label
    if any(
        len(column) < len(s.x)
        for column, s in zip(columns, panel.series, strict=True)
    ):
        header = ("series", key, panel.y_label)
        lines = [
            (title(series), x, parts.Number(y, error, 2))
            for series in panel.series
            for x, y, error in zip(
                series.x, series.y, errors(series), strict=True
            )
        ]
    else:
        header = (key, *map(title, panel.series))
        keys = dict.fromkeys(k for column in columns for k in column)
        keys = list(keys) if dots else sorted(keys)
        lines = [(k, *(column.get(k) for column in columns)) for k in keys]
    step = max(1, -(-len(lines) // _LINES))
    note = f"One of {step} lines is shown." if step > 1 else ""
    return parts.Table(caption, header, tuple(lines[::-step][::-1]), note)


def _column(panel: parts.Panel, series: parts.Series) -> dict:
    places = series.x
    values = series.y
    if panel.kind == "dots":
        places = [panel.words[int(y)] for y in series.y]
        values = series.x
    return {
        place: parts.Number(value, error, 2)
        for place, value, error in zip(
            places, values, errors(series), strict=True
        )
    }


def _height(y: float, arms: list[str], arm: str) -> float:
    if len(arms) == 1:
        return y
    return y + _SPREAD * (arms.index(arm) / (len(arms) - 1) - 0.5)


def _heat(panel: parts.Panel) -> parts.Table:
    corner = " / ".join(filter(None, [panel.y_label, panel.x_label]))
    texts = formatting.heat(panel.values)
    lines = tuple(
        (
            name,
            *(
                text and parts.Number(value, decimals=_decimals(text)) or None
                for text, value in zip(line, values, strict=True)
            ),
        )
        for name, line, values in zip(
            panel.words, texts, panel.values, strict=True
        )
    )
    return parts.Table(panel.title, (corner, *panel.columns), lines)


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])
