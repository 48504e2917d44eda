"""Figures hold a line, a bar or a marker for everything they were given."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from ws_keras.results import figures
from ws_keras.results import statistics


@pytest.fixture(autouse=True)
def _needs_matplotlib():
    pytest.importorskip("matplotlib", reason="needs the extra `report`")


def _check_files(paths):
    png, svg = paths
    assert (png.suffix, svg.suffix) == (".png", ".svg")
    header = png.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width = int.from_bytes(header[16:20], "big")
    height = int.from_bytes(header[20:24], "big")
    assert width >= 6 * figures.DPI
    assert height >= 3 * figures.DPI
    return svg.read_text()


def _count(svg, color):
    """Number of drawn shapes with a color of ours."""
    found = ElementTree.fromstring(svg).iter()
    return sum(color.lower() in shape.get("style", "") for shape in found)


def _arms(rows):
    (arms,) = statistics.cells(rows).values()
    return arms


def test_online_draws_every_arm_in_every_panel(online_rows, tmp_path):
    paths = figures.online(_arms(online_rows), tmp_path / "online", "title")
    svg = _check_files(paths)
    for color in (*figures.COLORS.values(), figures.OTHER_COLORS[0]):
        # A line and a band in three panels, and the legend.
        assert _count(svg, color) >= 7


def test_online_draws_the_papers_points(online_rows, make_row, tmp_path):
    ours = figures.online(_arms(online_rows), tmp_path / "a")[1].read_text()
    assert "paper (Fig. 2)" in _texts(ours)
    own = [make_row(dataset="textures", round=n) for n in (1, 2, 3)]
    theirs = figures.online(_arms(own), tmp_path / "b")[1].read_text()
    assert "paper" not in _texts(theirs)


def _texts(svg):
    """Labels, which matplotlib leaves as comments beside their outlines."""
    parser = ElementTree.XMLParser(
        target=ElementTree.TreeBuilder(insert_comments=True)
    )
    tree = ElementTree.fromstring(svg, parser)
    return " ".join(e.text for e in tree.iter(ElementTree.Comment))


def test_axes_are_labelled_with_units(online_rows, tmp_path):
    _, svg = figures.online(_arms(online_rows), tmp_path / "online")
    texts = _texts(svg.read_text())
    for label in (
        "Samples (thousands)",
        "Held-out accuracy (%)",
        "Training time per round (s)",
        "Passes per round (thousands)",
    ):
        assert label in texts


def test_same_rows_give_the_same_svg(online_rows, tmp_path):
    first, second = (
        figures.online(_arms(online_rows), tmp_path / name)[1].read_bytes()
        for name in ("a", "b")
    )
    assert first == second


def test_curves_of_equal_rounds_are_a_mean(make_epochs, make_row, tmp_path):
    arms = {"warm": {f"w/seed{n}": make_epochs(f"w/seed{n}") for n in (0, 1)}}
    first = make_row(optimizer="sgd", stopped_by="epochs", epochs=350)
    paths = figures.curves(arms, tmp_path / "c", firsts={"warm": first})
    svg = _check_files(paths)
    assert "each seed" not in _texts(svg)
    assert "paper (Fig. 1)" in _texts(svg)
    assert _count(svg, figures.COLORS["warm"]) >= 5


def test_curves_of_unequal_rounds_are_one_line_a_seed(make_epochs, tmp_path):
    arms = {
        "cold": {
            "c/seed0": make_epochs("c/seed0", (3, 2)),
            "c/seed1": make_epochs("c/seed1", (2, 4)),
        }
    }
    svg = _check_files(figures.curves(arms, tmp_path / "c"))
    assert "cold (each seed)" in _texts(svg)
    assert _count(svg, figures.COLORS["cold"]) >= 5


def test_cells_draw_a_bar_for_every_arm(two_phase_rows, tmp_path):
    found = statistics.cells(two_phase_rows)
    svg = _check_files(figures.cells(found, tmp_path / "cells"))
    for color in figures.COLORS.values():
        assert _count(svg, color) == 2  # the bar and its legend
    assert "paper (Table 1)" in _texts(svg)


def test_many_arms_have_different_styles():
    names = ["cold", "warm", *(f"arm{n}" for n in range(12))]
    styles = figures._styles(names)
    assert len({tuple(style.values()) for style in styles.values()}) == 14


def test_missing_matplotlib_is_a_sentence(tmp_path):
    code = (
        "import sys, pathlib\n"
        "sys.modules['matplotlib'] = None\n"
        "from ws_keras.results import figures\n"
        "figures.online({}, pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'ws_keras[report]'" in done.stderr.splitlines()[-1]
