"""The papers' numbers, one line each, looked up by what was run.

`paper.csv` holds the numbers of Ash & Adams (NeurIPS 2020), of the
replication (Kireev, Mohtashami, Pajouheshgar, ReScience C 2021) and of DASH
(Shin, Oh, Cho, Yun, NeurIPS 2024). Experiments and arms carry the names of
this package; `cell` is what the experiment's view calls its cells, and `x` a
coordinate on its axis. `precision` says how a number is known: `printed`,
`exact` (from a repository), or read from a figure with an error such as
`±0.5`; a `~` marks what was inferred or read by eye. `margin` is the greatest
difference at which a mean of ours is equivalent, in the unit of the number or
as a share of it.
"""

import csv
import dataclasses
import functools
import math
import re
from collections.abc import Iterable
from importlib import resources

from ws_keras.report import sections

RUNS = 5  # behind a printed mean and its deviation: "five" in the paper
_READ_OFF = re.compile(r"±([\d.]+)( %)?")


@dataclasses.dataclass(frozen=True)
class Number:
    """A number of a paper, and where it is from."""

    experiment: str
    arm: str
    cell: str
    x: float | None
    measure: str
    mean: float
    std: float  # nan where none is known
    margin: str
    source: str
    precision: str

    @property
    def is_inferred(self) -> bool:
        """Whether the number, or what it means, is inferred."""
        return self.precision.startswith("~")

    @property
    def error(self) -> float:
        """The reading error of a number from a figure; else nan."""
        found = _READ_OFF.search(self.precision)
        if not found:
            return math.nan
        value = float(found[1])
        return abs(self.mean) * value / 100 if found[2] else value

    @property
    def tolerance(self) -> float:
        """Greatest difference that counts as none; nan where none is stated."""
        if not self.margin:
            return math.nan
        if self.margin.endswith("%"):
            return abs(self.mean) * float(self.margin.split()[0]) / 100
        return float(self.margin)

    def cell_of_table(self, decimals: int = 1) -> sections.Number:
        """Returns the number for a table, with its error or deviation."""
        has_std = math.isfinite(self.std)
        # As many decimals as were printed.
        printed = len(f"{self.mean:g}".partition(".")[2])
        return sections.Number(
            self.mean,
            self.error,
            min(max(decimals, printed), 2) if decimals else 0,
            before="~" if self.is_inferred else "",
            after=f" ({self.std:,.{decimals}f})" if has_std else "",
        )


def find(
    experiments: Iterable[str],
    arm: str,
    cell: str,
    x: float | None = None,
    measure: str = "accuracy",
) -> Number | None:
    """Returns the number at x of the first experiment that has the arm."""
    for name in experiments:
        at = _curves().get((name, measure, cell, arm))
        if at:
            return at.get(x)
    return None


def of(experiment: str, measure: str = "accuracy") -> list[Number]:
    """Returns all numbers of one measure of an experiment."""
    return [
        number
        for key, at in _curves().items()
        if key[:2] == (experiment, measure)
        for number in at.values()
    ]


@functools.cache
def table() -> list[Number]:
    """Returns all numbers."""
    text = resources.files("ws_keras.report").joinpath("paper.csv")
    return [
        _number(line) for line in csv.DictReader(text.open(encoding="utf8"))
    ]


@functools.cache
def _curves() -> dict[tuple, dict[float | None, Number]]:
    found = {}
    for n in table():
        key = n.experiment, n.measure, n.cell, n.arm
        found.setdefault(key, {})[n.x] = n
    return found


def _number(line: dict[str, str]) -> Number:
    numbers = {
        "x": float(line["x"]) if line["x"] else None,
        "mean": float(line["mean"]),
        "std": float(line["std"] or "nan"),
    }
    return Number(**{**line, **numbers})
