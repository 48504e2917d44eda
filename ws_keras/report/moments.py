"""How much of the gap to cold comes from batch norm's moments.

Moments are moving averages. They lag behind weights that still move when a
round stops. Networks are therefore measured again with moments of their final
weights, which shows how much of the difference from cold is due to the lag.
"""

import dataclasses
import functools
import math

from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics

RECALIBRATED = "shrunk/1/accuracy"
# Measures of the accuracy with other moments than those of the round's end.
WAYS = {
    RECALIBRATED: "measured anew",
    "training_mode/accuracy": "of each batch",
}
_TITLE = "Accuracy with batch-norm moments measured anew"
_NOTE = (
    "Held-out accuracy after the last round, over the same seeds. At the end: "
    "with the moments at the end of training.{ways}"
)
_WAYS = {
    RECALIBRATED: " Measured anew: with moments measured on training samples.",
    "training_mode/accuracy": " Of each batch: with the moments of each batch "
    "of held-out samples.",
}
# Points. One of 100,000 samples changes an accuracy by as much.
_ROUNDING = 1e-3


def matter(arm: runs.Arm) -> bool:
    """Returns whether an arm has been measured with moments that differ.

    A network without batch norm has no moments: it is measured twice as it is.
    """
    return any(
        abs(row.measures[way] - row.accuracy) > _ROUNDING
        for row in arm.rows
        for way in WAYS
        if way in row.measures
    )


def fold(run: runs.Run) -> list[sections.Fold]:
    """Returns a fold about arms whose moments were measured anew, or none."""
    measures = {name for row in run.rows for name in row.measures}
    shrunk = {n for n in measures if n.startswith("shrunk/")}
    if shrunk - {"shrunk/1/accuracy", "shrunk/1/entropy"}:
        return []  # it is about shrinking, of which 1 is one end
    some = [_measured(arm) for arm in run.arms if matter(arm)]
    some = [arm for arm in some if arm.rows]
    if not some:
        return []
    said = [
        sections.Text(text)
        for arm in some
        if arm.kind == "warm"
        and (text := _said(arm, grouping.cell_name(arm.cell, run.cells())))
    ]
    levels, gaps = columns.names(some), columns.names(some)
    for way, words in {"accuracy": "at the end", **WAYS}.items():
        mean = functools.partial(runs.Arm.summary, field=way)
        gap = functools.partial(runs.Arm.gap, field=way)
        levels.append((f"{words} %", lambda a, m=mean: formatting.mean(m(a))))
        gaps += columns.pair(words, f"interval, {words}", gap)
    ways = "".join(text for way, text in _WAYS.items() if way in measures)
    note = _NOTE.format(ways=ways)
    levels = columns.made("Accuracy", levels, some, note)
    others = [arm for arm in some if not arm.is_cold and arm.gap().count]
    gaps = columns.made("Minus cold", gaps, others)
    tables = [levels, *([gaps] if others else [])]
    return [sections.Fold(_TITLE, (*said, *tables))]


def _measured(arm: runs.Arm) -> runs.Arm:
    """Returns an arm with only the seeds that were measured in all its ways."""
    measures = {name for row in arm.rows for name in row.measures}
    values = [arm.final(way) for way in WAYS if way in measures]
    seeds = {
        seed
        for seed in arm.runs.finished
        if all(math.isfinite(found[seed]) for found in values)
    }
    rows = [row for row in arm.rows if row.seed in seeds]
    return dataclasses.replace(arm, rows=rows)


def _said(arm: runs.Arm, cell: str) -> str:
    """Returns how much of warm's gap the moments explain."""
    way = RECALIBRATED
    usual, anew = arm.gap(), arm.gap(way)
    if not usual.count or not anew.count:
        return ""
    share = statistics.paired(arm.gaps(), arm.gaps(way))
    where = f"{cell}: " if cell else ""
    found = (
        f"{where}Warm minus cold is {formatting.signed(usual.mean)} points at "
        f"the end of the round and {formatting.signed(anew.mean)} points with "
        f"moments measured anew ({formatting.in_words(anew)}). Lagging "
        f"moments account for {formatting.signed(share.mean)} points of the "
        f"gap ({formatting.in_words(share)}). "
    )
    return found + _where(anew, share)


def _where(anew: statistics.Effect, share: statistics.Effect) -> str:
    """Returns where a gap is, as far as the seeds decide it."""
    if anew.count < 2:
        return "One seed cannot show whether a gap remains."
    if anew.sign >= 0:
        return "These seeds do not show whether a gap remains."
    if share.sign < 0:
        return "A part of the gap is in the moments, the rest in the weights."
    return "The gap that remains is in the weights."
