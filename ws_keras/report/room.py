"""Which names fit beside the points of a chart."""

from collections.abc import Sequence

# Of the ranges of x and y: between points with names, half the width of a
# letter, and the height of a name above its point.
_ROOM, _LETTER, _ABOVE = (0.1, 0.04), 0.004, 0.09


def names(
    points: dict[str, tuple[float, float]], wanted: Sequence[str]
) -> tuple[str, ...]:
    """Returns the names that can be written above their points.

    They hide neither each other nor another point.

    Args:
        points: From name to x and y.
        wanted: Names, the most important one first.
    """
    if not points:
        return ()
    columns = zip(*points.values(), strict=True)
    width, height = (max(ends) - min(ends) or 1.0 for ends in columns)
    found = []
    for name in dict.fromkeys(n for n in wanted if n in points):
        x, y = points[name]
        apart = {
            other: ((a - x) / width, (b - y) / height)
            for other, (a, b) in points.items()
            if other != name
        }
        near = [
            abs(dx) <= _ROOM[0] and abs(dy) <= _ROOM[1]
            for dx, dy in map(apart.get, found)
        ]
        hidden = [
            abs(dx) < _LETTER * len(name) and 0 <= dy < _ABOVE
            for dx, dy in apart.values()
        ]
        if not any(near + hidden):
            found.append(name)
    return tuple(found)
