"""The unit in which arms differ: points of accuracy, or another metric's."""

import dataclasses
import math
import numbers
from collections.abc import Iterable

import numpy as np

from ws_keras.report import formatting
from ws_keras.storage import metric as metrics

MARGIN = 1.0  # points of accuracy
_SHARE = 0.01  # of cold's value, for any other metric


@dataclasses.dataclass(frozen=True)
class Scale:
    """How values of a metric and their differences are written and judged.

    Args:
        metric: The `Metric`.
        margin: Greatest difference at which two arms count as equally good.
    """

    metric: metrics.Metric
    margin: float

    @property
    def largest(self) -> float:
        """Value of a sample that is right; 0 where none is right or wrong."""
        return 100.0 if self.metric.is_accuracy else 0.0

    def level(self, value: float) -> str:
        """Returns a value with its unit."""
        if self.metric.is_accuracy:
            return f"{value:.1f} %"
        return f"{self.metric.name} {number(value)}"

    def signed(self, value: float) -> str:
        """Returns a difference with its sign."""
        if self.metric.is_accuracy:
            return formatting.signed(value)
        return f"{'+' * (value >= 0)}{number(value)}"

    def amount(self, value: float) -> str:
        """Returns a difference without its sign, with its unit."""
        size = abs(value)
        text = f"{size:.1f}" if self.metric.is_accuracy else number(size)
        return f"{text} {self._unit(value)}"

    def difference(self, value: float) -> str:
        """Returns a difference with its sign and its unit."""
        return f"{self.signed(value)} {self._unit(value)}"

    def change(self, value: float, other: str) -> str:
        """Returns a difference from another arm, with a verb."""
        if self.metric.is_accuracy:
            verb, than = (
                ("gains", "over") if value >= 0 else ("loses", "against")
            )
            return f"{verb} {self.amount(value)} {than} {other}"
        than = "higher" if value >= 0 else "lower"
        return (
            f"has a {self.metric.name} that is {number(abs(value))} {than} "
            f"than that of {other}"
        )

    @property
    def within(self) -> str:
        """The margin with its unit."""
        is_accuracy = self.metric.is_accuracy
        text = f"{self.margin:g}" if is_accuracy else number(self.margin)
        return f"{text} {self._unit(self.margin)}"

    def _unit(self, value: float) -> str:
        if self.metric.is_accuracy:
            return points(value)
        return f"of {self.metric.name}"


def of(
    metric: metrics.Metric, margin: float | None, levels: Iterable[float]
) -> Scale:
    """Returns the scale of a metric.

    Args:
        metric: The `Metric`.
        margin: The margin as given; `None` is one point of accuracy, and 1 %
            of the first level for any other metric.
        levels: Mean values of the arms, cold's first.
    """
    if margin is None and metric.is_accuracy:
        margin = MARGIN
    if margin is None:
        margin = _SHARE * next((abs(level) for level in levels if level), 1.0)
    return Scale(metric, margin)


def check_margin(margin: float | None) -> None:
    """Raises a ValueError unless the margin is a positive number or `None`."""
    if margin is None:
        return
    if not isinstance(margin, numbers.Real) or not 0 < margin < math.inf:
        raise ValueError(
            "`margin` must be a positive number, points for an accuracy. "
            f"Received: margin={margin!r}."
        )


def points(value: float) -> str:
    """Returns "point" or "points"."""
    return "point" if abs(value) == 1 else "points"


def number(value: float) -> str:
    """Returns a number to four digits, with a typographic minus."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    digits = decimals(value)
    if digits < 8:
        text = np.format_float_positional(round(value, digits), trim="-")
    else:
        text = f"{value:.3e}"
    return text.replace("-", formatting.MINUS, value < 0)


def decimals(value: float) -> int:
    """Returns how many decimals give a number four digits."""
    if not math.isfinite(value) or value == 0:
        return 1
    return max(0, 3 - math.floor(math.log10(abs(value))))
