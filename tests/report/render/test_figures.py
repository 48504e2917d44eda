"""Figures of Plotly hold every number, and no markup of a name."""

import json
import math

import pytest

from ws_keras.report import sections
from ws_keras.report.render import figures
from ws_keras.report.render import palette

objects = pytest.importorskip(
    "plotly.graph_objects", reason="needs the extra `report`"
)


def made(*series, kind="lines", **options):
    panel = sections.Panel("Samples", "Accuracy (%)", series, kind, **options)
    chart = sections.Chart("c", "t", (panel,))
    (found,) = figures.figures(chart, palette.styles([chart]))
    json.dumps(found, allow_nan=False)
    objects.Figure(found)  # raises where Plotly knows no such field
    return found


def line(arm="warm", y=(30.5, math.nan, 40.0), error=(1.0, 1.0, 2.0)):
    return sections.Series(arm, arm, (1, 2, 3), y, error)


def test_a_line_has_a_band_and_bridges_what_is_unknown():
    band, curve = made(line())["data"]
    assert (curve["x"], curve["y"]) == ([1, 3], [30.5, 40.0])
    assert band["y"] == [31.5, 42.0, 38.0, 29.5]
    assert curve["line"]["color"] == palette.COLORS["warm"]
    assert band["legendgroup"] == curve["legendgroup"] == "warm"
    assert "30.5 ± 1" in curve["hovertext"][0]


def test_the_papers_points_are_open_diamonds_with_their_error():
    paper = sections.Series("paper", "warm", (1,), (31.0,), (0.5,), True)
    *_, points = made(line(), paper)["data"]
    assert points["mode"] == "markers"
    assert points["marker"]["symbol"] == "diamond-open"
    assert points["error_y"]["array"] == [0.5]


def test_dots_have_words_down_the_axis():
    dots = sections.Series("cold", "cold", (50.0, 40.0), (0, 1), (1.0, 2.0))
    found = made(dots, kind="dots", words=("mlp", "<b>"))
    (trace,) = found["data"]
    assert trace["y"] == [0, 1] and trace["error_x"]["array"] == [1.0, 2.0]
    axis = found["layout"]["yaxis"]
    assert axis["ticktext"] == ["mlp", "&lt;b&gt;"]
    assert axis["range"] == [1.5, -0.5]


def test_heat_maps_say_their_numbers():
    found = made(
        kind="heat",
        title="%",
        columns=("0", "1"),
        words=("0.1",),
        values=((math.nan, 51.26),),
    )
    (heat,) = found["data"]
    assert heat["z"] == [[None, 51.26]]
    assert heat["text"] == [["", "51.3"]]


@pytest.mark.parametrize(("x", "kind"), [((1, 10), "log"), ((0, 1), "linear")])
def test_an_axis_with_a_zero_is_not_logarithmic(x, kind):
    series = sections.Series("a", "a", x, x)
    found = made(series, is_log=True)
    assert found["layout"]["xaxis"]["type"] == kind


def test_figures_carry_no_defaults_of_a_light_page():
    text = json.dumps(made(line()))
    assert "template" not in text and len(text) < 3000


@pytest.mark.parametrize("name", ["</script><b>x</b>", "a & b", "\x00\u202e"])
def test_names_are_text(name):
    found = made(line(arm=name))
    for words in found["data"][1]["hovertext"]:
        inside = words.removeprefix("<b>").partition("</b>")[0]
        assert not set(inside) & set("<>\x00\u202e")
