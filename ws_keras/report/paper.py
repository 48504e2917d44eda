"""The papers' numbers, one line each, looked up by what was run.

`paper.csv` holds the numbers of Ash & Adams (NeurIPS 2020), of the
replication (Kireev, Mohtashami, Pajouheshgar, ReScience C 2021) and of DASH
(Shin, Oh, Cho, Yun, NeurIPS 2024). Experiments and arms carry the names of
this package; `cell` is what the experiment's view calls its cells, `x` a
place on its axis. `precision` says how a number is known: `printed`, `exact`
(of a repository), read from a figure with an error such as `±0.5`; a `~`
marks what was inferred or read by eye. `margin` is the difference within
which a mean of ours is equivalent, in the unit of the number or a share of it.
"""

import csv
import dataclasses
import functools
import math
import re
from collections.abc import Iterable
from importlib import resources

from ws_keras.report import sections

_RUNS = 5  # behind a printed mean and its deviation: "five" in the paper
_READ_OFF = re.compile(r"±([\d.]+)( %)?")
# Besides the value that it varies, all runs of an experiment share a protocol.
Key = tuple[str, str, str, str, float | None]


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
    def runs(self) -> int:
        """How many runs it is of."""
        return _RUNS

    @property
    def is_inferred(self) -> bool:
        """Whether the number, or what it means, is inferred."""
        return self.precision.startswith("~")

    @property
    def error(self) -> float:
        """What a number that was read off is exact to; else nan."""
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
        """Returns the number as a table shows it: with what it is exact to."""
        if math.isfinite(self.std):
            after = f" ({self.std:,.{decimals}f})"
        else:
            after = ""
        # As many decimals as were printed.
        places = max(decimals, len(f"{self.mean:g}".partition(".")[2]))
        return sections.Number(
            self.mean,
            self.error,
            min(places, 2) if decimals else 0,
            before="~" if self.is_inferred else "",
            after=after,
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
        if (name, measure, cell, arm) in _curves():
            return _table().get((name, measure, cell, arm, x))
    return None


def of(experiment: str, measure: str = "accuracy") -> list[Number]:
    """Returns all numbers of one measure of an experiment."""
    return _by_measure().get((experiment, measure), [])


@functools.cache
def _table() -> dict[Key, Number]:
    text = resources.files("ws_keras.report").joinpath("paper.csv")
    lines = csv.DictReader(text.read_text("utf8").splitlines())
    found = map(_number, lines)
    return {(n.experiment, n.measure, n.cell, n.arm, n.x): n for n in found}


@functools.cache
def _curves() -> set[tuple]:
    return {key[:-1] for key in _table()}


@functools.cache
def _by_measure() -> dict[tuple[str, str], list[Number]]:
    found = {}
    for number in _table().values():
        key = number.experiment, number.measure
        found.setdefault(key, []).append(number)
    return found


def _number(line: dict[str, str]) -> Number:
    x = float(line.pop("x")) if line["x"] else (line.pop("x"), None)[1]
    mean, std = (float(line.pop(name) or "nan") for name in ("mean", "std"))
    return Number(**line, x=x, mean=mean, std=std)
