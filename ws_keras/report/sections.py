"""What a report says, before it is Markdown, HTML, a terminal or a figure."""

import dataclasses
import math
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Number:
    """A number in a cell of a table; it stays one until it is drawn.

    `error` is a half-width (nan: none), `before` and `after` are words at its
    sides, such as `"~"` of an inferred number and `" (n = 2)"`.
    """

    value: float
    error: float = math.nan
    decimals: int = 1
    is_signed: bool = False
    before: str = ""
    after: str = ""


@dataclasses.dataclass(frozen=True)
class Interval:
    """A 95 % interval in a cell of a table, over `count` seeds."""

    low: float
    high: float
    decimals: int = 1
    is_signed: bool = True
    count: int = 0


# A cell is one of these, a text, a whole number, a word of an `enum.Enum`, or
# `None` where there is nothing.
Cell = Number | Interval | str | int | None


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph; plain text, never markup.

    `role` is `"answer"` for what a report says first, `"banner"` for what
    must be known before it is believed, else nothing.
    """

    text: str
    role: str = ""


@dataclasses.dataclass(frozen=True)
class Code:
    """A command or another text to be shown letter by letter."""

    text: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of typed cells.

    `note` stands below it. All lines have as many cells as `header`.
    """

    title: str
    header: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Series:
    """One curve or set of points.

    `arm` decides the color, the same in all charts of a report. `error` is a
    half-width for each point (nan where there is none). `is_paper` marks the
    paper's numbers, which are drawn as open diamonds without a line.
    """

    name: str
    arm: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    is_paper: bool = False

    def points(self) -> Iterator[tuple[float, float, float]]:
        """Yields x, y and half-width of each point, nan where it has none."""
        errors = self.error or (math.nan,) * len(self.x)
        yield from zip(self.x, self.y, errors, strict=True)


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes.

    `kind` is `"lines"`, `"points"` (no line between them), `"labelled"`
    (single points, those in `named` with their names beside them, and a thin
    gray line where a series has several), `"dots"` (numbers along x, `words`
    down the y axis, which `y` counts from 0) or `"heat"`. Of
    a heat map, which has no series, `columns` and `words` name its columns and
    rows, and `values` are its rows of numbers, nan for an empty cell.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...] = ()
    kind: str = "lines"
    title: str = ""
    is_log: bool = False
    from_zero: bool = False  # whether the y axis begins at 0
    words: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    """Panels beside each other with one legend; `name` is its file's stem.

    `is_main` charts are also drawn as files, for pages without scripts.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    is_main: bool = False


@dataclasses.dataclass(frozen=True)
class Fold:
    """What is shown once its title is chosen."""

    title: str
    blocks: tuple  # of Text, Code, Table and Chart


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple  # of Text, Code, Table, Chart and Fold


def charts(parts) -> list[Chart]:
    """Returns all charts of sections, the folded ones too, in their order."""
    found = []
    for part in parts:
        if isinstance(part, Chart):
            found.append(part)
        elif isinstance(part, Section | Fold):
            found += charts(part.blocks)
    return found
