"""Charts as figures of Plotly, one for each panel, for the page's script."""

import math
import textwrap
from collections.abc import Iterable

from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import marks
from ws_keras.report.render import palette

_HEIGHT = 330  # pixels
_ROW = 30
_DASHES = ("solid", "dash", "dot", "dashdot")
_MARKERS = ("circle", "square", "triangle-up", "triangle-down", "x")
_MANY = 40  # points of a line that shows none of them
_WORD = 26  # letters of a line


def figures(chart: parts.Chart, styles: dict[str, palette.Style]) -> list[dict]:
    """Returns data and layout of each panel, as JSON knows them.

    Colors of text, grid and page are the page's, which knows whether it is
    dark.

    Args:
        chart: The chart.
        styles: What `palette.styles` returns of the whole report.

    Returns:
        Dictionaries with `data` and `layout`.

    Raises:
        ImportError: Plotly is not installed.
    """
    objects = import_plotly()
    found = []
    for panel in chart.panels:
        figure = objects.Figure()
        if panel.kind == "heat":
            figure.add_trace(_heat(objects, panel))
        for series in panel.series:
            group = marks.entry(chart, series)
            style = styles[series.arm]
            for trace in _traces(objects, panel, series, style):
                trace.legendgroup = plain.name(group)
                figure.add_trace(trace)
        figure.update_layout(_layout(panel))
        shown = figure.to_plotly_json()
        # Thousands of letters of defaults, and colors of a light page.
        shown["layout"].pop("template", None)
        found.append(_plain(shown))
    return found


def import_plotly():
    """Returns Plotly's graph objects, or says how to install them."""
    try:
        from plotly import graph_objects
    except ImportError:
        raise ImportError(
            "The HTML page needs plotly and jinja2. Install them with "
            "`pip install 'ws_keras[report]'`."
        ) from None
    return graph_objects


def _traces(objects, panel, series: parts.Series, style: palette.Style):
    y = marks.heights(panel, series)
    error = marks.errors(series)
    if panel.kind == "labelled" and len(series.x) > 1:
        yield _edge(objects, series)
        return
    points = [
        (x, at, e if math.isfinite(e) else 0.0, word)
        for x, at, e, word in zip(
            series.x, y, error, _hover(panel, series), strict=True
        )
        if math.isfinite(x) and math.isfinite(at)
    ]
    if not points:
        return
    x, y, error, words = map(list, zip(*points, strict=True))
    is_line = panel.kind == "lines" and not series.is_paper
    if is_line and any(error):
        yield _band(objects, x, y, error, style)
    along = {"type": "data", "array": error, "thickness": 1, "width": 3}
    shown = {} if is_line or not any(error) else along
    yield objects.Scatter(
        x=x,
        y=y,
        mode=_mode(len(x), is_line, panel.kind == "labelled"),
        text=_safe(marks.title(series)),
        textposition="top center",
        marker=_marker(series, style),
        line={
            "color": style.color,
            "width": 2,
            "dash": _DASHES[style.number % len(_DASHES)],
        },
        hoverinfo="text",
        hovertext=words,
        **{"error_x" if panel.kind == "dots" else "error_y": shown},
    )


def _band(objects, x, y, error, style: palette.Style):
    ends = [
        [at + sign * e for at, e in zip(y, error, strict=True)]
        for sign in (1, -1)
    ]
    return objects.Scatter(
        x=[*x, *x[::-1]],
        y=[*ends[0], *ends[1][::-1]],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=style.color,
        opacity=0.2,
        hoverinfo="skip",
    )


def _edge(objects, series: parts.Series):
    return objects.Scatter(
        x=series.x,
        y=series.y,
        mode="lines",
        line={"color": palette.PAPER, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )


def _mode(count: int, is_line: bool, is_labelled: bool) -> str:
    if not is_line:
        return "markers+text" if is_labelled else "markers"
    return "lines" if count > _MANY else "lines+markers"


def _marker(series: parts.Series, style: palette.Style) -> dict:
    if series.is_paper:
        # Open, so that what lies below it is seen.
        return {
            "symbol": "diamond-open",
            "size": 10,
            "color": style.color,
            "line": {"width": 2},
        }
    symbol = _MARKERS[style.number % len(_MARKERS)]
    return {"symbol": symbol, "size": 8, "color": style.color}


def _hover(panel: parts.Panel, series: parts.Series) -> list[str]:
    name = f"<b>{_safe(marks.title(series))}</b>"
    found = []
    for x, y, error in zip(
        series.x, series.y, marks.errors(series), strict=True
    ):
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
    x_axis = {"type": "log" if is_log else "linear", "zeroline": False}
    y_axis: dict = {"rangemode": "tozero" if panel.from_zero else "normal"}
    height = _HEIGHT
    if panel.kind in ("dots", "heat"):
        last = len(panel.words) - 0.5
        y_axis = {**_words(panel.words), "range": [last, -0.5]}
        height = max(
            _HEIGHT if panel.kind == "heat" else 150,
            90 + _ROW * len(panel.words),
        )
    if panel.kind == "heat":
        x_axis = _words(panel.columns)
    return {
        "height": height,
        "margin": {"l": 50, "r": 12, "t": 30, "b": 40},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {**x_axis, "title": {"text": _lines(panel.x_label)}},
        "yaxis": {
            **y_axis,
            "zeroline": False,
            "title": {"text": _lines(panel.y_label)},
        },
    }


def _words(names: Iterable[str]) -> dict:
    names = list(names)
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [_lines(name) for name in names],
        "showgrid": False,
    }


def _heat(objects, panel: parts.Panel):
    texts = formatting.heat(panel.values)
    hover = [
        [
            f"{_safe(panel.x_label)} {_safe(x)}, {_safe(panel.y_label)} "
            f"{_safe(y)}<br>{_safe(panel.title)}: {text or '—'}"
            for x, text in zip(panel.columns, line, strict=True)
        ]
        for y, line in zip(panel.words, texts, strict=True)
    ]
    return objects.Heatmap(
        z=panel.values,
        text=texts,
        texttemplate="%{text}",
        hovertext=hover,
        hoverinfo="text",
        colorscale="Viridis",
        xgap=1,
        ygap=1,
        colorbar={"thickness": 12, "outlinewidth": 0},
    )


def _lines(text: str) -> str:
    found = textwrap.wrap(plain.name(text), _WORD, break_long_words=False)
    return "<br>".join(map(_safe, found))


def _safe(text: str) -> str:
    # Plotly reads some HTML in its labels.
    text = plain.name(text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(value):
    """Returns lists, dictionaries, texts and numbers; nan is `None`."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
