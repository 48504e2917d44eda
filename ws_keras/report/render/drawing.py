"""Charts as PNG files, drawn by Matplotlib, for pages without scripts."""

import html
import pathlib
import warnings

import numpy as np

from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import figures
from ws_keras.report.render import marks
from ws_keras.report.render import palette
from ws_keras.storage import files

DPI = 150
# What Plotly calls lines and markers, to what Matplotlib calls them.
_LINES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
_MARKERS = {
    "circle": "o",
    "square": "s",
    "triangle-up": "^",
    "triangle-down": "v",
    "x": "X",
    "diamond-open": "D",
}
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    # A page shows the figure at half of its size.
    "font.size": 12,
    # A name with dollar signs is a name.
    "text.parse_math": False,
}
_COLUMNS = 2  # of panels; a page would shrink more of them beyond reading
_PANEL = (4.6, 3.6)  # inches
_LETTER = 0.09  # width of a letter in inches
_TALL = 4.3  # height of a panel with names beside its points, in inches
_ROW = 0.34  # inches of a row of dots or of a heat map
_TALLEST = 13.0  # inches
_WORD = 24  # letters of a line


def draw(
    chart: parts.Chart,
    folder: pathlib.Path,
    styles: dict[str, palette.Style] | None = None,
) -> pathlib.Path:
    """Draws a chart as PNG.

    A line connects the known points on both sides of an unknown one. The
    first row of a heat map is at its top, and its unknown cells are hatched.

    Example:

    ```python
    path = drawing.draw(chart, folder, palette.styles(sections))
    ```

    Args:
        chart: What to draw.
        folder: Folder of the file; made if it does not exist.
        styles: What `palette.styles` returns for the whole report. Defaults
            to the styles of this chart alone.

    Returns:
        Path of the file.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    matplotlib = _import_matplotlib()
    if styles is None:
        styles = palette.styles([chart])
    path = folder / f"{marks.stem(chart)}.png"
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure = _figure(matplotlib, chart, styles)
        with files.at_once(path) as file:
            figure.savefig(file, format="png", dpi=DPI)
    return path


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
    count = len(chart.panels)
    # Names beside points need the width of the page.
    is_wide = any(panel.named for panel in chart.panels)
    columns = min(count, 1 if is_wide else _COLUMNS)
    lines = -(-count // columns)
    width = max(7.0, (2 if is_wide else columns) * _PANEL[0])
    entries = marks.legend(chart)
    ncols = _legend_columns(entries, width)
    below = 0.26 * -(-len(entries) // ncols) + 0.3
    height = lines * max(map(_height, chart.panels)) + below
    # Figure rather than pyplot: no window system, no global state.
    figure = matplotlib.figure.Figure((width, height), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    drawn = zip(chart.panels, figures.figures(chart, styles), strict=True)
    for ax, (panel, found) in zip(axes, drawn, strict=False):
        _panel(matplotlib, ax, panel, found)
    for ax in axes[count:]:
        ax.remove()
    figure.suptitle(plain.wrapped(chart.title, width / _LETTER), fontsize=13)
    if entries:
        figure.legend(
            [_handle(matplotlib, s, styles[s.arm]) for s in entries.values()],
            [_legible(name) for name in entries],
            loc="outside lower center",
            ncols=ncols,
        )
    return figure


def _height(panel: parts.Panel) -> float:
    rows = _ROW * len(panel.words) + 1.4
    least = {"dots": 0.0, "labelled": _TALL}.get(panel.kind, _PANEL[1])
    return min(max(least, rows), _TALLEST)


def _legend_columns(entries: dict, width: float) -> int:
    longest = max((len(_legible(name)) for name in entries), default=0)
    fitting = max(1, int(width / (longest * _LETTER + 0.7)))
    # As many in the last line as in the others.
    lines = max(1, -(-len(entries) // fitting))
    return max(1, -(-len(entries) // lines))


def _panel(matplotlib, ax, panel: parts.Panel, found: dict) -> None:
    """Draws a figure of Plotly; names come from the panel, unescaped."""
    ax.set_xlabel(plain.wrapped(panel.x_label))
    ax.set_ylabel(plain.wrapped(panel.y_label))
    ax.set_title(plain.wrapped(panel.title), fontsize=12)
    words = [plain.wrapped(word, _WORD) for word in panel.words]
    if panel.kind == "heat":
        _heat(matplotlib, ax, panel, found["data"][0], words)
        return
    if found["layout"]["xaxis"]["type"] == "log":
        ax.set_xscale("log")
        # The usual labels of this axis are formulas.
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    for trace in found["data"]:
        _trace(ax, trace)
    if words:
        ax.set_yticks(range(len(words)), words)
        ax.set_ylim(found["layout"]["yaxis"]["range"])
    elif panel.kind == "labelled":
        ax.set_xlim(found["layout"]["xaxis"]["range"])
        ax.set_ylim(found["layout"]["yaxis"]["range"])
    elif panel.from_zero:
        ax.set_ylim(bottom=0)


def _trace(ax, trace: dict) -> None:
    x, y, line = trace["x"], trace["y"], trace["line"]
    if "fill" in trace:
        half = len(x) // 2
        low = y[half:][::-1]
        ax.fill_between(
            x[:half], low, y[:half], color=line["color"], alpha=0.2, lw=0
        )
        return
    is_line = "lines" in trace["mode"]
    has_markers = "markers" in trace["mode"]
    ax.errorbar(
        x,
        y,
        yerr=trace.get("error_y", {}).get("array"),
        xerr=trace.get("error_x", {}).get("array"),
        color=line["color"],
        linestyle=_LINES[line["dash"]] if is_line else "",
        linewidth=0.9 * line["width"],
        **(_marker(trace["marker"]) if has_markers else {}),
        markersize=5 if is_line else 7,
        elinewidth=1,
        capsize=2,
    )
    if "text" in trace["mode"]:
        _name(ax, trace)


def _name(ax, trace: dict) -> None:
    """Writes a name on the side of its point that the trace says."""
    up, across = trace["textposition"].split()
    is_middle, is_center = up == "middle", across == "center"
    dx = {"left": -1, "center": 0, "right": 1}[across] * (7 if is_middle else 3)
    dy = {"bottom": -1, "middle": 0, "top": 1}[up] * (6 if is_center else 3)
    ax.annotate(
        html.unescape(trace["text"]),
        (trace["x"][0], trace["y"][0]),
        (dx, dy),
        textcoords="offset points",
        ha={"left": "right", "center": "center", "right": "left"}[across],
        va={"bottom": "top", "middle": "center", "top": "bottom"}[up],
        fontsize=9,
    )


def _marker(marker: dict) -> dict:
    is_open = marker["symbol"].endswith("-open")
    return {
        "marker": _MARKERS[marker["symbol"]],
        "markerfacecolor": "none" if is_open else marker["color"],
        "zorder": 3 if is_open else 2,
    }


def _heat(matplotlib, ax, panel: parts.Panel, trace: dict, words) -> None:
    values = np.array(panel.values, float)
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(values),
        cmap=trace["colorscale"].lower(),
        edgecolors="white",
        linewidth=1,
    )
    for row, column in zip(*np.nonzero(~np.isfinite(values)), strict=True):
        ax.add_patch(
            matplotlib.patches.Rectangle(
                (column, row), 1, 1, fc="#EEEEEE", ec="#BBBBBB", hatch="//"
            )
        )
    columns = [plain.wrapped(word, _WORD) for word in panel.columns]
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(words)) + 0.5, words)
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.tick_params(length=0)
    _numbers(ax, mesh, values, trace["text"])


def _numbers(ax, mesh, values: np.ndarray, texts: list[list[str]]) -> None:
    """Writes the numbers into the cells of a heat map."""
    longest = max((len(text) for line in texts for text in line), default=1)
    room = 72 * (_PANEL[0] - 1) / max(values.shape[1], 1)  # points
    size = min(10, room / (0.7 * max(longest, 1)))
    # Nobody reads smaller letters; the table has the numbers.
    if size < 5:
        return
    for (row, column), value in np.ndenumerate(values):
        r, g, b, _ = mesh.to_rgba(value)
        is_bright = 0.299 * r + 0.587 * g + 0.114 * b > 0.5
        ax.text(
            column + 0.5,
            row + 0.5,
            texts[row][column],
            ha="center",
            va="center",
            fontsize=size,
            color="black" if is_bright else "white",
        )


def _handle(matplotlib, series: parts.Series, style: palette.Style):
    """Returns the mark of an entry, which may stand for several series."""
    color = palette.PAPER if series.is_paper else style.color
    marker = {**figures.marker(series, style), "color": color}
    return matplotlib.lines.Line2D(
        [], [], color=color, linestyle="", markersize=7, **_marker(marker)
    )


def _legible(name: str) -> str:
    name = plain.name(name)
    # Matplotlib leaves out names that begin with an underscore.
    return f" {name}" if name.startswith("_") else name
