"""The frontier of accuracy against cost."""

import pytest

from ws_keras.report import frontier
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report.render import marks


def test_the_frontier_has_what_nothing_beats_for_less():
    points = {
        "cheap": (1.0, 50.0),
        "worse for more": (2.0, 49.0),
        "better for more": (3.0, 60.0),
        "as good for more": (4.0, 60.0),
        "as cheap and worse": (1.0, 40.0),
    }
    assert frontier.best(points) == ["cheap", "better for more"]
    assert frontier.best({}) == []


@pytest.fixture
def run(make_arm):
    """Cold at 60 for 20 passes, warm at 50 for 10, DASH at 55 for 30."""
    found = []
    for arm, accuracies, passes in (
        ("cold", (59.0, 61.0), 10),
        ("warm", (49.0, 51.0), 5),
        ("dash-0.3-0.3", (53.0, 57.0), 15),
    ):
        found += make_arm(arm, accuracies, sample_passes=passes)
    return runs.Run("own", found)


def test_the_line_of_the_chart_joins_the_frontier(run):
    (panel, *_) = frontier.chart(run).panels
    named = {series.name: series for series in panel.series}
    assert named["frontier"].x == pytest.approx((0.010, 0.020))
    assert named["frontier"].y == (50.0, 60.0)
    assert named["dash-0.3-0.3"].x == pytest.approx((0.030,))
    assert panel.kind == "labelled"
    # Warm and cold are on the frontier; DASH is told by the legend.
    assert panel.named.keys() == {"cold", "warm"}
    told = marks.legend(frontier.chart(run))
    assert "dash-0.3-0.3" in told and "cold" not in told


def test_a_name_hides_no_other_point(make_arm):
    """FIRE is a little dearer and a little more accurate than warm.

    Each has an error bar of one point.
    """
    found = []
    for arm, level, passes in (
        ("warm", 50.0, 50),
        ("fire", 53.0, 51),
        ("cold", 90.0, 150),
    ):
        found += make_arm(arm, (level - 1, level + 1), sample_passes=passes)
    (panel, *_) = frontier.chart(runs.Run("own", found)).panels
    assert panel.named["cold"] == "top center"
    # The name of warm above its point would hide the bar of FIRE.
    assert not panel.named["warm"].startswith("top")


def test_differences_from_another_arm_are_paired(run):
    (fold,) = frontier.beside("warm")(run)
    (table,) = fold.blocks
    lines = {line[0]: line for line in table.lines}
    assert set(lines) == {"cold", "dash-0.3-0.3"}
    dash = lines["dash-0.3-0.3"][1]
    # 53 - 49 and 57 - 51.
    assert isinstance(dash, sections.Number)
    assert dash.value == pytest.approx(5.0)
    assert frontier.beside("no such arm")(run) == []
