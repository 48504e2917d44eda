"""Markdown shows names letter by letter, and its tables line up."""

import hypothesis
import pytest
from hypothesis import strategies

from ws_keras.report import plain
from ws_keras.report import sections
from ws_keras.report.render import markdown

NASTY = (
    "<script>alert(1)</script>",
    "a | b",
    "`code` ``more``",
    "*bold* _too_ __both__ ~~gone~~",
    "[link](javascript:alert(1))",
    "![](x.png)",
    "# heading",
    "1. list",
    "- list",
    "---",
    "> quote",
    "&lt; &#60; R&D",
    "back\\slash \\| \\",
    "$x$ www",
    "two\nlines",
    "emoji 🔥",
)
names = strategies.one_of(
    strategies.sampled_from(NASTY), strategies.text(max_size=20)
)


@pytest.fixture(scope="module")
def parser():
    markdown_it = pytest.importorskip("markdown_it")
    found = markdown_it.MarkdownIt("commonmark")
    return found.enable(["table", "strikethrough"])


def texts(parser, text, kind):
    """The contents of elements of a kind; fails where there is markup."""
    tokens = parser.parse(text)
    found = []
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == f"{kind}_open":
            kinds = {child.type for child in inline.children}
            assert kinds <= {"text", "text_special"}
            found.append("".join(child.content for child in inline.children))
    return found


def test_page_of_every_block():
    number = sections.Number(5.0, decimals=0)
    inner = (
        sections.Table("O", ("a",), (("b",),), "A note."),
        sections.Chart("curves", "Of the page alone", ()),
    )
    blocks = (
        sections.Text("After 3.", "answer"),
        sections.Text("Partial.", "banner"),
        sections.Code("ws-run\n  --list"),
        sections.Chart("online cells", "Over samples", (), True),
        sections.Table("", ("arm", "%"), (("cold", number),)),
        sections.Fold("Claims <1>", inner),
        sections.Fold("Empty", ()),
    )
    page = markdown.render("fig2_online", [sections.Section("", blocks)])
    assert page == (
        "# fig2_online\n\n"
        "After 3.\n\n"
        "> Partial.\n\n"
        "```\nws-run\n  --list\n```\n\n"
        "![Over samples](online%20cells.png)\n\n"
        "| arm  |   % |\n| ---- | --: |\n| cold |   5 |\n\n"
        "<details><summary>Claims &lt;1&gt;</summary>\n\n"
        "### O\n\n"
        "| a   |\n| --- |\n| b   |\n\n"
        "A note.\n\n"
        "</details>\n"
    )


@hypothesis.given(names)
@hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_names_are_shown_letter_by_letter(parser, name):
    hypothesis.assume(plain.one_line(name))
    shown = plain.one_line(name)
    table = markdown.table(("arm", name), ((name, "x"),))
    assert texts(parser, table, "th") == ["arm", shown]
    assert texts(parser, table, "td") == [shown, "x"]
    blocks = (sections.Text(name),)
    page = markdown.render(name, [sections.Section(name, blocks)])
    assert texts(parser, page, "heading") == [shown, shown]
    assert texts(parser, page, "paragraph") == [shown]


@pytest.mark.parametrize("text", ["```", "a\n````\nb", "~~~", "<b>"])
def test_code_cannot_end_its_fence(parser, text):
    section = sections.Section("Code", (sections.Code(text),))
    fences = [
        token.content
        for token in parser.parse(markdown.render("t", [section]))
        if token.type == "fence"
    ]
    assert fences == [f"{text}\n"]


def test_words_of_the_package_stay_readable():
    assert markdown.escape("shrink_perturb 0.6/0.01") == (
        "shrink_perturb 0.6/0.01"
    )


def test_lines_of_a_table_are_equally_long():
    lines = (("cold | warm", sections.Number(51.4, 0.6)), ("warm", None))
    table = markdown.table(("arm", "accuracy %"), lines).splitlines()
    assert len(set(map(len, table))) == 1
    assert table[1].endswith(": |")


def test_unknown_block_is_refused():
    with pytest.raises(TypeError, match="`blocks` must hold.*Received: str"):
        markdown.render("t", [sections.Section("s", ("text",))])
