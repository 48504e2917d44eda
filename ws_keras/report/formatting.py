"""Typed cells and numbers as text, and cells made from statistics."""

import enum
import math
from collections.abc import Iterable
from collections.abc import Sequence

from ws_keras.report import plain
from ws_keras.report import sections
from ws_keras.report import statistics

NOTHING = sections.NOTHING
MINUS = sections.MINUS
_NUMBERS = (sections.Number, sections.Interval)


def text(cell: sections.Cell) -> str:
    """Returns a cell as a reader sees it."""
    match cell:
        case None:
            return NOTHING
        case sections.Number() | sections.Interval():
            return str(cell)
        case enum.Enum():
            return str(cell.value)
        case bool() | str():
            return plain.cell(str(cell))
        case int():
            return unsigned(cell, 0)
        case float():
            return shown(cell)
    raise TypeError(f"A cell must be of a known type. Received: {cell!r}.")


def order(cell: sections.Cell) -> float:
    """Returns the number that sorts a cell; nan where it has none."""
    if isinstance(cell, _NUMBERS):
        return cell.value
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return float(cell) if is_number else math.nan


def is_numeric(column: Iterable[sections.Cell]) -> bool:
    """Returns whether all cells of a column are numbers or empty."""
    return all(
        cell is None or isinstance(cell, (*_NUMBERS, int, float))
        for cell in column
    )


def signed(value: float, decimals: int = 1) -> str:
    """Returns a number with its sign."""
    return sections.written(value, decimals, is_signed=True)


def unsigned(value: float, decimals: int = 1) -> str:
    """Returns a number, with its sign only if that is a minus."""
    return sections.written(value, decimals)


def shown(value: float, error: float = math.nan) -> str:
    """Returns a number for a label of a chart, such as `"51.42 ± 0.6"`.

    Args:
        value: Any number; a dash stands for one that is not finite.
        error: Half-width. Defaults to nan, which is left out.
    """
    if not math.isfinite(value):
        return NOTHING
    found = _rounded(value)
    return f"{found} ± {_rounded(error)}" if math.isfinite(error) else found


def listed(words: Sequence[str]) -> str:
    """Returns words with commas, and with `and` before the last."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


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


def mean(found: statistics.Effect, decimals: int = 1, after: str = ""):
    """Returns the cell of a mean ± its standard error; one seed has none."""
    if not found.count:
        return None
    return sections.Number(found.mean, found.error, decimals, after=after)


def amount(found: statistics.Effect, is_whole: bool = False, seeds: int = 0):
    """Returns the cell of a mean of seconds, epochs or passes."""
    if not found.count:
        return None
    # A tenth of a second says nothing beside hundreds of them.
    decimals = 0 if is_whole or found.mean >= 100 else 1
    after = fewer(found, seeds)
    return sections.Number(found.mean, decimals=decimals, after=after)


def fewer(found: statistics.Effect | statistics.Ratio, seeds: int) -> str:
    """Returns the number of seeds behind a mean if the line has more seeds."""
    return f" (n = {found.count})" if found.count < seeds else ""


def difference(found: statistics.Effect, seeds: int = 0, decimals: int = 1):
    """Returns the cell of a paired difference ± its standard error.

    Args:
        found: The difference.
        seeds: The number of seeds in the same line of the table. The number
            of pairs is added if it is smaller. Defaults to 0, never.
        decimals: Decimals of the numbers. Defaults to 1.
    """
    after = fewer(found, seeds)
    cell = mean(found, decimals, after)
    return cell and sections.Number(
        cell.value, cell.error, decimals, is_signed=True, after=after
    )


def interval(found: statistics.Effect | statistics.Ratio, decimals: int = 1):
    """Returns the cell of a 95 % interval; that of a ratio is in percent.

    It is `None` for fewer than two seeds.
    """
    if found.count < 2 or not math.isfinite(found.low):
        return None
    if isinstance(found, statistics.Ratio):
        low, high = 100 * found.low, 100 * found.high
        return sections.Interval(low, high, 0, False, found.count)
    return sections.Interval(found.low, found.high, decimals, count=found.count)


def percent(found: statistics.Ratio, seeds: int = 0):
    """Returns the cell of a ratio in percent."""
    if not found.count:
        return None
    after = fewer(found, seeds)
    return sections.Number(100 * found.mean, decimals=0, after=after)


def estimate(
    found: statistics.Effect | statistics.Ratio, seeds: int, decimals: int
):
    """Returns the cell of a difference, or of a ratio in percent."""
    if isinstance(found, statistics.Ratio):
        return percent(found, seeds)
    return difference(found, seeds, decimals)


def in_words(found: statistics.Effect) -> str:
    """Returns the interval of a difference for a sentence."""
    if found.count < 2:
        return "one seed, no interval"
    few = "n = 2, " if found.count == 2 else ""
    return f"{few}95 % interval {unsigned(found.low)} to {unsigned(found.high)}"


def _rounded(value: float) -> str:
    size = abs(value)
    if size and (size < 0.01 or size >= 1e9):
        found = f"{value:.3g}"
    else:
        decimals = 1 if size >= 100 else 2 if size >= 1 else 4
        found = f"{value:,.{decimals}f}".rstrip("0").rstrip(".")
    return found.replace("-", MINUS)
