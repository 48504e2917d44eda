"""How much of the gap to cold comes from batch norm's moments.

Moments are moving averages. They lag behind weights that still move when a
round stops. Networks are therefore measured again with moments of their final
weights, which shows how much of the difference from cold is due to the lag.
"""

import functools

from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics

# Measures of the accuracy with other moments than those of the round's end.
WAYS = {
    "shrunk/1/accuracy": "measured anew",
    "training_mode/accuracy": "of each batch",
}
_TITLE = "Is the gap batch norm's moments?"
_NOTE = (
    "Held-out accuracy of the last round as the round leaves the network, "
    "with moments measured anew on training samples, and by those of each "
    "batch of held-out samples, over the same seeds; below it the difference "
    "from cold in each."
)


def fold(run: runs.Run) -> list[sections.Fold]:
    """Returns a fold about arms whose moments were measured anew, or none."""
    measures = {name for row in run.rows for name in row.measures}
    shrunk = {n for n in measures if n.startswith("shrunk/")}
    if shrunk - {"shrunk/1/accuracy", "shrunk/1/entropy"}:
        return []  # it is about shrinking, of which 1 is one end
    some = [
        arm for arm in run.arms if any(arm.summary(way).count for way in WAYS)
    ]
    if not some:
        return []
    said = [
        sections.Text(text)
        for arm in some
        if arm.kind == "warm" and (text := _said(arm, len(run.cells()) > 1))
    ]
    levels, gaps = columns.names(some), columns.names(some)
    for way, words in {"accuracy": "as it is", **WAYS}.items():
        mean = functools.partial(runs.Arm.summary, field=way)
        gap = functools.partial(runs.Arm.gap, field=way)
        levels.append((f"{words} %", lambda a, m=mean: formatting.mean(m(a))))
        gaps += columns.pair(words, f"interval, {words}", gap)
    levels = columns.made("Accuracy", levels, some, _NOTE)
    others = [arm for arm in some if not arm.is_cold and arm.gap().count]
    gaps = columns.made("Minus cold", gaps, others)
    tables = [levels, *([gaps] if others else [])]
    return [sections.Fold(_TITLE, (*said, *tables))]


def _said(arm: runs.Arm, has_cells: bool) -> str:
    """Returns how much of warm's gap the moments explain."""
    way = "shrunk/1/accuracy"
    usual, anew = arm.gap(), arm.gap(way)
    if not usual.count or not anew.count:
        return ""
    share = statistics.paired(arm.gaps(), arm.gaps(way))
    where = f"{', '.join(filter(None, arm.cell[1:]))}: " if has_cells else ""
    found = (
        f"{where}warm minus cold is {formatting.signed(usual.mean)} points as "
        f"the rounds end and {formatting.signed(anew.mean)} with moments "
        f"measured anew ({formatting.in_words(anew)}), so that moments that "
        f"lag make {formatting.signed(share.mean)} of it "
        f"({formatting.in_words(share)}). "
    )
    if anew.count < 2:
        return found + "One seed cannot tell whether the gap stays."
    if anew.sign < 0:
        return found + "The gap is in the weights, and not in the moments."
    return found + "Whether a gap stays cannot be told from these seeds."
