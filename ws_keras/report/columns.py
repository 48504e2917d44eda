"""Columns of tables of arms: what names a line, and what a cell reads."""

from collections.abc import Callable
from collections.abc import Sequence

from ws_keras.report import grouping
from ws_keras.report import runs
from ws_keras.report import sections

# The name of a column, and what its cells are made from.
Column = tuple[str, Callable[[runs.Arm], sections.Cell]]


def names(some: Sequence[runs.Arm], *always: str) -> list[Column]:
    """Returns the columns that tell arms apart: what varies, and the arm."""
    cells = [{**arm.cell._asdict(), **arm.labels} for arm in some]
    keys = dict.fromkeys(key for cell in cells for key in cell)
    varying = [
        key
        for key in keys
        if key != "variant"
        and (key in always or len({c.get(key) for c in cells}) > 1)
    ]
    return [*((key, _reader(key)) for key in varying), ("arm", _name)]


def word(value) -> sections.Cell:
    """Returns the value of a label as a cell."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def seeds(found: grouping.Runs) -> sections.Cell:
    """Returns how many seeds are finished, and how many are not."""
    others = {"unfinished": found.unfinished, "ended by nan": found.broken}
    named = [f"{count} {name}" for name, count in others.items() if count]
    if not named:
        return len(found.finished)
    extra = f" (+{', +'.join(named)})"
    return sections.Number(len(found.finished), decimals=0, after=extra)


def without_empty(table: sections.Table) -> sections.Table:
    """Returns a table without the columns that have no cell."""
    columns = list(zip(table.header, *table.lines, strict=True))
    kept = [c for c in columns if any(v is not None for v in c[1:])]
    if not kept or not table.lines:
        return table
    header, *lines = zip(*kept, strict=True)
    return sections.Table(table.title, header, tuple(lines), table.note)


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


def _reader(key: str) -> Callable[[runs.Arm], sections.Cell]:
    def read(arm: runs.Arm) -> sections.Cell:
        value = arm.labels.get(key, getattr(arm.cell, key, None))
        return None if value is None else word(value)

    return read


def _name(arm: runs.Arm) -> str:
    return arm.name
