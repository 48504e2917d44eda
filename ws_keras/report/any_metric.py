"""What a report shows of rounds whose metric is no accuracy."""

import dataclasses

from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import scale as scales
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import tables
from ws_keras.storage import metric as metrics

_NOTE = (
    "Held-out samples; mean ± standard error over the seeds that have ended "
    "the round. {better} is better."
)


def is_meant(run: runs.Run) -> bool:
    """Returns whether the rows are of another metric than accuracy."""
    return not metrics.of(run.rows[0]).is_accuracy


def blocks(run: runs.Run) -> list:
    """Returns the tables of arms, of rounds and of costs."""
    table = tables.arms(run)
    note = table.note.replace("Held-out accuracy", "Held-out metric")
    note = note.replace("difference in points", "difference")
    cost = sections.Fold("Costs", tuple(tables.costs(run)))
    arms = dataclasses.replace(table, note=note)
    return [arms, _by_round(run), cost]


def _by_round(run: runs.Run) -> sections.Table:
    metric = metrics.of(run.rows[0])
    numbers = range(1, max(row.round for row in run.rows) + 1)
    lines = tuple(
        (arm.name, *(_mean(metric, arm, number) for number in numbers))
        for arm in run.arms
    )
    better = "More" if metric.mode == "max" else "Less"
    return sections.Table(
        f"{metric.name} by round",
        ("arm", *(f"round {number}" for number in numbers)),
        lines,
        _NOTE.format(better=better),
    )


def _mean(metric: metrics.Metric, arm: runs.Arm, number: int) -> sections.Cell:
    some = [row for row in arm.rows if row.round == number]
    values = [metric.value(row) for row in some if row.stopped_by != "nan"]
    found = statistics.summarize(values)
    return formatting.mean(found, scales.decimals(found.mean))
