"""Typed cells and numbers as text, and cells made from statistics."""

import enum
import math
from collections.abc import Iterable

from ws_keras.report import plain
from ws_keras.report import sections
from ws_keras.report import statistics

NOTHING = "—"
MINUS = "−"


def text(cell: sections.Cell) -> str:
    """Returns a cell as it is shown."""
    match cell:
        case None:
            return NOTHING
        case sections.Number():
            return _number(cell)
        case sections.Interval():
            return _interval(cell)
        case enum.Enum():
            return str(cell.value)
        case bool() | str():
            return plain.cell(str(cell))
        case int():
            return f"{cell:,}".replace("-", MINUS)
        case float():
            return shown(cell)
    raise TypeError(f"A cell must be of a known type. Received: {cell!r}.")


def order(cell: sections.Cell) -> float:
    """Returns the number that a cell is sorted by; nan where it has none."""
    match cell:
        case sections.Number():
            return cell.value
        case sections.Interval():
            return (cell.low + cell.high) / 2
        case bool():
            return math.nan
        case int() | float():
            return float(cell)
    return math.nan


def is_numeric(column: Iterable[sections.Cell]) -> bool:
    """Returns whether all cells of a column are numbers or empty."""
    return all(
        cell is None
        or isinstance(cell, sections.Number | sections.Interval | int | float)
        for cell in column
    )


def signed(value: float, decimals: int = 1) -> str:
    """Returns a number with its sign; a minus as long as a plus."""
    return f"{value:+,.{decimals}f}".replace("-", MINUS)


def unsigned(value: float, decimals: int = 1) -> str:
    """Returns a number whose sign is shown where it is a minus."""
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def shown(value: float, error: float = math.nan) -> str:
    """Returns a number as it is written beside a chart.

    Args:
        value: Any number.
        error: Half-width. Defaults to nan, which is not written.

    Returns:
        Such as `"51.42 ± 0.6"`, and a dash for what is not finite.
    """
    if not math.isfinite(value):
        return NOTHING
    found = _rounded(value)
    return f"{found} ± {_rounded(error)}" if math.isfinite(error) else found


def heat(values: Iterable[Iterable[float]]) -> list[list[str]]:
    """Returns the numbers of a heat map, all with the same decimals."""
    values = [list(line) for line in values]
    known = [abs(v) for line in values for v in line if math.isfinite(v)]
    largest = max(known, default=0.0)
    steps = ((1000, 0), (10, 1), (1, 2))
    decimals = next((d for least, d in steps if largest >= least), 3)
    return [
        [unsigned(v, decimals) if math.isfinite(v) else "" for v in line]
        for line in values
    ]


def mean(found: statistics.Summary, decimals: int = 1, after: str = ""):
    """Returns the cell of a mean ± its standard error; one seed has none."""
    if not found.count:
        return None
    return sections.Number(found.mean, found.error, decimals, after=after)


def amount(found: statistics.Summary, is_whole: bool = False):
    """Returns the cell of a mean of seconds, epochs or passes."""
    # A tenth of a second says nothing beside hundreds of them.
    decimals = 0 if is_whole or found.mean >= 100 else 1
    return (
        sections.Number(found.mean, decimals=decimals) if found.count else None
    )


def difference(found: statistics.Effect, seeds: int = 0, decimals: int = 1):
    """Returns the cell of a paired difference ± its standard error.

    Args:
        found: The `Effect`.
        seeds: How many seeds stand beside it; where fewer are pairs, their
            number follows. Defaults to 0, pairs are counted elsewhere.
        decimals: Of the numbers. Defaults to 1.
    """
    if not found.count:
        return None
    after = f" (n = {found.count})" if found.count < seeds else ""
    return sections.Number(
        found.mean, found.error, decimals, is_signed=True, after=after
    )


def interval(found: statistics.Effect | statistics.Ratio, decimals: int = 1):
    """Returns the cell of a 95 % interval; `None` for fewer than two seeds."""
    if found.count < 2 or math.isnan(found.low) or math.isinf(found.low):
        return None
    is_signed = isinstance(found, statistics.Effect)
    return sections.Interval(
        found.low, found.high, decimals, is_signed, found.count
    )


def percent(found: statistics.Ratio):
    """Returns the cell of a ratio in percent."""
    return (
        sections.Number(100 * found.mean, decimals=0) if found.count else None
    )


def percent_interval(found: statistics.Ratio):
    """Returns the cell of the 95 % interval of a ratio, in percent."""
    if found.count < 2:
        return None
    low, high = 100 * found.low, 100 * found.high
    return sections.Interval(low, high, 0, False, found.count)


def in_words(found: statistics.Effect, factor: float = 1.0) -> str:
    """Returns the interval of a difference as a sentence has it.

    Args:
        found: The `Effect`.
        factor: What both ends are multiplied by, such as -1 for costs.
    """
    if found.count < 2:
        return "one seed, no interval"
    low, high = sorted((factor * found.low, factor * found.high))
    ends = f"{unsigned(low)} to {unsigned(high)}"
    few = "n = 2, " if found.count == 2 else ""
    return f"{few}95 % interval {ends}"


def _number(cell: sections.Number) -> str:
    if math.isnan(cell.value):
        return NOTHING
    write = signed if cell.is_signed else unsigned
    found = write(cell.value, cell.decimals)
    if math.isfinite(cell.error):
        found += f" ± {cell.error:,.{cell.decimals}f}"
    return f"{cell.before}{found}{cell.after}"


def _interval(cell: sections.Interval) -> str:
    write = signed if cell.is_signed else unsigned
    low, high = (write(v, cell.decimals) for v in (cell.low, cell.high))
    # A t interval of one degree of freedom is no small thing to overlook.
    few = "n = 2: " if cell.count == 2 else ""
    return f"{few}{low} to {high}"


def _rounded(value: float) -> str:
    size = abs(value)
    if size and (size < 0.01 or size >= 1e9):
        found = f"{value:.3g}"
    else:
        decimals = 1 if size >= 100 else 2 if size >= 1 else 4
        found = f"{value:,.{decimals}f}"
        found = found.rstrip("0").rstrip(".") if "." in found else found
    return found.replace("-", MINUS)
