"""Main effects of two-level factors on the difference from cold.

The differences of an arm from cold, one for each cell and seed, are fitted by
a linear model: a mean of each seed, and the effect of each factor, which is
half of it above the mean at the second level and half of it below at the
first. In a balanced design of resolution IV main effects are free of each
other and of all two-factor interactions, which are part of the error.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from ws_keras.report import charts
from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import tables

# Name of a factor, as rows have it as a label, to its two levels.
Factors = Mapping[str, tuple]
_MEASURES = {
    "train_accuracy": ("training accuracy, %", 1),
    "loss": ("training loss", 3),
    "epochs": ("epochs", 0),
}


@dataclasses.dataclass(frozen=True)
class Fit:
    """The linear model of differences from cold.

    `mean` is the difference over all cells, `main` the effect of each factor,
    and `levels` the mean difference at its first and at its second level.
    """

    mean: statistics.Effect
    main: dict[str, statistics.Effect]
    levels: dict[str, tuple[float, float]]
    count: int  # differences in the fit


def fit(arms: Sequence[runs.Arm], factors: Factors) -> Fit | None:
    """Fits the differences of one arm from cold, over cells and seeds.

    Only seeds of which all cells are finished count, so that the design is
    balanced.

    Args:
        arms: The arm in each cell.
        factors: Names and levels of the factors.

    Returns:
        A `Fit`, or `None` where there are too few differences.
    """
    gaps = [arm.gaps() for arm in arms]
    seeds = sorted(set.intersection(*map(set, gaps))) if gaps else []
    signs = np.array([_signs(arm, factors) for arm in arms], float)
    count, columns = len(arms) * len(seeds), len(factors) + len(seeds)
    if not seeds or count <= columns:
        return None
    x = np.array(
        [
            [*(own / 2), *(float(seed == other) for other in seeds)]
            for own in signs
            for seed in seeds
        ]
    )
    y = np.array([gap[seed] for gap in gaps for seed in seeds])
    solved, *_ = np.linalg.lstsq(x, y, rcond=None)
    free = count - columns
    variance = float(np.sum((y - x @ solved) ** 2)) / free
    scale = np.linalg.pinv(x.T @ x)

    def effect(weights: np.ndarray) -> statistics.Effect:
        error = float(np.sqrt(variance * (weights @ scale @ weights)))
        mean = float(weights @ solved)
        return statistics.Effect(mean, error, 0.0, free, count)

    units = np.eye(columns)
    names = list(factors)
    main = {name: effect(units[place]) for place, name in enumerate(names)}
    overall = effect(units[len(names) :].mean(0))
    each = np.array([[gap[seed] for seed in seeds] for gap in gaps]).mean(1)
    levels = {
        name: tuple(float(each[signs[:, n] == s].mean()) for s in (-1, 1))
        for n, name in enumerate(names)
    }
    return Fit(overall, main, levels, count)


def table(factors: Factors) -> Callable[[runs.Run], sections.Table]:
    """Returns the table of a view: a line for each factor and arm.

    Without a fit it is the table of the arms.
    """

    def made(run: runs.Run) -> sections.Table:
        lines = []
        for name, found in _fits(run, factors):
            lines.append((name, "mean of all", None, None, *_cells(found.mean)))
            for factor, (low, high) in factors.items():
                ends = [_points(value) for value in found.levels[factor]]
                word = f"{factor}: {low} → {high}"
                cells = _cells(found.main[factor])
                lines.append((name, word, *ends, *cells))
        if not lines:
            return tables.arms(run)
        header = (
            "arm",
            "factor",
            "minus cold, first level",
            "second level",
            "effect",
            "95 % interval",
        )
        return sections.Table("", header, tuple(lines), _note(run, factors))

    return made


def chart(factors: Factors) -> Callable[[runs.Run], sections.Chart | None]:
    """Returns the chart of a view: effects and their 95 % intervals."""

    def made(run: runs.Run) -> sections.Chart | None:
        words = ("mean of all", *factors)
        found = []
        for name, one in _fits(run, factors):
            some = (one.mean, *one.main.values())
            points = [(e.mean, y, e.high - e.mean) for y, e in enumerate(some)]
            found.append(charts.series(name, name, points))
        panel = sections.Panel(
            "Difference from cold in points, and its change by each factor",
            "",
            charts.known(found),
            "dots",
            words=words,
        )
        title = "Effect of each factor, with 95 % intervals"
        return charts.chart(run, title, [panel], "factors")

    return made


def matched(factors: Factors) -> Callable[[runs.Run], list]:
    """Returns a fold: where training stopped, at each level of a factor."""

    def fold(run: runs.Run) -> list:
        lines = []
        for factor, levels in factors.items():
            for level in levels:
                for name in dict.fromkeys(arm.name for arm in run.arms):
                    some = [
                        arm
                        for arm in run.arms
                        if arm.name == name and arm.labels.get(factor) == level
                    ]
                    cells = [_mean(some, field) for field in _MEASURES]
                    ends = (*cells, _capped(some))
                    lines.append((factor, str(level), name, *ends))
        words = [word for word, _ in _MEASURES.values()]
        header = ("factor", "level", "arm", *words, "at the limit of epochs")
        note = (
            "Means over all levels of the other factors and over seeds, at the "
            "last epoch of the last round, measured as the stopping rule does. "
            "Loss is the training loss; with augmentation it is that of "
            "augmented images."
        )
        made = sections.Table("", header, tuple(lines), note)
        return [sections.Fold("Where training stopped", (made,))]

    return fold


def sentences(factors: Factors) -> Callable[[runs.Run], list[str]]:
    """Returns the answer of a view: the factors whose interval leaves out 0."""

    def said(run: runs.Run) -> list[str]:
        found = []
        for name, one in _fits(run, factors):
            mean = f"{formatting.signed(one.mean.mean)} points"
            text = (
                f"On average, {name} minus cold is {mean} "
                f"({formatting.in_words(one.mean)}). "
            )
            sure = {n: e for n, e in one.main.items() if e.sign}
            parts = [
                f"{n} ({factors[n][0]} → {factors[n][1]}), by "
                f"{formatting.signed(e.mean)} points ({formatting.in_words(e)})"
                for n, e in sure.items()
            ]
            changed = "; ".join(parts)
            found.append(
                f"{text}This difference changes significantly with {changed}."
                if parts
                else f"{text}No factor changes this difference significantly."
            )
        return found

    return said


def _fits(run: runs.Run, factors: Factors):
    known = [arm for arm in run.arms if factors.keys() <= arm.labels.keys()]
    names = dict.fromkeys(arm.name for arm in known if not arm.is_cold)
    for name in names:
        found = fit([arm for arm in known if arm.name == name], factors)
        if found is not None:
            yield name, found


def _signs(arm: runs.Arm, factors: Factors) -> list[int]:
    return [
        1 if arm.labels[name] == levels[1] else -1
        for name, levels in factors.items()
    ]


def _cells(found: statistics.Effect) -> tuple:
    return formatting.difference(found), formatting.interval(found)


def _points(value: float) -> sections.Number:
    return sections.Number(value, is_signed=True)


def _mean(some: Sequence[runs.Arm], field: str):
    values = [v for arm in some for v in arm.final(field).values()]
    found = statistics.summarize(values)
    if not found.count:
        return None
    return sections.Number(found.mean, decimals=_MEASURES[field][1])


def _capped(some: Sequence[runs.Arm]) -> str:
    """Returns how many last rounds ended at the cap, of all."""
    last = [rows[-1] for arm in some for rows in arm.runs.finished.values()]
    return f"{sum(row.stopped_by == 'cap' for row in last)} of {len(last)}"


def _note(run: runs.Run, factors: Factors) -> str:
    counts = ", ".join(
        f"{found.count} differences of {name}"
        for name, found in _fits(run, factors)
    )
    return (
        "Points of held-out accuracy after the last round. An effect is the "
        "mean difference from cold at the second level minus that at the "
        "first, paired by seed; ± is its standard error. A linear model of "
        f"all main effects and of seeds is fitted to {counts}. "
        "Interactions of factors are part of the error."
    )
