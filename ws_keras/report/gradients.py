"""Gradient norms of old and of new data over the second phase."""

import numpy as np

from ws_keras.report import charts
from ws_keras.report import comparison
from ws_keras.report import epochs
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics

_RATIO = "gradient_norm_ratio"
_X = "Batches of the second phase (thousands)"
_SECOND = 2  # round
_NOTE = (
    "At each batch number of the paper's our mean is interpolated between "
    "epochs; a match lies within 30 % of the paper's norm, whose definition is "
    "not fully known."
)
# Thousands of batches since the second phase began, and the value.
Points = list[tuple[float, float]]


def measured(run: runs.Run) -> list[runs.Arm]:
    """Returns the arms whose second phase has gradient norms."""
    return [
        arm
        for arm in run.arms
        if not arm.is_cold and any(_points(run, arm, m) for m in epochs.LABELS)
    ]


def start_ratio(run: runs.Run, arm: runs.Arm) -> dict[int, float]:
    """Returns seed to the ratio of the norms before the first step."""
    return {
        seed: some[0][1]
        for seed, some in _points(run, arm, _RATIO).items()
        if some[0][0] == 0
    }


def chart(run: runs.Run) -> sections.Chart | None:
    """The norms with the errors of seeds, and the paper's beside them."""
    arms, panels, papers = measured(run), [], []
    for measure, label in epochs.LABELS.items():
        ours, theirs = [], []
        for arm in arms:
            points = _means(_points(run, arm, measure))
            ours.append(charts.series(arm.name, arm.name, points))
            theirs.append(charts.paper_curve(run.curve(arm, measure)))
        panel = sections.Panel(
            _X, label, charts.known(ours), from_zero=measure != _RATIO
        )
        panels.append(panel)
        # The paper's phase may be much longer, and its norms larger.
        title = f"The paper's, {label.rpartition(', ')[2]}"
        some = charts.known(theirs)
        papers.append(
            sections.Panel(_X, label, some, title=title, from_zero=True)
        )
    return charts.chart(run, "Gradient norms", [*panels, *papers], "gradients")


def beside_paper(run: runs.Run) -> list[sections.Fold]:
    """Returns a fold that counts the paper's points that ours lie near."""
    lines = []
    for arm in measured(run):
        for measure in epochs.LABELS:
            seeds = _points(run, arm, measure)
            numbers = run.curve(arm, measure)
            if not numbers or measure == _RATIO:
                continue
            found = [
                comparison.of_arm(run, arm, number, _at(seeds, number.x))
                for number in numbers
            ]
            counts = {one.value: found.count(one) for one in found}
            words = ", ".join(f"{n} {word}" for word, n in counts.items())
            data = measure.rpartition("_")[2]
            lines.append((arm.name, data, len(found), words, len(seeds)))
    if not lines:
        return []
    header = ("arm", "data", "the paper's points", "comparison", "seeds")
    table = sections.Table("", header, tuple(lines), _NOTE)
    return [sections.Fold("Norms beside the paper's", (table,))]


def _points(run: runs.Run, arm: runs.Arm, measure: str) -> dict[int, Points]:
    """Returns seed to the points of a measure."""
    found = {}
    for row in arm.rows:
        if row.round != _SECOND:
            continue
        batches = row.steps / max(row.epochs, 1) / 1000
        # The line of the first epoch may be lost.
        start = 1 + sum(
            other.epochs
            for other in arm.rows
            if other.setting == row.setting and other.round < _SECOND
        )
        found[row.seed] = [
            ((epoch.epoch - start) * batches, epoch.measures[measure])
            for epoch in run.epochs.get(row.setting, ())
            if epoch.round == _SECOND and measure in epoch.measures
        ]
    return {seed: some for seed, some in found.items() if some}


def _at(seeds: dict[int, Points], batch: float) -> statistics.Effect:
    """Returns the mean at a number of batches, between epochs too."""
    lines = [list(zip(*found, strict=True)) for found in seeds.values()]
    return statistics.summarize(
        float(np.interp(batch, x, y))
        for x, y in lines
        if x[0] <= batch <= x[-1]
    )


def _means(seeds: dict[int, Points]) -> list[tuple[float, float, float]]:
    """Returns the means where all seeds have a value."""
    lines = [dict(line) for line in seeds.values()]
    found = []
    for x in lines[0] if lines else ():
        if all(x in line for line in lines):
            mean = statistics.summarize(line[x] for line in lines)
            found.append((x, mean.mean, mean.error))
    return found
