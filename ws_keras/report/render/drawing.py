"""Charts as PNG files, drawn by Matplotlib, for pages without scripts."""

import pathlib
import warnings

import numpy as np

from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import marks
from ws_keras.report.render import palette
from ws_keras.storage import files

DPI = 150
LINES = ("-", "--", ":", "-.")
# No diamond: that is the paper's.
MARKERS = ("o", "s", "^", "v", "X")
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    # Of a figure that a page shows at half of its size.
    "font.size": 12,
    # A name with dollar signs is a name.
    "text.parse_math": False,
}
_COLUMNS = 2  # of panels; a page shrinks more of them until nobody reads them
_PANEL = (4.6, 3.6)  # inches
_POINTS = 40  # markers of a line
_LETTER = 0.09  # width of a letter in inches
_ROW = 0.34  # inches of a row of dots or of a heat map
_TALLEST = 13.0  # inches
_WORD = 24  # letters of a line


def draw(
    chart: parts.Chart,
    folder: pathlib.Path,
    styles: dict[str, palette.Style] | None = None,
) -> pathlib.Path:
    """Draws a chart as PNG.

    A line bridges what is unknown; the first row of a heat map is at its top
    and its unknown cells are hatched.

    Example:

    ```python
    path = drawing.draw(chart, folder, palette.styles(sections))
    ```

    Args:
        chart: What to draw.
        folder: Where to; made where it does not exist.
        styles: What `palette.styles` returns of the whole report. Defaults
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
    columns = min(count, _COLUMNS)
    lines = -(-count // columns)
    width = max(7.0, columns * _PANEL[0])
    entries = marks.legend(chart)
    ncols = _legend_columns(entries, width)
    below = 0.26 * -(-len(entries) // ncols) + 0.3
    height = lines * max(map(_height, chart.panels)) + below
    # Figure rather than pyplot: no window system, no global state.
    figure = matplotlib.figure.Figure((width, height), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, ax in zip(chart.panels, axes, strict=False):
        _panel(matplotlib, ax, panel, styles)
    for ax in axes[count:]:
        ax.remove()
    figure.suptitle(plain.wrapped(chart.title, width / _LETTER), fontsize=13)
    if entries:
        figure.legend(
            [_handle(matplotlib, s, styles) for s in entries.values()],
            [_legible(name) for name in entries],
            loc="outside lower center",
            ncols=ncols,
        )
    return figure


def _height(panel: parts.Panel) -> float:
    rows = _ROW * len(panel.words) + 1.4
    if panel.kind == "dots":
        return min(rows, _TALLEST)
    return min(max(_PANEL[1], rows), _TALLEST)


def _legend_columns(entries: dict, width: float) -> int:
    longest = max((len(_legible(name)) for name in entries), default=0)
    fitting = max(1, int(width / (longest * _LETTER + 0.7)))
    # As many in the last line as in the others.
    lines = max(1, -(-len(entries) // fitting))
    return max(1, -(-len(entries) // lines))


def _panel(matplotlib, ax, panel: parts.Panel, styles: dict) -> None:
    ax.set_xlabel(plain.wrapped(panel.x_label))
    ax.set_ylabel(plain.wrapped(panel.y_label))
    ax.set_title(plain.wrapped(panel.title), fontsize=12)
    if panel.kind == "heat":
        _heat(matplotlib, ax, panel)
        return
    if panel.is_log and all(x > 0 for s in panel.series for x in s.x):
        ax.set_xscale("log")
        # The usual labels of this axis are formulas.
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    for series in panel.series:
        _series(ax, panel, series, styles[series.arm])
    if panel.kind == "dots":
        ax.set_yticks(range(len(panel.words)), list(map(_word, panel.words)))
        ax.set_ylim(len(panel.words) - 0.5, -0.5)
    elif panel.from_zero:
        ax.set_ylim(bottom=0)


def _series(ax, panel: parts.Panel, series, style: palette.Style) -> None:
    x, y, error = _known(
        series.x, marks.heights(panel, series), marks.errors(series)
    )
    is_labelled = panel.kind == "labelled"
    if is_labelled and len(x) > 1:
        ax.plot(x, y, color=palette.PAPER, linestyle=":", linewidth=1)
        return
    is_line = panel.kind == "lines" and not series.is_paper
    marker = MARKERS[style.number % len(MARKERS)]
    if is_line:
        ax.plot(
            x,
            y,
            color=style.color,
            linestyle=LINES[style.number % len(LINES)],
            linewidth=1.8,
            marker=marker if len(x) <= _POINTS else "",
            markersize=5,
        )
        ax.fill_between(
            x, y - error, y + error, color=style.color, alpha=0.2, lw=0
        )
        return
    along = "xerr" if panel.kind == "dots" else "yerr"
    ax.errorbar(
        x,
        y,
        **{along: error if error.any() else None},
        linestyle="",
        color=style.color,
        marker="D" if series.is_paper else marker,
        markersize=7,
        markerfacecolor="none" if series.is_paper else style.color,
        elinewidth=1,
        capsize=2,
        zorder=3 if series.is_paper else 2,
    )
    if is_labelled and len(x):
        ax.annotate(
            plain.name(series.name),
            (x[0], y[0]),
            (0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )


def _heat(matplotlib, ax, panel: parts.Panel) -> None:
    values = np.array(panel.values, float)
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(values),
        cmap="viridis",
        edgecolors="white",
        linewidth=1,
    )
    for row, column in zip(*np.nonzero(~np.isfinite(values)), strict=True):
        ax.add_patch(
            matplotlib.patches.Rectangle(
                (column, row), 1, 1, fc="#EEEEEE", ec="#BBBBBB", hatch="//"
            )
        )
    ax.set_xticks(
        np.arange(len(panel.columns)) + 0.5, list(map(_word, panel.columns))
    )
    ax.set_yticks(
        np.arange(len(panel.words)) + 0.5, list(map(_word, panel.words))
    )
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.tick_params(length=0)
    _numbers(ax, mesh, panel)


def _numbers(ax, mesh, panel: parts.Panel) -> None:
    texts = formatting.heat(panel.values)
    longest = max((len(text) for line in texts for text in line), default=1)
    room = 72 * (_PANEL[0] - 1) / max(len(panel.columns), 1)  # points
    size = min(10, room / (0.7 * max(longest, 1)))
    # Smaller letters nobody reads; the table has the numbers.
    if size < 5:
        return
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            r, g, b, _ = mesh.to_rgba(panel.values[row][column])
            is_bright = 0.299 * r + 0.587 * g + 0.114 * b > 0.5
            ax.text(
                column + 0.5,
                row + 0.5,
                text,
                ha="center",
                va="center",
                fontsize=size,
                color="black" if is_bright else "white",
            )


def _handle(matplotlib, series, styles: dict):
    """A legend's own mark, since its entry may stand for several series."""
    style = styles[series.arm]
    return matplotlib.lines.Line2D(
        [],
        [],
        color=palette.PAPER if series.is_paper else style.color,
        linestyle="",
        marker="D" if series.is_paper else MARKERS[style.number % len(MARKERS)],
        markersize=7,
        markerfacecolor="none" if series.is_paper else style.color,
    )


def _known(x, y, error) -> tuple[np.ndarray, ...]:
    """Drops points without a value, so that a line bridges what is unknown."""
    known = np.isfinite(np.array(y, float)) & np.isfinite(np.array(x, float))
    x, y, error = (np.array(v, float)[known] for v in (x, y, error))
    return x, y, np.nan_to_num(error)


def _word(name: str) -> str:
    return plain.wrapped(name, _WORD)


def _legible(name: str) -> str:
    name = plain.name(name)
    # Matplotlib leaves out names that begin with an underscore.
    return f" {name}" if name.startswith("_") else name
