"""What a comparison of arms says, in words."""

import math
from collections.abc import Iterable

from ws_keras.results import rows
from ws_keras.results import statistics

_COLD = "cold"


def verdict(all_rows: Iterable[rows.Row]) -> str:
    """Returns sentences about the last round of each arm.

    An arm has paid if it ends no worse than the cold one (a paired
    difference above minus two standard errors, or above minus one point where
    there is one seed) after fewer sample passes over all rounds.

    Args:
        all_rows: Rows of one model on one growing data set.

    Returns:
        One sentence per arm, separated by line ends.
    """
    (arms,) = statistics.cells(all_rows).values()
    found = {arm: statistics.runs(some) for arm, some in arms.items()}
    cold = found.get(_COLD)
    return "\n".join(
        _sentence(arm, runs, cold if arm != _COLD else None)
        for arm, runs in found.items()
    )


def _sentence(arm: str, runs, cold) -> str:
    if not runs.finished:
        return f"{arm}: no seed ended with a finite loss."
    accuracy = statistics.final(runs, "accuracy")
    words = (
        f"{arm}: {_mean(accuracy):.1f} % held out after "
        f"{_total(runs, 'epochs'):.0f} epochs, "
        f"{_total(runs, 'train_seconds'):.1f} s"
    )
    if cold is None or not cold.finished:
        return f"{words}."
    gap = statistics.paired(accuracy, statistics.final(cold, "accuracy"))
    passes = _total(runs, "sample_passes") / _total(cold, "sample_passes")
    spread = "one seed, no error bar"
    if not math.isnan(gap.error):
        spread = f"standard error {gap.error:.1f}, {gap.count} seeds"
    return (
        f"{words}: {_signed(gap.mean)} points against cold ({spread}) for "
        f"{passes:.0%} of its sample passes. {_judgement(gap, passes)}"
    )


def _judgement(gap: statistics.Difference, passes: float) -> str:
    margin = 1.0 if math.isnan(gap.error) else 2 * gap.error
    if gap.mean < -margin:
        return "It did not pay: it generalizes worse."
    if passes >= 1:
        return "It did not pay: it saved nothing."
    return "It paid."


def _mean(values: dict[int, float]) -> float:
    return statistics.summarize(values.values()).mean


def _total(runs, field: str) -> float:
    """Mean over seeds of the sum over rounds."""
    sums = [
        sum(getattr(row, field) for row in seed_rows)
        for seed_rows in runs.finished.values()
    ]
    return statistics.summarize(sums).mean


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
