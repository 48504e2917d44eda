"""The part of a report that fits a terminal: its sentences, and its table."""

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
_NAME = 28  # letters of a name that is too long
_SHORTEST = 12
# These columns are left out first where a table is too wide.
_EXPENDABLE = (
    "CPU s",
    "training %",
    "comparison",
    "paper %",
    "interval of passes",
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
        found += map(_wrapped, said)
        found.append(fitted(tables.arms(run)))
    return "\n\n".join(filter(None, found))


def fitted(table: sections.Table, width: int = WIDTH) -> str:
    """Returns a table with shorter names, or fewer columns, if too wide."""
    steps = [table, _shorter(table, _NAME)]
    for name in _EXPENDABLE:
        steps.append(_without(steps[-1], name))
    steps.append(_shorter(steps[-1], _SHORTEST))
    made = [markdown.table(one.header, one.lines).rstrip() for one in steps]
    fitting = (m for m in made if max(map(len, m.splitlines())) <= width)
    # Names that are cut are of no use where the table is too wide even so.
    return next(fitting, made[-2])


def _wrapped(words: str) -> str:
    return textwrap.fill(words, WIDTH, break_on_hyphens=False)


def _without(table: sections.Table, name: str) -> sections.Table:
    kept = [i for i, title in enumerate(table.header) if title != name]
    header, *lines = (
        tuple(line[i] for i in kept) for line in (table.header, *table.lines)
    )
    return dataclasses.replace(table, header=header, lines=tuple(lines))


def _shorter(table: sections.Table, length: int) -> sections.Table:
    lines = tuple(
        tuple(
            plain.one_line(formatting.text(cell), length)
            if isinstance(cell, str)
            else cell
            for cell in line
        )
        for line in table.lines
    )
    return dataclasses.replace(table, lines=lines)
