"""What a chart shows, whichever library draws it: places, legend, numbers."""

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


def heights(panel: parts.Panel, series: parts.Series) -> tuple[float, ...]:
    """Returns the y coordinates of the points of a series.

    Dots in the same row would hide each other, so each arm of the row gets a
    height of its own. The paper's dot has the height of its arm.
    """
    if panel.kind != "dots":
        return series.y
    rows = {}
    for one in panel.series:
        for y in one.y:
            rows.setdefault(y, {})[one.arm] = None

    def height(y: float) -> float:
        arms = list(rows[y])
        steps = max(len(arms) - 1, 1)
        place = arms.index(series.arm) / steps if len(arms) > 1 else 0.5
        return y + _SPREAD * (place - 0.5)

    return tuple(map(height, series.y))


def legend(
    chart: parts.Chart, has_all: bool = False
) -> dict[str, parts.Series]:
    """Returns each entry once, that of the paper's points last.

    The line between named points has no entry.

    Args:
        chart: The chart.
        has_all: Whether points that have their names beside them in each
            panel have entries as well. Defaults to `False`.
    """
    found, unnamed = {}, set()
    for panel in chart.panels:
        for series in panel.series:
            if not is_edge(panel, series):
                found.setdefault(entry(chart, series), series)
                if has_all or series.name not in panel.named:
                    unnamed.add(entry(chart, series))
    found = {name: found[name] for name in found if name in unnamed}
    return dict(sorted(found.items(), key=lambda item: item[1].is_paper))


def is_edge(panel: parts.Panel, series: parts.Series) -> bool:
    """Returns whether a series is the line between labelled points."""
    return panel.kind == "labelled" and len(series.x) > 1


def entry(chart: parts.Chart, series: parts.Series) -> str:
    """Returns the entry of a series in the legend of its chart."""
    if not series.is_paper:
        return series.name
    names = {s.name for p in chart.panels for s in p.series if s.is_paper}
    return series.name if len(names) == 1 else PAPER


def title(series: parts.Series) -> str:
    """Returns the name of a series; that of a paper's names the arm too."""
    if series.is_paper and series.arm not in series.name:
        return f"{series.name}, {series.arm}"
    return series.name


def numbers(panel: parts.Panel) -> parts.Table:
    """Returns the numbers of a panel as a table.

    A line is an x; or a single point, if the panel has points without curves,
    or a series has several at one x. A table of more than a hundred lines is
    thinned to about a hundred, and keeps the last one.
    """
    if panel.kind == "heat":
        return _heat(panel)
    dots = panel.kind == "dots"
    found = [one for one in panel.series if not is_edge(panel, one)]
    columns = [_points(panel, series) for series in found]
    key = "row" if dots else panel.x_label
    are_apart = panel.kind in ("points", "labelled")
    if are_apart or any(len(dict(some)) < len(some) for some in columns):
        header = ("arm", key, panel.y_label)
        lines = [
            (title(series), x, number)
            for series, some in zip(found, columns, strict=True)
            for x, number in some
        ]
    else:
        header = (key, *map(title, found))
        keys = list(dict.fromkeys(x for some in columns for x, _ in some))
        columns = list(map(dict, columns))
        keys = keys if dots else sorted(keys)
        lines = [(x, *(column.get(x) for column in columns)) for x in keys]
    step = max(1, -(-len(lines) // _LINES))
    note = f"One of {step} lines is shown." if step > 1 else ""
    label = panel.x_label if dots else panel.y_label
    caption = ": ".join(filter(None, [panel.title, label]))
    return parts.Table(caption, header, tuple(lines[::-step][::-1]), note)


def _points(panel: parts.Panel, series: parts.Series) -> list[tuple]:
    """Returns the pairs of a place and a number."""
    return [
        (panel.words[int(y)], parts.Number(x, error, 2))
        if panel.kind == "dots"
        else (x, parts.Number(y, error, 2))
        for x, y, error in series.points()
    ]


def _heat(panel: parts.Panel) -> parts.Table:
    corner = " / ".join(filter(None, [panel.y_label, panel.x_label]))
    texts = formatting.heat(panel.values)
    lines = []
    for name, *line in zip(panel.words, texts, panel.values, strict=True):
        cells = (
            parts.Number(value, decimals=len(text.partition(".")[2]))
            if text
            else None
            for text, value in zip(*line, strict=True)
        )
        lines.append((name, *cells))
    return parts.Table(panel.title, (corner, *panel.columns), tuple(lines))
