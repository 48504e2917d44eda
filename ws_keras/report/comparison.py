"""Whether a mean of ours is equivalent to a number of a paper."""

import enum
import math

from ws_keras.report import paper
from ws_keras.report import runs
from ws_keras.report import statistics


class Comparison(enum.Enum):
    """What a cell of a table says beside a number of a paper."""

    MATCH = "match"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    UNFINISHED = "unfinished"
    OTHER_PROTOCOL = "other protocol"


def compare(
    ours: statistics.Effect,
    mean: float,
    std: float = math.nan,
    tolerance: float = 1.0,
    count: int = 5,
) -> Comparison:
    """Compares a mean over seeds with a mean of other runs.

    Args:
        ours: Our mean over finished seeds.
        mean: Theirs.
        std: The standard deviation of theirs. Defaults to nan, not known.
        tolerance: Greatest difference that counts as none. Defaults to 1.
        count: The number of their runs. Defaults to 5.

    Returns:
        `MATCH` where two one-sided t tests find the difference within the
        tolerance; `DIFFERS` where the difference exceeds it and its 95 %
        interval leaves out 0; else `INCONCLUSIVE`, as always with fewer than
        three seeds.
    """
    if not ours.count:
        return Comparison.UNFINISHED
    found = statistics.against(ours, mean, std, count)
    # Printed with one decimal, so rounding must not decide.
    if found.is_within(tolerance + 1e-9):
        return Comparison.MATCH
    is_far = abs(found.mean) > tolerance and found.sign
    return Comparison.DIFFERS if is_far else Comparison.INCONCLUSIVE


def of_arm(
    run: runs.Run,
    arm: runs.Arm,
    number: paper.Number | None,
    ours: statistics.Effect | None = None,
) -> Comparison | None:
    """Compares an arm with a paper's number; `None` without one.

    Args:
        run: The experiment.
        arm: The arm.
        number: The number of a paper.
        ours: Our mean. Defaults to `None`, the last accuracy.
    """
    if number is None:
        return None
    ours = arm.summary() if ours is None else ours
    if not ours.count:
        return Comparison.UNFINISHED
    if run.others(arm, number):
        return Comparison.OTHER_PROTOCOL
    if math.isnan(number.tolerance):
        return None
    return compare(ours, number.mean, number.std, number.tolerance, number.runs)


def of_gap(
    run: runs.Run, arm: runs.Arm, number: paper.Number, cold: paper.Number
) -> Comparison:
    """Compares the difference from cold with that of a paper's two numbers."""
    gap = arm.gap()
    if gap.count and run.others(arm, number):
        return Comparison.OTHER_PROTOCOL
    # nan where one of them is read from a figure.
    std = math.hypot(number.std, cold.std)
    tolerance = max(number.tolerance, cold.tolerance)
    return compare(gap, number.mean - cold.mean, std, tolerance, number.runs)


def cold_number(
    run: runs.Run, arm: runs.Arm, number: paper.Number
) -> paper.Number | None:
    """Returns the paper's number of the cold start beside a number."""
    if arm.is_cold:
        return None
    # Two figures have two cold starts.
    return paper.find(
        (number.experiment,), runs.COLD, number.cell, number.x, number.measure
    )
