"""Drawings hold a line, a bar or a marker for everything they were given."""

import math
import subprocess
import sys

import pytest

from ws_keras.report import sections
from ws_keras.report.render import drawing
from ws_keras.report.render import palette

NASTY = ("<b>&amp;", "$\\frac{", "_hidden", "a--b", "two\nlines", "\x00", "🔥")
ORANGE, BLUE = palette.COLORS["cold"], palette.COLORS["warm"]


@pytest.fixture(autouse=True)
def _needs_matplotlib():
    pytest.importorskip("matplotlib", reason="needs the extra `report`")


def curve(arm, y=(30.0, 40.0, 50.0), is_paper=False, error=(1.0, 1.0, 1.0)):
    name = "paper (Fig. 2)" if is_paper else arm
    return sections.Series(name, arm, (1, 2, 3), y, error, is_paper)


def chart(*panels, name="name", title="A title"):
    return sections.Chart(name, title, panels)


def axes_of(found):
    """The axes as Matplotlib has them, not yet as a file."""
    matplotlib = drawing._import_matplotlib()
    styles = palette.styles([found])
    with matplotlib.rc_context(drawing._STYLE):
        return drawing._figure(matplotlib, found, styles)


def size(path):
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return [int.from_bytes(header[n : n + 4], "big") for n in (16, 20)]


def test_file_and_its_size(tmp_path):
    panel = sections.Panel("Epoch", "Accuracy (%)", (curve("cold"),))
    path = drawing.draw(chart(panel, panel), tmp_path / "new")
    assert path.name == "name.png"
    width, height = size(path)
    assert width >= 8 * drawing.DPI and height >= 3 * drawing.DPI


@pytest.mark.parametrize("count", [1, 2, 5])
def test_letters_stay_readable_where_a_page_shrinks_it(tmp_path, count):
    """A README is 830 pixels wide."""
    panel = sections.Panel("Epoch", "Accuracy (%)", (curve("cold"),))
    width, _ = size(drawing.draw(chart(*[panel] * count), tmp_path))
    letters = drawing._STYLE["font.size"] / 72 * drawing.DPI
    assert letters * min(1, 830 / width) >= 13


def test_same_chart_gives_the_same_file(tmp_path):
    found = chart(
        sections.Panel("x", "y", (curve("cold"), curve("dash"))), heat()
    )
    first, second = (
        drawing.draw(found, tmp_path / name).read_bytes() for name in ("a", "b")
    )
    assert first == second


def test_lines_have_a_band_and_the_paper_open_diamonds():
    papers = [curve(arm, is_paper=True) for arm in ("cold", "warm")]
    arms = [curve("cold"), curve("warm"), curve("dash")]
    panel = sections.Panel("Samples", "Accuracy (%)", (*arms, *papers))
    figure = axes_of(chart(panel))
    (ax,) = figure.axes
    lines = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert [line.get_color() for line in lines] == [
        ORANGE,
        BLUE,
        palette.OTHER_COLORS[0],
    ]
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    assert [line.get_color() for line in diamonds] == [ORANGE, BLUE]
    assert {d.get_markerfacecolor() for d in diamonds} == {"none"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Samples", "Accuracy (%)")
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["cold", "warm", "dash", "paper (Fig. 2)"]


def test_line_bridges_what_is_unknown():
    unknown = curve("cold", (1.0, math.nan, 3.0), error=(1.0, 1.0, math.nan))
    (ax,) = axes_of(chart(sections.Panel("x", "y", (unknown,)))).axes
    assert list(ax.lines[0].get_xdata()) == [1, 3]
    assert len(ax.collections) == 1


def test_dots_stand_in_rows_of_words():
    arms = [
        sections.Series(arm, arm, (50.0, 40.0), (0, 1), (1.0, math.nan))
        for arm in ("cold", "warm")
    ]
    paper = sections.Series("paper", "warm", (51.0,), (1,), (), True)
    panel = sections.Panel(
        "%", "", (*arms, paper), "dots", "cifar10", words=("mlp", "resnet18")
    )
    (ax,) = axes_of(chart(panel)).axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["mlp", "resnet18"]
    (diamonds,) = [line for line in ax.lines if line.get_marker() == "D"]
    warm = [line for line in ax.lines if line.get_color() == BLUE]
    assert list(diamonds.get_ydata()) == [1.25]
    assert any(list(line.get_ydata()) == [0.25, 1.25] for line in warm)
    low, high = ax.get_ylim()
    assert low > high, "the first row is not at the top"
    assert ax.get_title() == "cifar10"


def test_points_have_no_line_and_axes_are_as_asked():
    points = sections.Series("cold", "cold", (1, 10, 1000), (5.0, 6.0, 7.0))
    panel = sections.Panel(
        "s", "%", (points,), "points", is_log=True, from_zero=True
    )
    (ax,) = axes_of(chart(panel)).axes
    assert ax.lines[0].get_linestyle() == "None"
    assert ax.get_xscale() == "log"
    assert ax.get_ylim()[0] == 0


def heat():
    return sections.Panel(
        "Shrink",
        "Perturb",
        kind="heat",
        title="Held-out accuracy (%)",
        columns=("0", "1"),
        words=("0.1", "0.2"),
        values=((50.0, math.nan), (10.0, 20.5)),
    )


def test_heat_map_says_its_numbers_and_hatches_empty_cells():
    (ax,) = axes_of(chart(heat())).axes
    texts = {t.get_text(): t.get_position() for t in ax.texts if t.get_text()}
    assert texts["50.0"] == (0.5, 0.5) and len(texts) == 3
    (empty,) = ax.patches
    assert empty.get_xy() == (1, 0) and empty.get_hatch()
    assert ax.get_title() == "Held-out accuracy (%)"
    low, high = ax.get_ylim()
    assert low > high, "the first row is not at the top"


def test_heat_map_without_a_number_is_drawn(tmp_path):
    panel = sections.Panel(
        "x",
        "y",
        kind="heat",
        columns=("a",),
        words=("b",),
        values=((math.nan,),),
    )
    drawing.draw(chart(panel), tmp_path)


@pytest.mark.quick(every=2)
@pytest.mark.parametrize("count", [1, 6, 50])
def test_legend_lies_within_the_picture(count):
    arms = [curve(f"shrink_perturb 0.{n}/0.01") for n in range(count)]
    panel = sections.Panel("x", "y", tuple(arms))
    figure = axes_of(chart(panel, panel))
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert 0 <= box.x0 and box.x1 <= figure.bbox.x1
    assert 0 <= box.y0
    # The axes keep their height, however many names stand below.
    for ax in figure.axes:
        assert ax.get_window_extent().y0 > box.y1
        assert ax.get_window_extent().height > 2 * figure.dpi


def test_names_are_never_markup(tmp_path):
    arms = tuple(curve(name) for name in NASTY)
    found = chart(sections.Panel(NASTY[1], NASTY[0], arms), title=NASTY[1])
    drawing.draw(found, tmp_path)
    figure = axes_of(found)
    (ax,) = figure.axes
    assert ax.get_xlabel() == "$\\frac{"
    (legend,) = figure.legends
    names = [text.get_text().strip() for text in legend.get_texts()]
    assert "_hidden" in names and "two lines" in names


def test_arm_keeps_its_color_in_a_later_chart():
    first = chart(sections.Panel("x", "y", (curve("dash"), curve("l2"))))
    second = chart(sections.Panel("x", "y", (curve("l2"),)), name="second")
    styles = palette.styles([first, second])
    matplotlib = drawing._import_matplotlib()
    (ax,) = drawing._figure(matplotlib, second, styles).axes
    assert ax.lines[0].get_color() == palette.OTHER_COLORS[1]


def test_missing_matplotlib_is_a_sentence(tmp_path):
    code = (
        "import sys, pathlib\n"
        "sys.modules['matplotlib'] = None\n"
        "from ws_keras.report.render import drawing\n"
        "drawing.draw(None, pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'ws_keras[report]'" in done.stderr.splitlines()[-1]
