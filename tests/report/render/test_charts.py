"""Charts mean the same in every renderer, and an arm has one color."""

import math

import pytest

from ws_keras.report import sections
from ws_keras.report.render import charts
from ws_keras.report.render import palette

CHART = sections.Chart


def series(arm, x, y, error=(), is_paper=False, name=None):
    name = name or ("paper (Table 1)" if is_paper else arm)
    return sections.Series(name, arm, x, y, error, is_paper)


@pytest.fixture
def bars():
    x = ("mlp", "resnet18")
    return sections.Panel(
        "",
        "Accuracy (%)",
        (
            series("cold", x, (50.0, math.nan), (1.0, math.nan)),
            series("warm", x, (40.0, 41.0)),
            series("warm", ("resnet18",), (42.0,), (0.5,), is_paper=True),
        ),
        "bars",
    )


def test_bars_stand_beside_each_other_and_the_paper_at_its_arm(bars):
    places, width = charts.places(bars)
    assert width == pytest.approx(0.4)
    assert places == [
        pytest.approx([-0.2, 0.8]),
        pytest.approx([0.2, 1.2]),
        pytest.approx([1.2]),
    ]


def test_numbers_of_bars(bars):
    table = charts.numbers(bars)
    assert table.header == ("name", "cold", "warm", "paper (Table 1), warm")
    assert table.lines == (
        ("mlp", "50 ± 1", "40", "—"),
        ("resnet18", "—", "41", "42 ± 0.5"),
    )


def test_numbers_of_curves_are_by_x():
    panel = sections.Panel(
        "Epoch",
        "Accuracy (%)",
        (series("a", (2, 1), (20.0, 10.0)), series("b", (3,), (5.0,))),
    )
    assert charts.places(panel) == ([[2, 1], [3]], 0.0)
    assert charts.numbers(panel).lines == (
        ("1", "10", "—"),
        ("2", "20", "—"),
        ("3", "—", "5"),
    )


def test_numbers_of_long_curves_are_thinned_and_keep_the_last():
    x = tuple(range(1, 351))
    table = charts.numbers(sections.Panel("Epoch", "%", (series("a", x, x),)))
    assert len(table.lines) == 88
    assert table.lines[-1] == ("350", "350")
    assert table.note == "One of 4 lines is shown."


def test_points_at_one_x_are_all_listed():
    panel = sections.Panel(
        "Time (s)", "%", (series("a", (1, 1), (5.0, 6.0)),), "points"
    )
    table = charts.numbers(panel)
    assert table.header == ("series", "Time (s)", "%")
    assert table.lines == (("a", "1", "5"), ("a", "1", "6"))


def test_numbers_of_a_heat_map():
    panel = sections.Panel(
        "Shrink",
        "Perturb",
        kind="heat",
        title="%",
        x=("0", "1"),
        y=("0.1",),
        values=((5.0, math.nan),),
    )
    table = charts.numbers(panel)
    assert table.header == ("Perturb / Shrink", "0", "1")
    assert table.lines == (("0.1", "5.00", "—"),)


def test_legend_names_each_once_and_the_paper_last(bars):
    assert list(charts.legend(CHART("c", "t", (bars, bars)))) == [
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
    assert list(charts.legend(chart)) == ["cold", charts.PAPER]


@pytest.mark.parametrize("x, is_log", [((1, 10), True), ((0, 1), False)])
def test_axis_with_a_zero_is_not_logarithmic(x, is_log):
    panel = sections.Panel("x", "y", (series("a", x, x),), log_x=True)
    assert charts.is_log(panel) == is_log


def test_arm_has_the_same_style_in_all_charts(bars):
    other = sections.Panel("x", "y", (series("dash", (1,), (1.0,)),))
    last = sections.Panel(
        "x", "y", tuple(series(a, (1,), (1.0,)) for a in ("l2", "dash", "warm"))
    )
    found = [
        sections.Section(
            "s", (sections.Text("t"), *(CHART("c", "t", (p,)) for p in panels))
        )
        for panels in ((bars, other), (last,))
    ]
    styles = palette.styles(found)
    assert list(styles) == ["cold", "warm", "dash", "l2"]
    assert styles["cold"].color == palette.COLORS["cold"]
    assert styles["dash"].color == palette.OTHER_COLORS[0]
    assert styles["l2"].color == palette.OTHER_COLORS[1]


def test_fifty_arms_have_different_styles():
    arms = ["cold", "warm", *(f"arm{n}" for n in range(50))]
    panel = sections.Panel("x", "y", tuple(series(a, (), ()) for a in arms))
    styles = palette.of_charts([CHART("c", "t", (panel,))])
    assert len({(s.color, s.number) for s in styles.values()}) == 52


def _brightness(color):
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4
        for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colors_stand_out_from_a_dark_page():
    arms = [*palette.COLORS, *"abcde"]
    panel = sections.Panel("x", "y", tuple(series(a, (), ()) for a in arms))
    styles = palette.of_charts([CHART("c", "t", (panel,))])
    assert len({style.dark_color for style in styles.values()}) == 7
    page = _brightness("#14181d") + 0.05
    for style in styles.values():
        # What WCAG asks of graphics.
        assert (_brightness(style.dark_color) + 0.05) / page >= 3
