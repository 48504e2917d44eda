"""The page in a real browser, opened from the disk."""

import base64
import hashlib
import json
import math
import re
import shutil
import subprocess

import pytest

from ws_keras.report import sections
from ws_keras.report.render import html
from ws_keras.report.render import palette

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium")
NASTY = "</script><b>bold</b>&amp; %{x}"
# Runs in a copy of the page, once everything is drawn.
PROBE = """
const waiting = setInterval(() => {
  if (document.documentElement.dataset.state !== "drawn") return;
  clearInterval(waiting);
  const plots = [...document.querySelectorAll(".js-plotly-plot")];
  const table = document.querySelector("table");
  const heads = [...table.tHead.rows[0].cells];
  const order = () => [...table.tBodies[0].rows].map(
    (line) => line.cells[0].textContent);
  const click = (column) => {
    heads[column].querySelector("button").click();
    return [heads[column].getAttribute("aria-sort"), ...order()];
  };
  const sorted = [click(1), click(1), click(1), click(2), click(0)];
  const hover = (plot, curve) => {
    Plotly.Fx.hover(plot, [{curveNumber: curve, pointNumber: 0}]);
    return [...plot.querySelectorAll(".hovertext")]
      .map((label) => label.textContent).join();
  };
  const hovered = [hover(plots[0], 1), hover(plots[1], 0)];
  const visible = () => plots.slice(0, 2).map(
    (plot) => plot.data.map((trace) => trace.visible));
  const entries = [...document.querySelectorAll(".legend button")];
  const fold = document.querySelector("details.fold");
  const folded = () => fold.querySelectorAll(".js-plotly-plot").length;
  const before = folded();
  fold.open = true;
  entries[0].click();
  const hidden = [entries[0].getAttribute("aria-pressed"), ...visible()];
  const caption = () => {
    const {left, right} = table.caption.getBoundingClientRect();
    return [left, right];
  };
  const captions = [caption()];
  table.parentElement.scrollLeft = 300;
  captions.push(caption());
  const found = {
    captions, sorted, hovered, hidden, before,
    cut: table.parentElement.classList.contains("cut"),
    entries: entries.map((entry) => entry.textContent),
    bold: document.querySelectorAll("b").length,
    width: [document.documentElement.scrollWidth, innerWidth],
    line: plots[0].data[1].line.color,
    font: plots[0].layout.font.color,
    page: getComputedStyle(document.body).backgroundColor,
    columns: new Set([...document.querySelectorAll(".plot")].slice(0, 2)
      .map((plot) => plot.getBoundingClientRect().left)).size,
    labels: [...document.querySelectorAll(".xtitle, .ytitle")]
      .map((label) => label.textContent),
    shapes: plots.map((plot) => [
      plot.querySelectorAll(".scatterlayer .point").length,
      plot.querySelectorAll(".heatmaplayer .hm").length,
    ]),
  };
  setTimeout(() => {
    found.after = folded();
    document.title = JSON.stringify(found);
    parent.postMessage(document.title, "*");
  }, 500);
}, 20);
"""


# A browser's window is never as narrow as a phone; a frame is.
FRAME = """<title></title><script>
addEventListener("message", (event) => { document.title = event.data; });
</script><iframe src="probe.html" width="375" height="700"></iframe>
"""


def series(arm, y, error=(), is_paper=False):
    name = "paper (Fig. 2)" if is_paper else arm
    x = tuple(range(1, len(y) + 1))
    return sections.Series(name, arm, x, y, error, is_paper)


def report():
    curves = (
        series("warm", (30.0, 40.0), (1.5, 1.5)),
        series(NASTY, (31.0, math.nan)),
        series("warm", (29.0,), is_paper=True),
    )
    lines = sections.Panel("Samples (thousands)", "Accuracy (%)", curves)
    times = sections.Panel("Samples (thousands)", "Time (s)", curves[1:2])
    rows = sections.Series("warm", "warm", (30.0, 40.0), (0, 1))
    dots = sections.Panel(
        "Accuracy (%)", "", (rows,), "dots", words=("mlp", NASTY)
    )
    heat = sections.Panel(
        "Shrink",
        "Perturb",
        kind="heat",
        title="Accuracy (%)",
        columns=("0", "1"),
        words=("0.1", "0.2"),
        values=((50.0, math.nan), (10.0, 20.5)),
    )
    wide = tuple(f"column {n}" for n in range(12))
    texts = tuple(
        (name, number, "x", *wide[3:])
        for name, number in (
            ("cold", sections.Number(-8.0, 0.9, is_signed=True)),
            ("warm", 1064),
            (NASTY, None),
            ("dash", sections.Number(99.5)),
        )
    )
    return [
        sections.Section(
            NASTY,
            (
                sections.Table("Summary of all the arms, " * 4, wide, texts),
                sections.Code("ws-run " + "--config.model.width=64 " * 9),
                sections.Chart("lines", NASTY, (lines, times)),
                sections.Chart("heat", "Heat", (heat,)),
                sections.Fold(
                    NASTY, (sections.Chart("dots", "Dots", (dots,)),)
                ),
                sections.Text("w" * 300),
            ),
        )
    ]


@pytest.fixture(scope="module")
def text():
    pytest.importorskip("plotly", reason="needs the extra `report`")
    return html.render("A report", report())


def browse(path, folder, *flags):
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--v=0",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            *flags,
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, said


def probe(text, folder, *flags, is_phone=False):
    """Returns what the page says of itself, with a script that it allows."""
    digest = hashlib.sha256(PROBE.encode()).digest()
    allowed = f"script-src 'sha256-{base64.b64encode(digest).decode()}' "
    copy = text.replace("script-src ", allowed, 1)
    copy = copy.replace("</body>", f"<script>{PROBE}</script></body>")
    page = folder / "probe.html"
    page.write_text(copy, encoding="utf8")
    if is_phone:
        page = folder / "frame.html"
        page.write_text(FRAME)
    found, said = browse(page, folder, *flags)
    assert said == []
    title = re.search("<title>(.*?)</title>", found)[1]
    for name, letter in (("lt", "<"), ("gt", ">"), ("amp", "&")):
        title = title.replace(f"&{name};", letter)
    return json.loads(title)


@pytest.fixture(scope="module")
def probed(text, tmp_path_factory):
    return probe(text, tmp_path_factory.mktemp("light"))


@pytest.mark.slow
def test_all_charts_are_drawn_and_the_console_is_silent(text, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf8")
    found, said = browse(page, tmp_path)
    assert said == []
    assert 'data-state="drawn"' in found
    plots = re.findall('class="plot js-plotly-plot"', found)
    assert len(plots) == 3 and text.count('class="plot"') == 4


def test_what_is_folded_is_drawn_once_it_is_opened(probed):
    assert (probed["before"], probed["after"]) == (0, 1)


@pytest.mark.slow
def test_script_that_is_not_ours_does_not_run(text, tmp_path):
    page = tmp_path / "report.html"
    added = "<script>document.title = 'foreign'</script></body>"
    page.write_text(text.replace("</body>", added), encoding="utf8")
    found, said = browse(page, tmp_path)
    assert "<title>A report</title>" in found
    assert "Content Security Policy" in "".join(said)


def test_click_on_a_header_sorts(probed):
    up, down, back, texts, names = probed["sorted"]
    assert up == ["ascending", "cold", "dash", "warm", NASTY]
    assert down == ["descending", "warm", "dash", "cold", NASTY]
    assert back == [None, "cold", "warm", NASTY, "dash"]
    assert texts[0] == "ascending"
    assert names[1:] == sorted(names[1:], key=lambda n: n.replace("<", " "))


def test_hover_shows_arm_and_numbers(probed):
    curve, nasty = probed["hovered"]
    for part in ("warm", "Samples (thousands): 1", "Accuracy (%): 30 ± 1.5"):
        assert part in curve
    assert NASTY in nasty and "Time (s): 31" in nasty


def test_legend_toggles_an_arm_in_all_panels(probed):
    entries = probed["entries"]
    assert entries == ["warm", NASTY, "paper (Fig. 2)", "warm"]
    pressed, first, second = probed["hidden"]
    assert pressed == "false"
    # Band and curve of warm, the other arm, the paper's points.
    assert first == [False, False, True, True]
    assert second == [True]


def test_everything_given_is_a_shape(probed):
    _, times, heat = probed["shapes"]
    assert heat[1] == 1
    assert times[0] == 1
    assert probed["bold"] == 0
    labels = set(probed["labels"])
    assert labels >= {"Samples (thousands)", "Accuracy (%)", "Time (s)"}
    assert labels >= {"Shrink", "Perturb"}


@pytest.mark.slow
def test_panels_stand_beside_each_other(text, probed, tmp_path):
    wide = probe(text, tmp_path, "--window-size=1280,800")
    assert wide["columns"] == 2
    assert wide["width"][0] <= wide["width"][1]


@pytest.mark.slow
def test_dark_page_has_dark_charts(text, probed, tmp_path):
    flag = "--blink-settings=preferredColorScheme=0"
    dark = probe(text, tmp_path, flag)
    assert probed["page"] == "rgb(255, 255, 255)"
    assert dark["page"] == "rgb(20, 24, 29)"
    # One arm has one color, on a light and on a dark page.
    assert probed["line"] == dark["line"] == palette.COLORS["warm"]
    assert (probed["font"], dark["font"]) == ("#1b1f24", "#e6e9ed")


@pytest.mark.slow
def test_phone_scrolls_in_one_direction(text, tmp_path):
    found = probe(text, tmp_path, is_phone=True)
    scrolled, inner = found["width"]
    assert inner == 375
    assert scrolled <= 375
    assert found["columns"] == 1
    assert found["cut"], "nothing says that columns are hidden"
    # Also where the table beneath it is scrolled.
    for left, right in found["captions"]:
        assert 0 <= left < right <= 375
