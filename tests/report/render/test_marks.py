"""Charts mean the same in every renderer, and an arm has one color."""

import math

import pytest

from ws_keras.report import formatting
from ws_keras.report import sections
from ws_keras.report.render import marks
from ws_keras.report.render import palette

CHART = sections.Chart


def series(arm, x, y, error=(), is_paper=False, name=None):
    name = name or ("paper (Table 1)" if is_paper else arm)
    return sections.Series(name, arm, x, y, error, is_paper)


def shown(table):
    return [tuple(map(formatting.text, line)) for line in table.lines]


@pytest.fixture
def dots():
    return sections.Panel(
        "Accuracy (%)",
        "",
        (
            series("cold", (50.0, 52.0), (0, 1), (1.0, math.nan)),
            series("warm", (41.0,), (1,)),
            series("warm", (42.0,), (1,), (0.5,), is_paper=True),
        ),
        "dots",
        words=("mlp", "resnet18"),
    )


def test_dots_of_a_row_stand_below_each_other(dots):
    heights = [marks.heights(dots, s) for s in dots.series]
    assert heights == [(0, 0.75), (1.25,), (1.25,)]


def test_numbers_of_dots(dots):
    table = marks.numbers(dots)
    assert table.header == ("row", "cold", "warm", "paper (Table 1), warm")
    assert shown(table) == [
        ("mlp", "50.00 ± 1.00", "—", "—"),
        ("resnet18", "52.00", "41.00", "42.00 ± 0.50"),
    ]


def test_numbers_of_curves_are_by_x():
    panel = sections.Panel(
        "Epoch",
        "Accuracy (%)",
        (series("a", (2, 1), (20.0, 10.0)), series("b", (3,), (5.0,))),
    )
    assert shown(marks.numbers(panel)) == [
        ("1", "10.00", "—"),
        ("2", "20.00", "—"),
        ("3", "—", "5.00"),
    ]


def test_numbers_of_long_curves_are_thinned_and_keep_the_last():
    x = tuple(range(1, 351))
    table = marks.numbers(sections.Panel("Epoch", "%", (series("a", x, x),)))
    assert len(table.lines) == 88
    assert table.lines[-1][0] == 350
    assert table.note == "One of 4 lines is shown."


def test_points_at_one_x_are_all_listed():
    panel = sections.Panel(
        "Passes", "%", (series("a", (1, 1), (5.0, 6.0)),), "points"
    )
    table = marks.numbers(panel)
    assert table.header == ("arm", "Passes", "%")
    assert [line[2].value for line in table.lines] == [5.0, 6.0]


@pytest.mark.parametrize("kind", ["points", "labelled"])
def test_each_arm_of_a_cost_chart_has_a_line(kind):
    edge = series("frontier", (1, 2), (10.0, 20.0))
    arms = series("a", (1,), (10.0,)), series("b", (2,), (20.0,), (0.5,))
    found = (edge, *arms) if kind == "labelled" else arms
    panel = sections.Panel(
        "Passes", "%", found, kind, named={"a": "top center"}
    )
    table = marks.numbers(panel)
    assert table.header == ("arm", "Passes", "%")
    assert shown(table) == [("a", "1", "10.00"), ("b", "2", "20.00 ± 0.50")]


def test_numbers_of_a_heat_map():
    panel = sections.Panel(
        "Shrink",
        "Perturb",
        kind="heat",
        title="%",
        columns=("0", "1"),
        words=("0.1",),
        values=((5.0, math.nan),),
    )
    table = marks.numbers(panel)
    assert table.header == ("Perturb / Shrink", "0", "1")
    assert shown(table) == [("0.1", "5.00", "—")]


def test_legend_names_each_once_and_the_paper_last(dots):
    assert list(marks.legend(CHART("c", "t", (dots, dots)))) == [
        "cold",
        "warm",
        "paper (Table 1)",
    ]


def test_papers_of_several_names_have_one_entry():
    papers = (
        series("cold", (1,), (1.0,), is_paper=True, name="paper (Fig. 2)"),
        series("cold", (1,), (1.0,)),
        series("warm", (1,), (1.0,), is_paper=True, name="paper (Fig. 7)"),
    )
    chart = CHART("c", "t", (sections.Panel("x", "y", papers),))
    assert list(marks.legend(chart)) == ["cold", marks.PAPER]


def test_arm_has_the_same_style_in_all_charts(dots):
    other = sections.Panel("x", "y", (series("dash", (1,), (1.0,)),))
    last = sections.Panel(
        "x", "y", tuple(series(a, (1,), (1.0,)) for a in ("l2", "dash", "warm"))
    )
    folded = sections.Fold("f", (CHART("c", "t", (last,)),))
    found = [
        sections.Section(
            "s",
            (
                sections.Text("t"),
                *(CHART("c", "t", (p,)) for p in (dots, other)),
                folded,
            ),
        )
    ]
    styles = palette.styles(found)
    assert styles["cold"].color == palette.COLORS["cold"]
    assert styles["dash"].color == palette.OTHER_COLORS[0]
    assert styles["l2"].color == palette.OTHER_COLORS[1]


def test_fifty_arms_have_different_styles():
    arms = ["cold", "warm", *(f"arm{n}" for n in range(50))]
    panel = sections.Panel("x", "y", tuple(series(a, (), ()) for a in arms))
    styles = palette.styles([CHART("c", "t", (panel,))])
    assert len({(s.color, s.number) for s in styles.values()}) == 52


def _brightness(color):
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4
        for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


COLORS = (*palette.COLORS.values(), *palette.OTHER_COLORS)


@pytest.mark.parametrize("color", COLORS)
def test_colors_stand_out_from_a_light_and_from_a_dark_page(color):
    ours = _brightness(color) + 0.05
    dark = _brightness("#14181d") + 0.05
    # WCAG asks for 3 of graphics.
    assert ours / dark >= 3
    assert 1.05 / ours >= 3
