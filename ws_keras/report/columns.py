"""Columns of tables of arms: the name of a line, and what a cell reads."""

import dataclasses
import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics

# The name of a column, and the function from an arm to a cell.
Column = tuple[str, Callable[[runs.Arm], sections.Cell]]


def names(some: Sequence[runs.Arm], *always: str) -> list[Column]:
    """Returns the columns that tell arms apart: what varies, and the arm."""

    def fields(arm: runs.Arm) -> dict:
        return {**arm.cell._asdict(), **arm.labels}

    def read(arm: runs.Arm, key: str) -> sections.Cell:
        value = fields(arm).get(key)
        if value is None:
            return None
        return f"{value:g}" if isinstance(value, float) else str(value)

    cells = list(map(fields, some))
    found = [
        (key, functools.partial(read, key=key))
        for key in dict.fromkeys(key for cell in cells for key in cell)
        if key != "variant"
        and (key in always or len({c.get(key) for c in cells}) > 1)
    ]
    return [*found, ("arm", lambda arm: arm.name)]


def pair(
    name: str,
    interval: str,
    read: Callable[[runs.Arm], statistics.Effect | statistics.Ratio | None],
    decimals: Callable[[runs.Arm], int] = lambda arm: 1,
) -> list[Column]:
    """Returns the columns of a difference or a share, and of its interval.

    Args:
        name: Header of the first column.
        interval: Header of the second column.
        read: Returns the estimate of an arm, or `None` for empty cells.
        decimals: Returns the decimals of an arm's differences. Defaults to 1
            for all arms.
    """

    def estimate(arm: runs.Arm) -> sections.Cell:
        found, seeds = read(arm), len(arm.runs.finished)
        if found is None:
            return None
        return formatting.estimate(found, seeds, decimals(arm))

    def ends(arm: runs.Arm) -> sections.Cell:
        found = read(arm)
        return (
            None if found is None else formatting.interval(found, decimals(arm))
        )

    return [(name, estimate), (interval, ends)]


def of_others(read: Callable[[runs.Arm], Any]) -> Callable[[runs.Arm], Any]:
    """Returns a function that reads an arm, and gives `None` for cold."""
    return lambda arm: None if arm.is_cold else read(arm)


def seeds(found: grouping.Runs) -> sections.Cell:
    """Returns how many seeds are finished, and how many are not."""
    others = {"unfinished": found.unfinished, "ended by nan": found.broken}
    named = [f"{count} {name}" for name, count in others.items() if count]
    if not named:
        return len(found.finished)
    extra = f" (+{', +'.join(named)})"
    return sections.Number(len(found.finished), decimals=0, after=extra)


def without_empty(table: sections.Table) -> sections.Table:
    """Returns a table without its empty columns."""
    columns = list(zip(table.header, *table.lines, strict=True))
    kept = [c for c in columns if any(v is not None for v in c[1:])]
    if not kept:
        return table
    header, *lines = zip(*kept, strict=True)
    return dataclasses.replace(table, header=header, lines=tuple(lines))


def made(
    title: str,
    columns: Sequence[Column],
    some: Sequence[runs.Arm],
    note: str = "",
) -> sections.Table:
    """Returns a table with a line for each arm, without empty columns."""
    header = tuple(name for name, _ in columns)
    lines = tuple(tuple(read(arm) for _, read in columns) for arm in some)
    return without_empty(sections.Table(title, header, lines, note))


def by_x(
    title: str, found: Sequence[tuple[str, dict]], note: str
) -> sections.Table:
    """Returns a table with a line for each number of samples.

    Args:
        title: Its title.
        found: Header of each column, and number of samples to cell.
        note: The text below it.
    """
    sizes = sorted({x for _, column in found for x in column})
    lines = tuple((x, *(c.get(x) for _, c in found)) for x in sizes)
    header = ("samples", *(name for name, _ in found))
    return sections.Table(title, header, lines, note)
