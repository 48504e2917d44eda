"""Sections as one HTML page that opens from the disk, without a network."""

import base64
import functools
import hashlib
import math
import pathlib
import re
from collections.abc import Sequence

from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import figures
from ws_keras.report.render import marks
from ws_keras.report.render import palette

# The markers of Plotly as letters of the legend.
_MARKS = {
    "circle": "●",
    "square": "■",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "x": "✕",
    "diamond-open": "◇",
}
_FOLDER = pathlib.Path(__file__).parent
_MISSING = (
    "The HTML page needs plotly and jinja2. Install them with "
    "`pip install 'ws_keras[report]'`."
)


def render(title: str, sections: Sequence[parts.Section]) -> str:
    """Returns a report as one page.

    It holds all it needs, plotly.js for its charts included, which makes it
    about 5 MB (a page without charts: 10 kB), and forbids itself the network.
    Names and texts are data: markup in them is shown letter by letter. The
    same sections give the same page.

    Example:

    ```python
    path.write_text(html.render("fig2_online", [section]), encoding="utf8")
    ```

    Args:
        title: Heading of the page.
        sections: What it says, in order.

    Returns:
        HTML, to be written as UTF-8.

    Raises:
        ImportError: Jinja or, for charts, Plotly is not installed.
    """
    template = _environment().get_template("page.html.jinja")
    sections = list(sections)
    styles = palette.styles(sections)
    # The library only where it is used; our own script sorts tables as well.
    scripts = [_plotly()] if parts.charts(sections) else []
    scripts.append(_packaged("page.js"))
    return template.render(
        title=plain.cell(title),
        sections=sections,
        scripts=scripts,
        hashes=[_digest(script) for script in scripts],
        style=_packaged("page.css"),
        kind_of=parts.kind,
        figures=lambda chart: figures.figures(chart, styles),
        legend=lambda chart: _legend(chart, styles),
        numeric=_numeric,
        value=_value,
        numbers=marks.numbers,
        name=plain.name,
        text=formatting.text,
        joined=_joined,
    )


def _legend(chart: parts.Chart, styles: dict[str, palette.Style]) -> list:
    return [
        {
            "name": plain.name(name),
            "color": palette.PAPER
            if series.is_paper
            else styles[series.arm].color,
            "mark": _MARKS[
                figures.marker(series, styles[series.arm])["symbol"]
            ],
        }
        for name, series in marks.legend(chart, has_all=True).items()
    ]


def _numeric(table: parts.Table) -> list[bool]:
    columns = zip(table.header, *table.lines, strict=True)
    return [formatting.is_numeric(column[1:]) for column in columns]


def _value(cell: parts.Cell) -> str:
    """Returns the number that sorts a cell, empty where it has none."""
    found = formatting.order(cell)
    return repr(found) if math.isfinite(found) else ""


@functools.cache
def _environment():
    try:
        import jinja2
    except ImportError:
        raise ImportError(_MISSING) from None
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_cleaned,
    )


def _joined(text: str) -> str:
    """Returns a text whose lines do not break in `5 %` and `n = 5`."""
    inside = r"(?<=\w) (?=%)|(?<=\bn) (?==)|(?<=\bn =) (?=\d)"
    return re.sub(inside, "\u00a0", text)


def _cleaned(value):
    # Markup has been cleaned already, or is ours.
    return value if hasattr(value, "__html__") else plain.clean(str(value))


def _digest(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return base64.b64encode(digest).decode()


@functools.cache
def _packaged(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf8")


@functools.cache
def _plotly() -> str:
    try:
        from plotly import offline
    except ImportError:
        raise ImportError(_MISSING) from None
    return offline.get_plotlyjs()
