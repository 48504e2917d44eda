"""Tables over the number of samples, round by round."""

from ws_keras.report import columns
from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import tables
from ws_keras.storage import metric as metrics

_MEANS = (
    "Mean ± standard error over n seeds. If fewer seeds have finished a round, "
    "their number follows in brackets."
)
_GAPS = (
    "Difference from cold in points, paired by seed: mean ± standard error, "
    "and its 95 % t interval. If fewer pairs of seeds have finished a round, "
    "their number follows in brackets."
)


def samples(run: runs.Run) -> list[sections.Fold]:
    """Returns folds with accuracy, difference and cost over samples."""
    cells, folds = run.cells(), []
    titles = {cell: grouping.cell_name(cell, cells) for cell in cells}
    costs = {"sample_passes": "Sample passes"}
    if grouping.has_cpu_seconds(run.rows):
        costs["cpu_seconds"] = "CPU-seconds"
    accuracies = [levels(run, cells[c], t) for c, t in titles.items()]
    gaps = tables.gains(run)
    for cell, title in titles.items():
        gaps += _gaps(cells[cell], title)
    spent = [
        _costs(cells[cell], field, ": ".join(filter(None, [words, title])))
        for cell, title in titles.items()
        for field, words in costs.items()
    ]
    folds = {
        "Accuracy after each round": accuracies,
        "Difference from cold after each round": gaps,
        "Cost of each round": spent,
    }
    return [sections.Fold(n, tuple(some)) for n, some in folds.items() if some]


def levels(run: runs.Run, arms: list[runs.Arm], title: str) -> sections.Table:
    """Returns the accuracy, or another metric, after each round."""
    found = []
    for arm in arms:
        ours = arm.by_samples()
        means = {x: statistics.level(values) for x, values in ours.items()}
        column = {
            x: formatting.mean(
                mean,
                tables.decimals(arm),
                f" ({mean.count})" if mean.count < _most(ours) else "",
            )
            for x, mean in means.items()
        }
        found.append((_headed(arm, ours), column))
        numbers = {r.num_samples: run.number(arm, r) for r in arm.rows}
        known = {x: number for x, number in numbers.items() if number}
        if known:
            source = next(iter(known.values())).source
            theirs = {x: number.cell_of_table() for x, number in known.items()}
            compared = {
                x: comparison.of_arm(run, arm, number, means[x])
                for x, number in known.items()
                if x in means
            }
            found += [(f"paper, {source}", theirs), ("comparison", compared)]
    note = _MEANS + comparison.note(run, arms)
    metric = metrics.of(arms[0].first)
    if not metric.is_accuracy:
        note += f" {'Higher' if metric.mode == 'max' else 'Lower'} is better."
    return columns.by_x(title, found, note)


def _gaps(arms: list[runs.Arm], title: str) -> list[sections.Table]:
    found = []
    for arm in arms:
        if arm.is_cold or not arm.cold_rows:
            continue
        theirs = grouping.by_samples(arm.cold_rows)
        gaps = {
            x: statistics.paired(values, theirs[x])
            for x, values in arm.by_samples().items()
            if x in theirs
        }
        most = max((gap.count for gap in gaps.values()), default=0)
        means = {x: formatting.difference(gap, most) for x, gap in gaps.items()}
        ends = {x: formatting.interval(gap) for x, gap in gaps.items()}
        found += [(f"{arm.name} (n = {most})", means), ("95 % interval", ends)]
    return [columns.by_x(title, found, _GAPS)] if found else []


def _costs(arms: list[runs.Arm], field: str, title: str) -> sections.Table:
    found = []
    for arm in arms:
        ours = arm.by_samples(field)
        is_whole = field == "sample_passes"
        column = {
            x: formatting.amount(statistics.level(values), is_whole)
            for x, values in ours.items()
        }
        found.append((_headed(arm, ours), column))
    return columns.by_x(title, found, "Mean over seeds.")


def _headed(arm: runs.Arm, ours: dict) -> str:
    return f"{arm.name} (n = {_most(ours)})"


def _most(ours: dict) -> int:
    return max(map(len, ours.values()), default=0)  # none if it has diverged
