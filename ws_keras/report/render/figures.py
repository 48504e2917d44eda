"""Charts as figures of Plotly, one for each panel, as plain dictionaries.

The page's script draws them with plotly.js, and `drawing` draws the same
figures with Matplotlib.
"""

import html
import math
import textwrap
from collections.abc import Iterable
from collections.abc import Iterator

from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import room
from ws_keras.report import sections as parts
from ws_keras.report.render import marks
from ws_keras.report.render import palette

_HEIGHT = 330  # pixels
_ROW = 30
_TALL = 440  # of a panel with names beside its points
_DASHES = ("solid", "dash", "dot", "dashdot")
# No diamond: that is the paper's.
_MARKERS = ("circle", "square", "triangle-up", "triangle-down", "x")
_OPEN = "diamond-open"  # what lies below it is seen
_MANY = 40  # a line of more points shows none of them
_WORD = 26  # letters of a line


def figures(chart: parts.Chart, styles: dict[str, palette.Style]) -> list[dict]:
    """Returns the data and the layout of each panel, ready for JSON.

    The page adds the colors of text and grid, which depend on dark mode.

    Args:
        chart: The chart.
        styles: What `palette.styles` returns for the whole report.

    Returns:
        Dictionaries with `data` and `layout`.
    """
    found = []
    for panel in chart.panels:
        data = [_heat(panel)] if panel.kind == "heat" else []
        for series in panel.series:
            group = plain.name(marks.entry(chart, series))
            for trace in _traces(panel, series, styles[series.arm]):
                data.append({**trace, "legendgroup": group})
        found.append({"data": data, "layout": _layout(panel)})
    return found


def marker(series: parts.Series, style: palette.Style) -> dict:
    """Returns the marker of a series; the paper's is an open diamond."""
    if series.is_paper:
        return {
            "symbol": _OPEN,
            "size": 10,
            "color": style.color,
            "line": {"width": 2},
        }
    symbol = _MARKERS[style.number % len(_MARKERS)]
    return {"symbol": symbol, "size": 8, "color": style.color}


def _traces(
    panel: parts.Panel, series: parts.Series, style: palette.Style
) -> Iterator[dict]:
    """Yields the traces of a series: its band, if any, and its points."""
    if marks.is_edge(panel, series):
        line = {"color": palette.PAPER, "width": 1, "dash": "dot"}
        yield _scatter(series.x, series.y, "lines", line=line)
        return
    points = [
        (x, height, error if math.isfinite(error) else 0.0, words)
        for (x, _, error), height, words in zip(
            series.points(),
            marks.heights(panel, series),
            _hover(panel, series),
            strict=True,
        )
        if math.isfinite(x) and math.isfinite(height)
    ]
    if not points:
        return
    x, y, error, words = map(list, zip(*points, strict=True))
    is_line = panel.kind == "lines" and not series.is_paper
    bars = {"type": "data", "array": error, "thickness": 1, "width": 3}
    if is_line and any(error):
        upper = [at + half for at, half in zip(y, error, strict=True)]
        lower = [at - half for at, half in zip(y, error, strict=True)]
        yield _scatter(
            [*x, *x[::-1]],
            [*upper, *lower[::-1]],
            "lines",
            line={"width": 0, "color": style.color},
            fill="toself",
            fillcolor=style.color,
            opacity=0.2,
        )
    mode = "markers+text" if series.name in panel.named else "markers"
    if is_line:
        mode = "lines" if len(x) > _MANY else "lines+markers"
    dash = _DASHES[style.number % len(_DASHES)]
    yield _scatter(
        x,
        y,
        mode,
        text=_safe(marks.title(series)),
        textposition=panel.named.get(series.name, "top center"),
        marker=marker(series, style),
        line={"color": style.color, "width": 2, "dash": dash},
        hoverinfo="text",
        hovertext=words,
        **{
            "error_x" if panel.kind == "dots" else "error_y": {}
            if is_line or not any(error)
            else bars
        },
    )


def _scatter(x, y, mode: str, **options) -> dict:
    trace = {"type": "scatter", "x": list(x), "y": list(y), "mode": mode}
    return {**trace, "hoverinfo": "skip", **options}


def _hover(panel: parts.Panel, series: parts.Series) -> list[str]:
    name = f"<b>{_safe(marks.title(series))}</b>"
    found = []
    for x, y, error in series.points():
        if panel.kind == "dots":
            lines = [_safe(panel.words[int(y)]), formatting.shown(x, error)]
        else:
            lines = [
                f"{_safe(panel.x_label)}: {formatting.shown(x)}",
                f"{_safe(panel.y_label)}: {formatting.shown(y, error)}",
            ]
        found.append("<br>".join([name, *lines]))
    return found


def _layout(panel: parts.Panel) -> dict:
    is_log = panel.is_log and all(x > 0 for s in panel.series for x in s.x)
    x_axis: dict = {"type": "log" if is_log else "linear"}
    y_axis: dict = {"rangemode": "tozero" if panel.from_zero else "normal"}
    height = _HEIGHT
    if panel.kind == "labelled":
        height = _TALL
        x_axis["range"], y_axis["range"] = map(list, _frame(panel))
    if panel.words:
        y_axis = {
            **_words(panel.words),
            "range": [len(panel.words) - 0.5, -0.5],
        }
        least = _HEIGHT if panel.kind == "heat" else 150
        height = max(least, 90 + _ROW * len(panel.words))
    if panel.kind == "heat":
        x_axis = _words(panel.columns)
    return {
        "height": height,
        "margin": {"l": 50, "r": 12, "t": 30, "b": 40},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": _axis(panel.x_label, x_axis),
        "yaxis": _axis(panel.y_label, y_axis),
    }


def _frame(panel: parts.Panel) -> tuple:
    """Returns the ends of the axes that leave room for names."""
    return room.frame(
        point
        for series in panel.series
        for point in series.points()
        if not marks.is_edge(panel, series)
    )


def _axis(label: str, fields: dict) -> dict:
    # Ticks are numbers in full, as in the tables: 9,999.5, not 9.9995k.
    numbers = {"exponentformat": "none", "separatethousands": True}
    title = {"text": _lines(label)}
    return {**numbers, **fields, "zeroline": False, "title": title}


def _words(names: Iterable[str]) -> dict:
    texts = [_lines(name) for name in names]
    return {
        "tickmode": "array",
        "tickvals": list(range(len(texts))),
        "ticktext": texts,
        "showgrid": False,
    }


def _heat(panel: parts.Panel) -> dict:
    texts = formatting.heat(panel.values)
    x_label, y_label = _safe(panel.x_label), _safe(panel.y_label)
    hover = [
        [
            f"{x_label} {_safe(x)}, {y_label} {_safe(y)}"
            f"<br>{_safe(panel.title)}: {text or formatting.NOTHING}"
            for x, text in zip(panel.columns, line, strict=True)
        ]
        for y, line in zip(panel.words, texts, strict=True)
    ]
    return {
        "type": "heatmap",
        "z": [
            [value if math.isfinite(value) else None for value in line]
            for line in panel.values
        ],
        "text": texts,
        "texttemplate": "%{text}",
        "hovertext": hover,
        "hoverinfo": "text",
        "colorscale": "Viridis",
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"thickness": 12, "outlinewidth": 0},
    }


def _lines(text: str) -> str:
    found = textwrap.wrap(plain.name(text), _WORD, break_long_words=False)
    return "<br>".join(map(_safe, found))


def _safe(text: str) -> str:
    # Plotly reads some HTML in its labels.
    return html.escape(plain.name(text), quote=False)
