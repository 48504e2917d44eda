"""What the arms of a task gave and cost, by seed."""

import collections
import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np

from ws_keras.report import grouping
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows


@dataclasses.dataclass(frozen=True)
class Arm:
    """Seed to what one arm came to.

    `mean` is the score after a round, averaged over the rounds from the second
    on, in which arms differ; `last` that of the last round. Scores are in
    points, hundredths of the metric, and more is better. `passes` and
    `cpu_seconds` are sums over all rounds.
    """

    mean: dict[int, float]
    last: dict[int, float]
    passes: dict[int, float]
    cpu_seconds: dict[int, float]


def read(folder: pathlib.Path) -> dict[str, Arm]:
    """Returns the finished seeds of each arm below a folder, cold first."""
    (arms,) = grouping.cells(rows.read_workdir(folder)).values()
    return {name: of(found) for name, found in arms.items()}


def of(found: Sequence[rows.Row]) -> Arm:
    """Returns the scores and costs of the rows of one arm."""
    made = collections.defaultdict(dict)
    for seed, known in grouping.runs(found).finished.items():
        scores = [score(row) for row in known]
        made["mean"][seed] = float(np.mean(scores[1:]))
        made["last"][seed] = scores[-1]
        made["passes"][seed] = sum(row.sample_passes for row in known)
        made["cpu_seconds"][seed] = sum(row.cpu_seconds for row in known)
    fields = (field.name for field in dataclasses.fields(Arm))
    return Arm(**{name: made[name] for name in fields})


def score(row: rows.Row) -> float:
    """Returns the metric of the held-out samples in points, more is better."""
    metric = metrics.of(row)
    value = metric.value(row)
    return value if metric.is_accuracy else metric.sign * 100 * value


def gain(ours: Arm, theirs: Arm, field: str = "mean") -> statistics.Effect:
    """Returns the paired difference of scores."""
    return statistics.paired(getattr(ours, field), getattr(theirs, field))


def share(ours: Arm, theirs: Arm, field: str = "passes") -> statistics.Ratio:
    """Returns the paired ratio of costs."""
    return statistics.ratio(getattr(ours, field), getattr(theirs, field))


def level(arm: Arm, field: str = "mean") -> float:
    """Returns the mean over seeds of a field."""
    return statistics.summarize(getattr(arm, field).values()).mean


def interval(effect: statistics.Effect) -> str:
    """Returns a difference with its 95 % interval as text."""
    if math.isnan(effect.low):
        return signed(effect.mean)
    ends = f"{signed(effect.low)} to {signed(effect.high)}"
    return f"{signed(effect.mean)} ({ends})"


def signed(value: float) -> str:
    """Returns a number with its sign and one decimal."""
    return f"{value:+.1f}".replace("-", "−")
