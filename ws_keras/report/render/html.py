"""Sections as one HTML page that opens from the disk, without a network."""

import base64
import functools
import hashlib
import json
import math
import pathlib
from collections.abc import Iterable
from xml.etree import ElementTree

from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import charts
from ws_keras.report.render import palette

_FOLDER = pathlib.Path(__file__).parent
_CONTENTS = 4  # sections that need a table of contents
# What HTML may read as the end of a script or of a line of it.
_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
_NO_SCRIPT = (
    "Drawing the charts and sorting the tables takes JavaScript. The numbers "
    "of each chart are in the tables below it."
)


def render(title: str, sections: Iterable[parts.Section]) -> str:
    """Returns a report as one page.

    It holds all it needs, plotly.js for its charts included, which makes it
    about 5 MB (a page without charts: 10 kB), and forbids itself the network.
    Names and texts are data: whatever stands in them is shown letter by
    letter. The same sections give the same page.

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
        ImportError: There are charts and Plotly is not installed.
    """
    sections = list(sections)
    styles = palette.styles(sections)
    # The library only where it is used; our own script sorts tables as well.
    scripts = [_plotly()] if _has_charts(sections) else []
    scripts.append(_packaged("page.js"))
    page = ElementTree.Element("html", lang="en")
    _head(page, title, scripts)
    body = _add(page, "body")
    _add(_add(body, "header"), "h1", plain.cell(title))
    _add(_add(body, "noscript"), "p", _NO_SCRIPT)
    if len(sections) >= _CONTENTS:
        _contents(body, sections)
    main = _add(body, "main")
    for number, section in enumerate(sections, 1):
        _section(main, section, number, styles)
    for script in scripts:
        _raw(body, "script", script)
    text = ElementTree.tostring(page, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n"


def payload(chart: parts.Chart, styles: dict[str, palette.Style]) -> dict:
    """Returns what the page's script draws a chart from.

    Args:
        chart: The chart.
        styles: What `palette.styles` returns of the whole report.

    Returns:
        Lists, dictionaries, texts and numbers; null for what is not finite.
    """
    entries = charts.legend(chart)
    return {
        "name": plain.name(chart.name),
        "legend": [
            {
                "name": plain.name(name),
                "kind": charts.kind(chart, series),
                "isPaper": series.is_paper,
                **_style(styles[series.arm]),
            }
            for name, series in entries.items()
        ],
        "panels": [
            _heat(panel)
            if panel.kind == "heat"
            else _panel(chart, panel, list(entries), styles)
            for panel in chart.panels
        ],
    }


def _panel(chart, panel: parts.Panel, entries: list, styles: dict) -> dict:
    places, width = charts.places(panel)
    return {
        "kind": panel.kind,
        **_labels(panel),
        "isLog": charts.is_log(panel),
        "fromZero": panel.from_zero,
        "words": list(map(plain.name, charts.words(panel))),
        "width": width,
        "series": [
            {
                "name": plain.name(charts.title(series)),
                "entry": entries.index(charts.entry(chart, series)),
                "x": _finite(x),
                "y": _finite(series.y),
                "error": _finite(series.error),
                "isPaper": series.is_paper,
                **_style(styles[series.arm]),
            }
            for series, x in zip(panel.series, places, strict=True)
        ],
    }


def _heat(panel: parts.Panel) -> dict:
    return {
        "kind": "heat",
        **_labels(panel),
        "unit": plain.name(panel.title),
        "x": list(map(plain.name, panel.x)),
        "y": list(map(plain.name, panel.y)),
        "values": list(map(_finite, panel.values)),
        "texts": plain.cells(panel.values),
    }


def _labels(panel: parts.Panel) -> dict:
    return {
        "xLabel": plain.name(panel.x_label),
        "yLabel": plain.name(panel.y_label),
    }


def _style(style: palette.Style) -> dict:
    colors = [style.color, style.dark_color]
    return {"colors": colors, "number": style.number}


def _finite(values: Iterable[float]) -> list[float | None]:
    found = map(float, values)
    return [value if math.isfinite(value) else None for value in found]


def _head(page, title: str, scripts: list[str]) -> None:
    head = _add(page, "head")
    _add(head, "meta", charset="utf-8")
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # Nothing is fetched, and no script runs but those that stand here. Plotly
    # makes style sheets, and pictures of heat maps.
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    _add(
        head,
        "meta",
        **{"http-equiv": "Content-Security-Policy", "content": policy},
    )
    view = "width=device-width, initial-scale=1"
    _add(head, "meta", name="viewport", content=view)
    _add(head, "meta", name="color-scheme", content="light dark")
    _add(head, "title", plain.cell(title))
    _raw(head, "style", _packaged("page.css"))


def _contents(body, sections: list[parts.Section]) -> None:
    nav = _add(body, "nav", **{"aria-label": "Contents"})
    found = _add(nav, "ol")
    for number, section in enumerate(sections, 1):
        _add(
            _add(found, "li"),
            "a",
            plain.cell(section.title),
            href=f"#s{number}",
        )


def _section(main, section: parts.Section, number: int, styles: dict) -> None:
    name = f"s{number}"
    found = _add(main, "section", **{"aria-labelledby": name})
    _add(found, "h2", plain.cell(section.title), id=name)
    for block in section.blocks:
        match block:
            case parts.Text():
                _add(found, "p", block.text)
            case parts.Code():
                _add(_add(found, "pre", tabindex="0"), "code", block.text)
            case parts.Table():
                _table(found, block)
            case parts.Chart():
                _chart(found, block, styles)
            case _:
                raise TypeError(
                    "`blocks` must hold `Text`, `Code`, `Table` or `Chart`. "
                    f"Received: {type(block).__name__}."
                )


def _table(parent, table: parts.Table) -> None:
    # On a phone the table scrolls, not the page; by keyboard as well.
    box = _add(parent, "div", tabindex="0", role="region")
    box.set("class", "table")
    box.set("aria-label", plain.name(table.title) or "Table")
    found = _add(box, "table")
    if table.title:
        _add(found, "caption", plain.cell(table.title))
    columns = list(zip(table.header, *table.lines, strict=True))
    numeric = [plain.is_numeric(column[1:]) for column in columns]
    line = _add(_add(found, "thead"), "tr")
    for text, is_number in zip(table.header, numeric, strict=True):
        cell = _add(line, "th", plain.cell(text), scope="col")
        if is_number:
            cell.set("class", "number")
    body = _add(found, "tbody")
    for texts in table.lines:
        _line(_add(body, "tr"), texts, numeric)
    if table.note:
        _add(parent, "p", table.note).set("class", "note")


def _line(parent, texts: tuple[str, ...], numeric: list[bool]) -> None:
    for place, text in enumerate(texts):
        if place:
            cell = _add(parent, "td", plain.cell(text))
        else:
            cell = _add(parent, "th", plain.cell(text), scope="row")
        if not numeric[place]:
            continue
        cell.set("class", "number")
        value = plain.number(text)
        if math.isfinite(value):
            cell.set("data-value", repr(value))


def _chart(parent, chart: parts.Chart, styles: dict) -> None:
    found = _add(parent, "figure")
    found.set("class", "chart")
    _add(found, "figcaption", plain.cell(chart.title))
    panels = _add(found, "div")
    panels.set("class", "panels")
    for panel in chart.panels:
        box = _add(panels, "div")
        box.set("class", "panel")
        if panel.title:
            _add(box, "p", plain.cell(panel.title))
        names = [chart.title, panel.title, panel.y_label]
        label = f"Chart: {', '.join(filter(None, names))}"
        plot = _add(box, "div", role="img")
        plot.set("class", "plot")
        plot.set("aria-label", plain.cell(label))
    details = _add(found, "details")
    _add(details, "summary", "Numbers of this chart")
    for panel in chart.panels:
        _table(details, charts.numbers(panel))
    text = json.dumps(payload(chart, styles), allow_nan=False)
    script = _raw(found, "script", text.translate(_IN_SCRIPT))
    script.set("type", "application/json")


def _has_charts(sections: list[parts.Section]) -> bool:
    return any(
        isinstance(block, parts.Chart)
        for section in sections
        for block in section.blocks
    )


def _add(parent, tag: str, text: str = "", **attributes: str):
    child = ElementTree.SubElement(parent, tag, attributes)
    child.text = plain.clean(text) or None
    child.tail = "\n"
    return child


def _raw(parent, tag: str, text: str):
    """Adds a script or a style, whose text HTML knows no way to escape."""
    child = ElementTree.SubElement(parent, tag)
    child.text = text
    child.tail = "\n"
    return child


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
        raise ImportError(
            "The HTML page needs plotly. Install it with "
            "`pip install 'ws_keras[report]'`."
        ) from None
    return offline.get_plotlyjs()
