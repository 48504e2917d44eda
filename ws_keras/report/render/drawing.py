"""Charts as PNG and SVG files, drawn by Matplotlib."""

import pathlib
import warnings

import numpy as np

from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import charts
from ws_keras.report.render import heatmap
from ws_keras.report.render import palette
from ws_keras.storage import files

DPI = 150
LINES = ("-", "--", ":", "-.")
# No diamond: that is the paper's.
MARKERS = ("o", "s", "^", "v", "X")
HATCHES = ("", "//", "..", "xx", "\\\\")
_PAPER = {
    "linestyle": "",
    "marker": "D",
    "markersize": 5.5,
    "markerfacecolor": "none",
    "color": "#444444",
}
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "hatch.color": "white",
    "legend.frameon": False,
    "font.size": 10,
    # A name with dollar signs is a name.
    "text.parse_math": False,
    # The same chart gives the same file, byte for byte.
    "svg.hashsalt": "ws_keras",
}
_COLUMNS = 3  # of panels; a page shrinks more of them until nobody reads them
_MANY = 8  # bands; more of them hide each other
_POINTS = 40  # markers of a line
_LETTER = 0.075  # width of a letter in inches
_NARROW = 0.45  # inches; words that have less stand upright
_SMALL_LETTER = 0.065  # in a legend


def draw(
    chart: parts.Chart,
    folder: pathlib.Path,
    styles: dict[str, palette.Style] | None = None,
) -> list[pathlib.Path]:
    """Draws a chart as PNG and as SVG.

    A line bridges what is unknown; the first row of a heat map is at its top
    and its unknown cells are hatched.

    Example:

    ```python
    paths = drawing.draw(chart, folder, palette.styles(sections))
    ```

    Args:
        chart: What to draw.
        folder: Where to; made where it does not exist.
        styles: What `palette.styles` returns of the whole report. Defaults
            to the styles of this chart alone.

    Returns:
        Paths of the PNG and the SVG file.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    matplotlib = _import_matplotlib()
    if styles is None:
        styles = palette.of_charts([chart])
    stem = charts.stem(chart)
    paths = [folder / f"{stem}{end}" for end in (".png", ".svg")]
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure = _figure(matplotlib, chart, styles)
        with files.at_once(paths[0]) as file:
            figure.savefig(file, format="png", dpi=DPI)
        with files.at_once(paths[1]) as file:
            figure.savefig(file, format="svg", metadata={"Date": None})
    return paths


def _import_matplotlib():
    try:
        import matplotlib.figure
        import matplotlib.lines
        import matplotlib.patches
        import matplotlib.ticker
    except ImportError:
        raise ImportError(
            "Figures need matplotlib. Install it with "
            "`pip install 'ws_keras[report]'`."
        ) from None
    return matplotlib


def _figure(matplotlib, chart: parts.Chart, styles: dict):
    # Two rows of two rather than three panels and one.
    count = len(chart.panels)
    columns = 2 if count == 4 else min(count, _COLUMNS)
    lines = -(-count // columns)
    width = max(6.4, columns * max(map(_width, chart.panels)))
    entries = charts.legend(chart)
    ncols = _legend_columns(entries, width)
    below = 0.19 * -(-len(entries) // ncols)
    # Figure rather than pyplot: no window system, no global state.
    figure = matplotlib.figure.Figure(
        figsize=(width, lines * max(map(_height, chart.panels)) + below),
        layout="constrained",
    )
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, ax in zip(chart.panels, axes, strict=False):
        _panel(matplotlib, ax, panel, styles)
    for ax in axes[count:]:
        ax.remove()
    if chart.title:
        figure.suptitle(
            plain.wrapped(chart.title, width / _LETTER), fontsize=11
        )
    if entries:
        figure.legend(
            [_handle(matplotlib, chart, s, styles) for s in entries.values()],
            [_legible(name) for name in entries],
            loc="outside lower center",
            ncols=ncols,
            fontsize=9,
        )
    return figure


def _width(panel: parts.Panel) -> float:
    series = len({s.name for s in panel.series if not s.is_paper})
    words = len(charts.words(panel))
    bars = 0.12 * series * words if panel.kind == "bars" else 0
    return min(max(4.2, 0.25 * words, bars, 0.5 * len(panel.x) + 1.8), 13.0)


def _height(panel: parts.Panel) -> float:
    names = charts.words(panel)
    upright = 0.0
    if names and _room(panel, names) < _NARROW:
        upright = _LETTER * min(max(map(len, names)), 40)
    return min(max(3.5 + upright, 0.3 * len(panel.y) + 1.2), 13.0)


def _room(panel: parts.Panel, names: list[str]) -> float:
    """Returns the inches for a word below the x axis."""
    return 0.85 * _width(panel) / len(names)


def _legend_columns(entries: dict, width: float) -> int:
    longest = max((len(_legible(name)) for name in entries), default=0)
    fitting = max(1, int(width / (longest * _SMALL_LETTER + 0.6)))
    # As many in the last line as in the others.
    lines = max(1, -(-len(entries) // fitting))
    return max(1, -(-len(entries) // lines))


def _panel(matplotlib, ax, panel: parts.Panel, styles: dict) -> None:
    ax.set_xlabel(plain.wrapped(panel.x_label))
    ax.set_ylabel(plain.wrapped(panel.y_label))
    if panel.kind == "heat":
        heatmap.draw(matplotlib, ax, panel, _width(panel))
        return
    ax.set_title(plain.wrapped(panel.title), fontsize=10)
    if charts.is_log(panel):
        ax.set_xscale("log")
        # The usual labels of this axis are formulas.
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    places, width = charts.places(panel)
    names = [series.name for series in panel.series]
    for series, x in zip(panel.series, places, strict=True):
        style = styles[series.arm]
        if series.is_paper:
            _paper(ax, series, x, style)
        elif panel.kind == "bars":
            _bars(ax, series, x, width, style)
        elif panel.kind == "points":
            _points(ax, series, x, style)
        else:
            _line(ax, series, x, style, names)
    _words(ax, panel)
    if panel.from_zero:
        ax.set_ylim(bottom=ax.get_ylim()[0] if _below(panel) else 0)


def _line(ax, series, x, style: palette.Style, names: list[str]) -> None:
    x, y, error = _known(x, series.y, charts.errors(series))
    # Seeds of one arm share a name.
    is_thin = names.count(series.name) > 1
    ax.plot(
        x,
        y,
        color=style.color,
        linestyle=LINES[style.number % len(LINES)],
        linewidth=0.9 if is_thin else 1.5,
        marker=_marker(style) if len(x) <= _POINTS and not is_thin else "",
        markersize=3.5 if len(x) < 12 else 2,
    )
    error = np.nan_to_num(error)
    if error.any():
        alpha = 0.2 if len(names) <= _MANY else 0.08
        ax.fill_between(
            x, y - error, y + error, color=style.color, alpha=alpha, lw=0
        )


def _points(ax, series, x, style: palette.Style) -> None:
    x, y, error = _known(x, series.y, charts.errors(series))
    ax.errorbar(
        x,
        y,
        np.nan_to_num(error) if np.isfinite(error).any() else None,
        linestyle="",
        color=style.color,
        marker=_marker(style),
        markersize=5,
        elinewidth=1,
        capsize=2,
    )


def _bars(ax, series, x, width: float, style: palette.Style) -> None:
    x, y, error = _known(x, series.y, charts.errors(series))
    ax.bar(
        x,
        y,
        width * 0.92,
        yerr=np.nan_to_num(error) if np.isfinite(error).any() else None,
        color=style.color,
        hatch=HATCHES[style.number % len(HATCHES)],
        error_kw={"elinewidth": 1, "capsize": 2, "ecolor": "#444444"},
    )


def _paper(ax, series, x, style: palette.Style) -> None:
    x, y, error = _known(x, series.y, charts.errors(series))
    # On a bar of its own color a diamond would not be seen.
    is_on_bar = bool(ax.patches)
    drawn = {**_PAPER, "color": _PAPER["color"] if is_on_bar else style.color}
    if is_on_bar:
        drawn["markerfacecolor"] = "white"
    ax.errorbar(
        x,
        y,
        np.nan_to_num(error) if np.isfinite(error).any() else None,
        elinewidth=1,
        capsize=2,
        zorder=3,
        **drawn,
    )


def _words(ax, panel: parts.Panel) -> None:
    names = charts.words(panel)
    if not names:
        return
    room = _room(panel, names)
    is_narrow = room < _NARROW
    width = 40 if is_narrow else max(8, room / _LETTER)
    shown = [plain.wrapped(name, width) for name in names]
    longest = max(len(line) for name in shown for line in name.split("\n"))
    turned = {}
    if longest * _LETTER > room:
        turned = {"rotation": 90} if is_narrow else heatmap.TURNED
    ax.set_xticks(range(len(names)), shown, **turned)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.grid(axis="x", visible=False)


def _handle(matplotlib, chart, series, styles: dict):
    """A legend's own mark, since its entry may stand for several series."""
    style = styles[series.arm]
    if series.is_paper:
        return matplotlib.lines.Line2D([], [], **_PAPER)
    kind = charts.kind(chart, series)
    if kind == "bars":
        hatch = HATCHES[style.number % len(HATCHES)]
        return matplotlib.patches.Patch(fc=style.color, hatch=hatch, lw=0)
    line = LINES[style.number % len(LINES)] if kind == "lines" else ""
    return matplotlib.lines.Line2D(
        [],
        [],
        color=style.color,
        linestyle=line,
        marker=_marker(style),
        markersize=4,
    )


def _marker(style: palette.Style) -> str:
    return MARKERS[style.number % len(MARKERS)]


def _known(x, y, error) -> tuple[np.ndarray, ...]:
    """Drops points without a value, so that a line bridges what is unknown."""
    known = np.isfinite(np.array(y, float))
    return tuple(np.array(v, float)[known] for v in (x, y, error))


def _below(panel: parts.Panel) -> bool:
    return any(y < 0 for series in panel.series for y in series.y)


def _legible(name: str) -> str:
    name = plain.name(name)
    # Matplotlib leaves out names that begin with an underscore.
    return f" {name}" if name.startswith("_") else name
