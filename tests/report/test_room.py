"""Names in a chart hide no point, no error bar and no other name."""

import math

import numpy as np
import pytest

from ws_keras.report import room
from ws_keras.report import sections
from ws_keras.report.render import drawing
from ws_keras.report.render import palette

NAMES = [
    *("cold", "warm", "fire", "dash-0.3-0.3", "parseval", "norm_reset"),
    *(f"shrink_perturb 0.{n}/0.01" for n in range(1, 10)),
    *(f"last_layer-0.{n}-0.1" for n in range(1, 9)),
]


def drawn(points, named, line):
    """The figure of the points, as Matplotlib has it, with its renderer."""
    found = [sections.Series("frontier", "frontier", *zip(*line, strict=True))]
    for name, (x, y, error) in points.items():
        found.append(sections.Series(name, name, (x,), (y,), (error,)))
    panel = sections.Panel("x", "y", tuple(found), "labelled", named=named)
    chart = sections.Chart("name", "A title", (panel,))
    matplotlib = drawing._import_matplotlib()
    from matplotlib.backends import backend_agg

    with matplotlib.rc_context(drawing._STYLE):
        figure = drawing._figure(matplotlib, chart, palette.styles([chart]))
        canvas = backend_agg.FigureCanvasAgg(figure)
        canvas.draw()
    return figure.axes[0], canvas.get_renderer()


def boxes(ax, points):
    """Markers of 7 points, and error bars with caps, in pixels."""
    half = 3.5 / 72 * ax.figure.dpi
    for x, y, error in points.values():
        at, low = ax.transData.transform((x, y - np.nan_to_num(error)))
        _, high = ax.transData.transform((x, y + np.nan_to_num(error)))
        _, middle = ax.transData.transform((x, y))
        yield at - half, middle - half, at + half, middle + half
        yield at - half / 2, low, at + half / 2, high


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("has_bars", [False, True])
@pytest.mark.parametrize("count", [2, 3, 8, 23])
def test_what_is_drawn_overlaps_nowhere(count, has_bars):
    pytest.importorskip("matplotlib", reason="needs the extra `report`")
    rng = np.random.default_rng(count)
    # A cluster, as of the starts that are much alike, and others around it.
    x = np.concatenate(
        [rng.normal(40, 3, count // 2), rng.uniform(30, 150, 23)]
    )
    y = np.concatenate([rng.normal(42, 2, count // 2), rng.uniform(10, 70, 23)])
    error = rng.uniform(0.3, 4, len(x)) if has_bars else np.full(len(x), np.nan)
    triples = zip(NAMES[:count], x, y, error, strict=False)
    points = {name: tuple(point) for name, *point in triples}
    line = sorted(point[:2] for point in points.values())[:4]
    named = room.names(points, NAMES, line)
    assert set(named) <= set(points) and set(named.values()) <= set(room.SIDES)
    assert len(named) >= min(count, 6)
    ax, renderer = drawn(points, named, line)
    texts = {
        text.get_text(): text.get_window_extent(renderer).extents
        for text in ax.texts
    }
    assert set(texts) == set(named)
    left, low, right, high = ax.get_window_extent(renderer).extents
    for name, own in texts.items():
        for box in boxes(ax, points):
            assert not overlap(own, box), name
        others = [box for other, box in texts.items() if other != name]
        assert not any(overlap(own, box) for box in others), name
        assert left <= own[0] and own[2] <= right and own[3] <= high, name


def test_a_free_name_is_above_its_point_and_one_with_a_bar_beside_it():
    points = {"a": (0.0, 0.0, math.nan), "b": (1.0, 1.0, 0.2)}
    assert room.names(points, "ab") == {"a": "top center", "b": "middle right"}
    long = {"a": (0.0, 0.0, math.nan), "longer": (1.0, 1.0, 0.2)}
    assert room.names(long, ["longer"]) == {"longer": "middle left"}


def test_a_name_goes_where_it_does_not_cross_the_line():
    points = {"a": (0.0, 0.5, math.nan), "b": (1.0, 0.5, math.nan)}
    points["c"] = (0.5, 0.0, math.nan)
    up = [(0.0, 0.5), (0.0, 2.0)]
    assert room.names(points, "a", up)["a"] == "middle right"
    # A line to all sides cannot be avoided.
    everywhere = [(9.0 * (-1) ** n, n / 50) for n in range(-50, 100)]
    assert room.names(points, "a", everywhere) == {}


def test_the_more_important_name_has_the_room():
    points = {"first": (0.0, 0.0, math.nan), "second": (0.001, 0.0, math.nan)}
    points |= {str(n): (0.01 * n, 0.05, math.nan) for n in range(-9, 100)}
    points |= {f"-{n}": (0.01 * n, -0.05, math.nan) for n in range(-9, 100)}
    for one, other in (("first", "second"), ("second", "first")):
        found = room.names(points, [one, other, "no point"])
        assert "no point" not in found and other not in found or one in found


def test_axes_hold_bars_and_leave_room():
    (left, right), (low, high) = room.frame([(1, 5, 2.0), (3, 5, math.nan)])
    assert left < 1 and right > 3 and low < 3 and high > 7
    # A single point, also at zero.
    for value in (0.0, 7.0):
        ends = room.frame([(value, value, math.nan)])
        assert all(start < value < end for start, end in ends)
    assert room.names({}, ["a"]) == {}
