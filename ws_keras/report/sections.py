"""What a report says, before it is Markdown, HTML, a terminal or a figure."""

import dataclasses
import math
from collections.abc import Iterator
from collections.abc import Mapping

NOTHING = "—"
MINUS = "−"


def written(value: float, decimals: int = 1, is_signed: bool = False) -> str:
    """Returns a number as text, with a typographic minus."""
    sign = "+" if is_signed else ""
    return f"{value:{sign},.{decimals}f}".replace("-", MINUS)


@dataclasses.dataclass(frozen=True)
class Number:
    """A number in a cell of a table; renderers read its value and its text.

    `error` is a half-width (nan for none). `before` and `after` are texts at
    its sides, such as `"~"` for an inferred number and `" (n = 2)"`.
    """

    value: float
    error: float = math.nan
    decimals: int = 1
    is_signed: bool = False
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return NOTHING
        found = written(self.value, self.decimals, self.is_signed)
        if math.isfinite(self.error):
            found += f" ± {written(self.error, self.decimals)}"
        return f"{self.before}{found}{self.after}"


@dataclasses.dataclass(frozen=True)
class Interval:
    """A 95 % interval in a cell of a table, over `count` seeds."""

    low: float
    high: float
    decimals: int = 1
    is_signed: bool = True
    count: int = 0

    @property
    def value(self) -> float:
        """The middle, by which a table is sorted."""
        return (self.low + self.high) / 2

    def __str__(self) -> str:
        # Two seeds may agree by chance, which the interval does not show.
        few = "n = 2: " if self.count == 2 else ""
        low, high = (
            written(v, self.decimals, self.is_signed)
            for v in (self.low, self.high)
        )
        return f"{few}{low} to {high}"


# A cell is one of these, a text, a whole number, a word of an `enum.Enum`, or
# `None` where there is nothing.
Cell = Number | Interval | str | int | None


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph; plain text, never markup.

    `role` is `"answer"` for the first sentences of a report, `"banner"` for
    a warning about them, else empty.
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

    `arm` decides the color, which is the same in all charts of a report.
    `error` has a half-width for each point (nan for none). `is_paper` marks
    the numbers of a paper, which are drawn as open diamonds without a line.
    """

    name: str
    arm: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    is_paper: bool = False

    def points(self) -> Iterator[tuple[float, float, float]]:
        """Yields x, y and half-width of each point."""
        errors = self.error or (math.nan,) * len(self.x)
        yield from zip(self.x, self.y, errors, strict=True)


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes.

    `kind` is one of

    - `"lines"`;
    - `"points"`, without a line between them;
    - `"labelled"`: single points, and a thin gray line for a series of several
      points. `named` maps the points with names beside them to their side, in
      Plotly's words;
    - `"dots"`: numbers along x, and `words` down the y axis, where `y` is the
      index of a word;
    - `"heat"`: a heat map without series. `columns` and `words` name its
      columns and rows, and `values` has its rows, nan for an empty cell.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...] = ()
    kind: str = "lines"
    title: str = ""
    is_log: bool = False
    from_zero: bool = False  # whether the y axis begins at 0
    words: tuple[str, ...] = ()
    named: Mapping[str, str] = dataclasses.field(default_factory=dict)
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
    """Blocks that are shown once a reader opens their title."""

    title: str
    blocks: tuple  # of Text, Code, Table and Chart


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple  # of Text, Code, Table, Chart and Fold


def kind(block) -> str:
    """Returns the name of a block's class.

    Raises:
        TypeError: It is no block.
    """
    if not isinstance(block, Text | Code | Table | Chart | Fold):
        raise TypeError(
            "`blocks` must hold `Text`, `Code`, `Table`, `Chart` or `Fold`. "
            f"Received: {type(block).__name__}."
        )
    return type(block).__name__


def charts(parts) -> list[Chart]:
    """Returns all charts of sections, the folded ones too, in their order."""
    found = []
    for part in parts:
        if isinstance(part, Chart):
            found.append(part)
        elif isinstance(part, Section | Fold):
            found += charts(part.blocks)
    return found
