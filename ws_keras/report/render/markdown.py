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

    Names and texts are data: whatever stands in them is shown letter by
    letter. A chart is the file `name.png` beside the page.

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
    found = [f"# {escape(plain.cell(title))}"]
    for section in sections:
        if section.title:
            found.append(f"## {escape(plain.cell(section.title))}")
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
    header, lines = list(header), [list(line) for line in lines]
    right = [
        formatting.is_numeric(column[1:])
        for column in zip(header, *lines, strict=True)
    ]
    shown = [
        [escape(formatting.text(cell)) for cell in line]
        for line in (header, *lines)
    ]
    widths = [max(3, *map(len, column)) for column in zip(*shown, strict=True)]
    rule = [
        "-" * (width - 1) + (":" if is_right else "-")
        for width, is_right in zip(widths, right, strict=True)
    ]
    shown.insert(1, rule)
    return "\n".join(_join(line, widths, right) for line in shown) + "\n"


def escape(text: str) -> str:
    """Returns one line of Markdown that is shown as the text itself."""
    text = _ALWAYS.sub(r"\\\1", plain.one_line(text))
    text = _ENTITY.sub(r"\\&", _EMPHASIS.sub(r"\\_", text))
    return text


def _block(block) -> list[str]:
    match block:
        case parts.Text():
            text = _paragraph(block.text)
            return [f"> {text}" if block.role == "banner" else text]
        case parts.Code():
            return [_fenced(block.text)]
        case parts.Table():
            title = (
                [f"### {escape(plain.cell(block.title))}"]
                if block.title
                else []
            )
            note = [_paragraph(block.note)] if block.note else []
            return [*title, table(block.header, block.lines).rstrip(), *note]
        case parts.Chart():
            # Others are figures of the page alone.
            return [_picture(block)] if block.is_main else []
        case parts.Fold():
            return _fold(block)
    raise TypeError(
        "`blocks` must hold `Text`, `Code`, `Table`, `Chart` or `Fold`. "
        f"Received: {type(block).__name__}."
    )


def _fold(block: parts.Fold) -> list[str]:
    inner = [text for one in block.blocks for text in _block(one)]
    if not inner:
        return []
    # Where a summary stands, Markdown is no more than text.
    name = html.escape(plain.cell(block.title))
    summary = f"<details><summary>{name}</summary>"
    return [summary, *inner, "</details>"]


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


def _join(line: list[str], widths: list[int], right: list[bool]) -> str:
    padded = [
        text.rjust(width) if is_right else text.ljust(width)
        for text, width, is_right in zip(line, widths, right, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
