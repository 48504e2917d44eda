"""What a report says, before it is Markdown, HTML or a figure."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph; plain text, never markup."""

    text: str


@dataclasses.dataclass(frozen=True)
class Code:
    """A command or another text to be shown letter by letter."""

    text: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of words and numbers as they are to be shown.

    `note` stands below it. All lines have as many parts as `header`.
    """

    title: str
    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Series:
    """One curve, set of points or set of bars.

    `arm` decides the color, the same in all charts of a report. `error` is a
    half-width for each point (nan where there is none). `is_paper` marks the
    paper's numbers, which are drawn as open diamonds without a line.
    """

    name: str
    arm: str
    x: tuple  # numbers, or words for bars
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    is_paper: bool = False


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes.

    `kind` is `"lines"`, `"points"` (no line between them), `"bars"` or
    `"heat"`. Of a heat map, which has no series, `x` and `y` are the words at
    its columns and rows and `values` its rows of numbers, nan for an empty
    cell.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...] = ()
    kind: str = "lines"
    title: str = ""
    log_x: bool = False
    from_zero: bool = False  # whether the y axis begins at 0
    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    """Panels beside each other with one legend; `name` is its file's stem."""

    name: str
    title: str
    panels: tuple[Panel, ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple  # of Text, Code, Table and Chart
