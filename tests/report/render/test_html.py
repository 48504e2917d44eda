"""The page holds every text as text, every number as a number."""

import json
import math
import subprocess
import sys
from html import parser

import hypothesis
import pytest
from hypothesis import strategies

from ws_keras.report import plain
from ws_keras.report import sections
from ws_keras.report.render import html
from ws_keras.report.render import palette

NASTY = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "]]>--><!--<script>",
    "\"&' onmouseover=alert(1)",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "a | b",
    "two\nlines\r\nthree",
    "</table></style></title>",
    "emoji 🔥 \u2028 \u2029",
    "\x00 \ud800",
)
names = strategies.one_of(
    strategies.sampled_from(NASTY), strategies.text(max_size=20)
)
VOID = {"meta"}


class Page(parser.HTMLParser):
    """Elements and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.attributes = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.append((tag, ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        tag, text = self.texts[-1] if self.texts else ("", "")
        if self.open and tag == self.open[-1]:
            self.texts[-1] = (tag, text + data)

    def all(self, tag):
        return [text for name, text in self.texts if name == tag]


def panel(name="cold", **changes):
    series = sections.Series(
        name, name, (1, 2), (30.5, math.nan), (1.0, math.inf)
    )
    found = {"x_label": "Epoch", "y_label": "Accuracy (%)"}
    return sections.Panel(**{**found, "series": (series,), **changes})


def report(name):
    number = sections.Number(1.0, 2.0)
    chart = sections.Chart("name", name, (panel(name, title=name),))
    blocks = (
        sections.Text(name),
        sections.Code(name),
        sections.Table(name, ("arm", name), ((name, number),), name),
        sections.Fold(name, (chart,)),
    )
    return [sections.Section(name, blocks)] * 4


@pytest.fixture(autouse=True)
def _small_library(monkeypatch):
    """Five megabytes that a page's structure does not depend on."""
    monkeypatch.setattr(html, "_plotly", lambda: "/* plotly */")


def test_structure():
    page = Page(html.render("A title", report("plain")))
    assert page.all("title") == page.all("h1") == ["A title"]
    assert page.all("h2") == ["plain"] * 4
    for tag in ("main", "noscript"):
        assert page.tags.count(tag) == 1
    assert page.tags.count("caption") == page.tags.count("table") == 8
    scopes = {a["scope"] for tag, a in page.attributes if tag == "th"}
    assert scopes == {"row", "col"}
    assert ("html", {"lang": "en"}) in page.attributes
    folds = [a for t, a in page.attributes if a.get("class") == "fold"]
    assert len(folds) == 4 and "open" not in folds[0]


@hypothesis.given(names)
@hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_names_are_text_and_add_no_element(name):
    hypothesis.assume(name)
    usual = Page(html.render("plain", report("plain")))
    page = Page(html.render(name, report(name)))
    # A name of digits changes a column's class and sorting, nothing else.
    assert page.tags == usual.tags
    shown = plain.clean(name)
    for tag in ("title", "h1", "h2", "code", "figcaption", "caption"):
        assert shown in page.all(tag)
    scripts = [a for tag, a in page.attributes if tag == "script"]
    kinds = [attributes.get("type") for attributes in scripts]
    assert kinds == ["application/json"] * 4 + [None] * 2
    handlers = [k for _, a in page.attributes for k in a if k.startswith("on")]
    assert handlers == []
    groups = [a["data-group"] for _, a in page.attributes if "data-group" in a]
    (figure, *_) = json.loads(page.all("script")[0])
    assert figure["data"][0]["legendgroup"] == groups[0]


def test_numbers_of_charts_arrive():
    page = Page(html.render("t", report("cold")))
    (figure,) = json.loads(page.all("script")[0])
    *_, curve = figure["data"]
    assert (curve["x"], curve["y"]) == ([1], [30.5])
    assert curve["line"]["color"] == palette.COLORS["cold"]


def test_cells_have_the_numbers_to_sort_by():
    lines = (
        ("cold", sections.Number(51.4, 0.6), "threshold"),
        ("warm", None, "cap 1"),
    )
    table = sections.Table("t", ("arm", "minus cold", "stopped by"), lines)
    page = Page(html.render("t", [sections.Section("s", (table,))]))
    cells = [a for tag, a in page.attributes if tag == "td"]
    assert cells == [
        {"class": "number", "data-value": "51.4"},
        {},
        {"class": "number"},
        {},
    ]


def test_what_is_said_first_and_what_is_loud():
    texts = (sections.Text("a", "answer"), sections.Text("b", "banner"))
    page = Page(html.render("t", [sections.Section("", texts)]))
    classes = [a.get("class") for tag, a in page.attributes if tag == "p"]
    assert classes[-2:] == ["answer", "banner"]
    assert "h2" not in page.tags


def test_page_forbids_itself_the_network():
    text = html.render("t", report("a"))
    metas = [a for tag, a in Page(text).attributes if tag == "meta"]
    (policy,) = [a["content"] for a in metas if "http-equiv" in a]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    sources = {"src", "srcset", "action", "data", "poster"}
    for _, attributes in Page(text).attributes:
        assert not sources & set(attributes)
        assert attributes.get("href", "#").startswith("#")


def test_same_sections_give_the_same_page():
    assert html.render("t", report("a")) == html.render("t", report("a"))


def test_page_without_charts_is_small_and_needs_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    section = sections.Section("s", (sections.Text("t"),))
    text = html.render("t", [section])
    assert "plotly */" not in text
    assert len(text) < 30_000


def test_library_cannot_end_its_script(monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("plotly", reason="needs the extra `report`")
    library = html._plotly()
    assert "</script" not in library.lower()
    assert "<!--" not in library
    # HTML reads it as a line end, and the hash would differ.
    assert "\r" not in library and "\x00" not in library


@pytest.mark.parametrize("name", ["plotly", "jinja2"])
def test_a_missing_library_is_a_sentence(name):
    code = (
        f"import sys\nsys.modules[{name!r}] = None\n"
        "from ws_keras.report import sections\n"
        "from ws_keras.report.render import html\n"
        "chart = sections.Chart('c', 't', ())\n"
        "html.render('t', [sections.Section('s', (chart,))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'ws_keras[report]'" in done.stderr.splitlines()[-1]


def test_unknown_block_is_refused():
    with pytest.raises(TypeError, match="`blocks` must hold.*Received: str"):
        html.render("t", [sections.Section("s", ("text",))])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cold (n = 5)", "cold (n\u00a0=\u00a05)"),
        ("for 55 % of cold's", "for 55\u00a0% of cold's"),
        ("in = 5, % of", "in = 5, % of"),
    ],
)
def test_lines_do_not_break_within_a_number(text, shown):
    assert html._joined(text) == shown
