"""Heat maps whose cells say their numbers, drawn by Matplotlib."""

import numpy as np

from ws_keras.report import plain
from ws_keras.report import sections as parts

TURNED = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
_BAR = 1.8  # inches of the bar and the words beside it
_WORD = 24  # letters of a line


def draw(matplotlib, ax, panel: parts.Panel, width: float) -> None:
    """Draws a heat map, its first row at the top, unknown cells hatched.

    Args:
        matplotlib: The package, imported by the caller.
        ax: Where to draw.
        panel: A panel of kind `"heat"`; its title stands at the color bar.
        width: Of the panel, in inches.
    """
    values = np.array(panel.values, float).reshape(len(panel.y), len(panel.x))
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
    _words(ax, panel)
    label = plain.wrapped(panel.title)
    bar = ax.figure.colorbar(mesh, ax=ax, label=label)
    bar.outline.set_visible(False)
    _numbers(ax, mesh, panel, width)


def _words(ax, panel: parts.Panel) -> None:
    x, y = (
        [plain.wrapped(name, _WORD) for name in names]
        for names in (panel.x, panel.y)
    )
    is_long = max(map(len, x), default=0) > 6
    ax.set_xticks(np.arange(len(x)) + 0.5, x, **(TURNED if is_long else {}))
    ax.set_yticks(np.arange(len(y)) + 0.5, y)
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.tick_params(length=0)


def _numbers(ax, mesh, panel: parts.Panel, width: float) -> None:
    texts = plain.cells(panel.values)
    longest = max((len(text) for line in texts for text in line), default=1)
    room = 72 * (width - _BAR) / max(len(panel.x), 1)  # points
    size = min(9, room / (0.7 * max(longest, 1)))
    # Smaller letters nobody reads; the table below has the numbers.
    if size < 4:
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
