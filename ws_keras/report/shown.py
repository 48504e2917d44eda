"""Numbers over seeds as texts of tables."""

import math

from ws_keras.report import plain
from ws_keras.report import statistics

NOTHING = plain.NOTHING
MINUS = plain.MINUS


def signed(value: float, decimals: int = 1) -> str:
    """Returns a number with its sign; a minus as long as a plus."""
    return f"{value:+,.{decimals}f}".replace("-", MINUS)


def mean_error(summary: statistics.Summary, decimals: int = 1) -> str:
    """Returns a mean ± its standard error, which one seed does not have."""
    if not summary.count:
        return NOTHING
    text = f"{summary.mean:,.{decimals}f}".replace("-", MINUS)
    return _with_error(text, summary.error, decimals)


def difference(
    found: statistics.Difference,
    decimals: int = 1,
    runs: statistics.Runs | None = None,
) -> str:
    """Returns a paired difference ± its standard error.

    Args:
        found: The `Difference`.
        decimals: Of the numbers. Defaults to 1.
        runs: The seeds that stand beside it; where fewer are pairs, their
            number follows. Defaults to `None`, pairs are counted elsewhere.
    """
    if not found.count:
        return NOTHING
    text = _with_error(signed(found.mean, decimals), found.error, decimals)
    return text + pairs(found.count, runs)


def pairs(count: int, runs: statistics.Runs | None) -> str:
    """Returns the number of pairs where there are fewer than seeds."""
    fewer = runs is not None and 0 < count < len(runs.finished)
    return f" (n = {count})" if fewer else ""


def interval(found: statistics.Difference, decimals: int = 1) -> str:
    """Returns the 95 % interval of a paired difference."""
    if not found.count or math.isnan(found.low):
        return NOTHING
    low, high = (signed(v, decimals) for v in (found.low, found.high))
    return f"{low} to {high}"


def amount(summary: statistics.Summary, whole: bool = False) -> str:
    """Returns a mean of seconds, epochs or passes."""
    if not summary.count:
        return NOTHING
    # A tenth of a second says nothing beside hundreds of them.
    is_whole = whole or summary.mean >= 100
    return f"{summary.mean:,.{0 if is_whole else 1}f}"


def seeds(runs: statistics.Runs) -> str:
    """Returns how many seeds are finished, and how many are not."""
    others = {"unfinished": runs.unfinished, "ended by nan": runs.broken}
    named = [f"{count} {name}" for name, count in others.items() if count]
    extra = f" (+{', +'.join(named)})" if named else ""
    return f"{len(runs.finished)}{extra}"


def _with_error(text: str, error: float, decimals: int) -> str:
    return text if math.isnan(error) else f"{text} ± {error:,.{decimals}f}"
