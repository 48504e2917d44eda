"""Sections as Markdown whose tables also line up as plain text."""

import html
import re
import urllib.parse
from collections.abc import Iterable

from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import sections as parts
from ws_keras.report.render import marks

_ALWAYS = re.compile(r"([\\`*\[\]<|~$#])")
# Inside a word an underscore is no markup: `shrink_perturb` stays readable.
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LIST = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_START = re.compile(r"^([-+>=])")


def render(title: str, sections: Iterable[parts.Section]) -> str:
    """Returns a report as Markdown.

    Names and texts are data: markup in them is shown letter by letter. A
    chart is the file `name.png` beside the page.

    Example:

    ```python
    page = markdown.render("fig2_online", [section])
    ```

    Args:
        title: Heading of the page.
        sections: What it says, in order.

    Returns:
        Markdown, as GitHub reads it.
    """
    found = [_heading("#", title)]
    for section in sections:
        found += [_heading("##", section.title)] if section.title else []
        for block in section.blocks:
            found += _block(block)
    return "\n\n".join(found) + "\n"


def table(header: Iterable[str], lines: Iterable[Iterable[parts.Cell]]) -> str:
    """Returns a Markdown table whose columns also line up as plain text.

    Columns of numbers are aligned to the right.

    Args:
        header: Names of the columns.
        lines: Cells, as many in each line as in `header`.

    Returns:
        Markdown that ends in a line end.
    """
    columns = []
    for head, *cells in zip(header, *lines, strict=True):
        texts = [escape(formatting.text(cell)) for cell in (head, *cells)]
        width = max(3, *map(len, texts))
        if formatting.is_numeric(cells):
            texts = [text.rjust(width) for text in texts]
            rule = "-" * (width - 1) + ":"
        else:
            texts = [text.ljust(width) for text in texts]
            rule = "-" * width
        columns.append([texts[0], rule, *texts[1:]])
    shown = zip(*columns, strict=True)
    return "".join(f"| {' | '.join(line)} |\n" for line in shown)


def escape(text: str) -> str:
    """Returns one line of Markdown that shows the text itself."""
    text = _ALWAYS.sub(r"\\\1", plain.one_line(text))
    return _ENTITY.sub(r"\\&", _EMPHASIS.sub(r"\\_", text))


def _block(block) -> list[str]:
    match parts.kind(block):
        case "Text":
            text = _paragraph(block.text)
            return [f"> {text}" if block.role == "banner" else text]
        case "Code":
            return [_fenced(block.text)]
        case "Table":
            title = [_heading("###", block.title)] if block.title else []
            note = [_paragraph(block.note)] if block.note else []
            return [*title, table(block.header, block.lines).rstrip(), *note]
        case "Chart":
            # Others are figures of the page alone.
            return [_picture(block)] if block.is_main else []
        case "Fold":
            inner = [text for one in block.blocks for text in _block(one)]
            # GitHub reads no Markdown in a summary.
            name = html.escape(plain.cell(block.title))
            summary = f"<details><summary>{name}</summary>"
            return [summary, *inner, "</details>"] if inner else []
        case kind:
            raise TypeError(f"No such block. Received: {kind}")


def _heading(signs: str, text: str) -> str:
    return f"{signs} {escape(plain.cell(text))}"


def _picture(chart: parts.Chart) -> str:
    file = urllib.parse.quote(f"{marks.stem(chart)}.png")
    return f"![{escape(plain.cell(chart.title))}]({file})"


def _paragraph(text: str) -> str:
    text = _LIST.sub(r"\1\\\2", escape(text))
    return _START.sub(r"\\\1", text)


def _fenced(text: str) -> str:
    text = plain.clean(text).strip("\n")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
