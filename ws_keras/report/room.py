"""Where names fit beside the points of a chart.

A greedy placement (Christensen, Marks & Shieber 1995): each name takes the
first side of its point on which it hides nothing.
"""

import math
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

# Of the width and the height of the axes: what is free around the points.
_MARGINS = (0.06, 0.1)
# The size of a letter, half of a marker, half of a bar, and the distance of a
# name from its point: above it, beside it, and at a corner.
_LETTER = (0.0092, 0.045)
_MARKER = (0.007, 0.018)
_BAR = 0.004
_ABOVE, _BESIDE, _CORNER = 0.022, 0.012, (0.004, 0.012)
# Sides in Plotly's words, the best one first.
SIDES = (
    "top center",
    "middle right",
    "middle left",
    "top right",
    "top left",
    "bottom right",
    "bottom left",
    "bottom center",
)


class _Box(NamedTuple):
    left: float
    right: float
    low: float
    high: float

    def hides(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.low < other.high
            and other.low < self.high
        )


def frame(
    points: Iterable[tuple[float, float, float]],
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Returns the ends of both axes, with room for names at the margins.

    Args:
        points: Triples of x, y and the half of an error bar, which may be nan.
    """
    x, low, high = zip(
        *((x, y - _half(e), y + _half(e)) for x, y, e in points), strict=True
    )
    beside, above = _MARGINS
    return (
        _widened((min(x), max(x)), beside),
        _widened((min(low), max(high)), above),
    )


def names(
    points: Mapping[str, tuple[float, float, float]],
    wanted: Sequence[str],
    line: Sequence[tuple[float, float]] = (),
) -> dict[str, str]:
    """Returns the names that can be written beside their points.

    They hide no point, no error bar, no other name and no part of the line.

    Args:
        points: From name to x, y and the half of an error bar, which is nan
            if there is none.
        wanted: Names, the most important one first.
        line: Points x, y of a line. Defaults to none.

    Returns:
        From name to one of `SIDES`.
    """
    if not points:
        return {}
    ends = frame(points.values())
    line = [_scaled(point, ends) for point in line]
    wanted = [name for name in dict.fromkeys(wanted) if name in points]
    taken = [box for point in points.values() for box in _marks(point, ends)]
    found = {}
    for name in wanted:
        at = _scaled(points[name][:2], ends)
        for side in SIDES:
            box = _text(name, at, side)
            is_free = not any(map(box.hides, taken))
            if is_free and _is_inside(box) and not _is_crossed(box, line):
                found[name] = side
                taken.append(box)
                break
    return found


def _half(error: float) -> float:
    return error if math.isfinite(error) else 0.0


def _widened(ends: tuple[float, float], margin: float) -> tuple[float, float]:
    """Returns the ends of an axis whose margins are fractions of all of it."""
    low, high = ends
    length = (high - low) or abs(high) or 1.0
    more = length * margin / (1 - 2 * margin)
    return low - more, high + more


def _scaled(point, ends) -> tuple[float, float]:
    return tuple(
        (value - low) / (high - low)
        for value, (low, high) in zip(point, ends, strict=True)
    )


def _marks(point, ends) -> list[_Box]:
    """Returns the boxes of a marker and its error bar."""
    x, y, error = point
    at, y = _scaled((x, y), ends)
    width, height = _MARKER
    found = [_Box(at - width, at + width, y - height, y + height)]
    if _half(error):
        half = error / (ends[1][1] - ends[1][0])
        found.append(_Box(at - _BAR, at + _BAR, y - half, y + half))
    return found


def _text(name: str, point: tuple[float, float], side: str) -> _Box:
    """Returns the box of a name on one side of its point."""
    (x, y), (up, across) = point, side.split()
    width, height = _LETTER[0] * len(name), _LETTER[1]
    near, above = _CORNER
    if across == "center":
        x, above = x - width / 2, _ABOVE
    else:
        near = _BESIDE if up == "middle" else near
        x = x + near if across == "right" else x - near - width
    low = {
        "top": y + above,
        "middle": y - height / 2,
        "bottom": y - above - height,
    }[up]
    return _Box(x, x + width, low, low + height)


def _is_inside(box: _Box) -> bool:
    return min(box.left, box.low) >= 0 and max(box.right, box.high) <= 1


def _is_crossed(box: _Box, line: Sequence[tuple[float, float]]) -> bool:
    """Whether a segment of a line goes through a box (Liang & Barsky 1984)."""
    for (x, y), (to_x, to_y) in zip(line, line[1:], strict=False):
        first, last = 0.0, 1.0
        for start, step, low, high in (
            (x, to_x - x, box.left, box.right),
            (y, to_y - y, box.low, box.high),
        ):
            if not step:
                if not low < start < high:
                    first = 2.0
                continue
            begin, end = sorted(((low - start) / step, (high - start) / step))
            first, last = max(first, begin), min(last, end)
        if first < last:
            return True
    return False
