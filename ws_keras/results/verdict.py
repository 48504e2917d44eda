"""What a comparison of arms says, in words."""

from collections.abc import Collection
from collections.abc import Iterable

from ws_keras.results import rows
from ws_keras.results import shown
from ws_keras.results import statistics

_COLD = "cold"
_MARGIN = 1.0  # points


def verdict(all_rows: Iterable[rows.Row]) -> str:
    """Returns sentences about the last round of each arm.

    An arm has paid if it ends no worse than the cold one after fewer sample
    passes over all rounds, those of the seeds that both have. It is worse where
    the 95 % t interval of the paired difference lies below zero, else no worse
    where that lies above minus one point, else nothing is decided. With one
    seed the difference itself has to lie above minus one point.

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
    if not gap.count:
        return f"{words}. Not decided: no seed of both it and cold is finished."
    common = runs.finished.keys() & cold.finished.keys()
    ours, theirs = (
        _total(some, "sample_passes", common) for some in (runs, cold)
    )
    cost = f"{ours / theirs:.0%} of its" if theirs else f"{ours:,.0f}, not 0,"
    return (
        f"{words}: {shown.signed(gap.mean)} points against cold "
        f"({_spread(gap)}) for {cost} sample passes. "
        f"{_judgement(gap, is_cheaper=ours < theirs)}"
    )


def _spread(gap: statistics.Difference) -> str:
    if gap.count == 1:
        return "one seed, no error bar"
    return (
        f"standard error {gap.error:.1f}, 95 % interval "
        f"{shown.interval(gap)}, {gap.count} seeds"
    )


def _judgement(gap: statistics.Difference, is_cheaper: bool) -> str:
    is_worse = gap.mean < -_MARGIN if gap.count == 1 else gap.high < 0
    if is_worse:
        return "It did not pay: it generalizes worse."
    if not is_cheaper:
        return "It did not pay: it saved nothing."
    # That of one seed is nan.
    if gap.low < -_MARGIN:
        return "Not decided: it may be worse by a point. Give more seeds."
    return "It paid."


def _mean(values: dict[int, float]) -> float:
    return statistics.summarize(values.values()).mean


def _total(runs, field: str, seeds: Collection[int] | None = None) -> float:
    """Mean over seeds, all if none are given, of the sum over rounds."""
    sums = statistics.total(runs, field)
    return _mean({s: v for s, v in sums.items() if seeds is None or s in seeds})
