"""What of a report fits a terminal: its sentences, and its table."""

import dataclasses
import textwrap
from collections.abc import Sequence

from ws_keras.report import answer
from ws_keras.report import formatting
from ws_keras.report import plain
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import tables
from ws_keras.report.render import markdown

WIDTH = 100  # letters
_NAME = 24  # letters of a name that is too long
# What goes first where a table is too wide.
_EXPENDABLE = (
    "comparison",
    "paper %",
    "its interval",
    "recalibrated %",
    "passes, % of cold",
    "95 % interval",
    "minus cold",
)


def text(some: Sequence[runs.Run]) -> str:
    """Returns sentences and a table for each experiment."""
    found = []
    for run in some:
        if len(some) > 1:
            found.append(f"{run.experiment}:")
        said = [" ".join(answer.sentences(run)), *answer.banners(run)]
        found.append("\n".join(map(_wrapped, said)))
        found.append(fitted(tables.arms(run)))
    return "\n\n".join(filter(None, found))


def fitted(table: sections.Table, width: int = WIDTH) -> str:
    """Returns a table with shorter names, or fewer columns, if too wide."""
    if _width(table) > width:
        table = _shorter(table, _NAME)
    for name in _EXPENDABLE:
        if _width(table) > width:
            table = _without(table, name)
    if _width(table) > width:
        table = _shorter(table, _NAME // 2)
    return _made(table)


def _wrapped(words: str) -> str:
    return textwrap.fill(words, WIDTH, break_on_hyphens=False)


def _made(table: sections.Table) -> str:
    return markdown.table(table.header, table.lines).rstrip()


def _width(table: sections.Table) -> int:
    return max(map(len, _made(table).splitlines()))


def _without(table: sections.Table, name: str) -> sections.Table:
    kept = [i for i, title in enumerate(table.header) if title != name]
    header, *lines = (
        tuple(line[i] for i in kept) for line in (table.header, *table.lines)
    )
    return dataclasses.replace(table, header=header, lines=tuple(lines))


def _shorter(table: sections.Table, length: int) -> sections.Table:
    lines = tuple(
        tuple(_short(cell, length) for cell in line) for line in table.lines
    )
    return dataclasses.replace(table, lines=lines)


def _short(cell: sections.Cell, length: int) -> sections.Cell:
    if isinstance(cell, str):
        return plain.one_line(formatting.text(cell), length)
    return cell
