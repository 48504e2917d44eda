"""Gradient norms of old and of new data over the second phase."""

import numpy as np

from ws_keras.report import charts
from ws_keras.report import comparison
from ws_keras.report import paper
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.storage import rows

_PANELS = {
    "gradient_norm_old": "Gradient norm, old data",
    "gradient_norm_new": "Gradient norm, new data",
    "gradient_norm_ratio": "Gradient norm, new over old",
}
_RATIO = "gradient_norm_ratio"
_X = "Batches of the second phase (thousands)"
_SECOND = 2  # round


def measured(run: runs.Run) -> list[runs.Arm]:
    """Returns the arms whose second phase has gradient norms."""
    return [arm for arm in run.arms if not arm.is_cold and _lives(run, arm)]


def start_ratio(run: runs.Run, arm: runs.Arm) -> dict[int, float]:
    """Returns seed to the ratio of the norms before the first step."""
    return {
        seed: some[0][1]
        for seed, some in _points(run, arm, _RATIO).items()
        if some[0][0] == 0
    }


def chart(run: runs.Run) -> sections.Chart | None:
    """The norms, ours with seeds' errors, and the paper's beside them."""
    arms, panels, papers = measured(run), [], []
    for measure, label in _PANELS.items():
        ours = [
            charts.series(
                arm.name, arm.name, _means(_points(run, arm, measure))
            )
            for arm in arms
        ]
        is_norm = measure != _RATIO
        panels.append(
            sections.Panel(_X, label, charts.known(ours), from_zero=is_norm)
        )
        theirs = charts.known(_drawn(run, arm, measure) for arm in arms)
        # Their phase may be much longer, and their norms larger.
        title = f"The paper's, {label.rpartition(', ')[2]}"
        papers.append(
            sections.Panel(_X, label, theirs, title=title, from_zero=True)
        )
    return charts.chart(run, "Gradient norms", [*panels, *papers], "gradients")


def beside_paper(run: runs.Run) -> list:
    """Returns a fold that counts the paper's points that ours lie near."""
    lines = []
    for arm in measured(run):
        for measure in (name for name in _PANELS if name != _RATIO):
            seeds = _points(run, arm, measure)
            found = [
                comparison.of_arm(run, arm, number, _at(seeds, number.x))
                for number in _numbers(run, arm, measure)
            ]
            counts = {one.value: found.count(one) for one in found}
            words = ", ".join(f"{n} {word}" for word, n in counts.items())
            if found:
                data = measure.rpartition("_")[2]
                lines.append((arm.name, data, len(found), words, len(seeds)))
    if not lines:
        return []
    header = ("arm", "data", "the paper's points", "comparison", "seeds")
    note = (
        "At each batch number of the paper's our mean is interpolated between "
        "epochs; a match lies within 30 % of the paper's norm, whose "
        "definition is not fully known."
    )
    table = sections.Table("", header, tuple(lines), note)
    return [sections.Fold("Norms beside the paper's", (table,))]


def _points(
    run: runs.Run, arm: runs.Arm, measure: str
) -> dict[int, list[tuple[float, float]]]:
    """Returns seed to (thousands of batches since the second phase, value)."""
    found = {}
    for row, life in _lives(run, arm):
        batches = row.steps / max(row.epochs, 1) / 1000
        # A line of its first epoch may be lost.
        start = 1 + sum(
            other.epochs
            for other in arm.rows
            if other.setting == row.setting and other.round < _SECOND
        )
        found[row.seed] = [
            ((epoch.epoch - start) * batches, epoch.measures[measure])
            for epoch in life
            if measure in epoch.measures
        ]
    return {seed: some for seed, some in found.items() if some}


def _lives(
    run: runs.Run, arm: runs.Arm
) -> list[tuple[rows.Row, list[rows.Epoch]]]:
    found = []
    for row in arm.rows:
        life = run.epochs.get(row.setting, ())
        life = [epoch for epoch in life if epoch.round == _SECOND]
        if row.round == _SECOND and any(e.measures for e in life):
            found.append((row, life))
    return found


def _numbers(run: runs.Run, arm: runs.Arm, measure: str) -> list[paper.Number]:
    return [
        number
        for name in run.view.paper
        for number in paper.of(name, measure)
        if number.arm == arm.name
    ]


def _drawn(run: runs.Run, arm: runs.Arm, measure: str):
    numbers = _numbers(run, arm, measure)
    if not numbers:
        return None
    points = [(number.x, number.mean) for number in numbers]
    return charts.paper_series(arm.name, numbers[0].source, points)


def _at(seeds: dict, batch: float) -> statistics.Summary:
    values = []
    for found in seeds.values():
        x, y = zip(*found, strict=True)
        if x[0] <= batch <= x[-1]:
            values.append(float(np.interp(batch, x, y)))
    return statistics.summarize(values)


def _means(seeds: dict) -> list[tuple[float, float, float]]:
    """Returns means where all seeds have a value."""
    lines = [dict(line) for line in seeds.values()]
    found = []
    for x in lines[0] if lines else ():
        if all(x in line for line in lines):
            summary = statistics.summarize(line[x] for line in lines)
            found.append((x, summary.mean, summary.error))
    return found
