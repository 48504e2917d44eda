"""Tables of arms: accuracy and cost, old and new samples, gains of rounds."""

import collections
import functools
from collections.abc import Iterable
from collections.abc import Sequence

from ws_keras.report import columns
from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import moments
from ws_keras.report import runs
from ws_keras.report import scale as scales
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

NOTHING = formatting.NOTHING
_NOTE = (
    "Held-out {metric} after the last round, mean ± standard error over "
    "finished seeds."
)
# Sentences about columns, for tables that have them.
_ABOUT = {
    "minus cold": " Minus cold: the mean difference from cold{points}, paired "
    "by seed, with its 95 % t interval.",
    "passes, % of cold": " Passes: sample passes of all rounds, in percent of "
    "those of cold with the same seed; the t interval is that of their "
    "logarithms.",
    "recalibrated %": " Recalibrated: after the moments of batch norm were "
    "measured again, on training samples.",
}
_SO_FAR = (
    " An arm without a finished seed shows the last round that all its seeds "
    "have reached."
)
_COSTS = (
    "Each number is a sum over all rounds, averaged over finished seeds. "
    "CPU-seconds include all cores."
)
# Ends of rounds, as `rows.Row` names them.
_STOPS = (
    " Stopped by: what ended the rounds, and how many. Threshold: the training "
    "accuracy reached its threshold; plateau: it no longer rose; cap: the "
    "limit of epochs; epochs: their given number."
)
_RARE = {
    "callback": " Callback: a callback of the user ended the round.",
    "nan": " Nan: the loss was no longer a number.",
}
_TIMES = (
    " The paper's time is the time of its last round, in percent of that of "
    "its cold start. Ours is in sample passes of the last round."
)
# Part of the held-out samples to what the table of them calls it.
_PARTS = {
    "old": "of earlier rounds",
    "new": "of the last round",
    "old_classes": "of old classes",
    "new_classes": "of new classes",
}
_OLD_AND_NEW = (
    "Means over finished seeds, after the last round. Old and new held-out "
    "samples are those of earlier rounds and of the last round. New classes "
    "occur in the last round for the first time."
)
# Arms that change the network before the first round too.
_ACT_FIRST = ("shrink_perturb", "last_layer")
_STARTS = (
    "The transform also acts before round 1, on the first initialization. A "
    "gain in round 1 therefore does not come from correcting a warm start."
)


def arms(run: runs.Run) -> sections.Table:
    """Returns the table of arms: accuracy, difference, cost, the paper's."""
    some = run.arms
    found = [
        *columns.names(some),
        (_heading(some), _level),
        ("recalibrated %", _recalibrated),
        *columns.pair(
            "minus cold",
            "95 % interval",
            columns.of_others(runs.Arm.gap),
            decimals,
        ),
        *columns.pair(
            "passes, % of cold",
            "interval of passes",
            columns.of_others(runs.Arm.total_ratio),
        ),
        ("seeds", lambda arm: columns.seeds(arm.runs)),
        *comparison.last_round(run),
    ]
    table = columns.made("", found, some)
    is_accuracy = all(metrics.of(arm.first).is_accuracy for arm in some)
    about = [text for name, text in _ABOUT.items() if name in table.header]
    note = "".join([_NOTE, *about]).format(
        metric="accuracy" if is_accuracy else "metric",
        points=" in points" * is_accuracy,
    )
    if any(not arm.runs.finished for arm in some):
        note += _SO_FAR
    if "paper %" in table.header:
        note += comparison.note(run, some)
    return sections.Table("", table.header, table.lines, note)


def costs(run: runs.Run) -> sections.Table:
    """Returns the table of what arms took, and how their rounds ended."""
    found = [*columns.names(run.arms), *_costs(run.rows)]
    note = _COSTS
    stops = {row.stopped_by for row in run.rows}
    if stops - {"threshold"}:
        note += _STOPS
    note += "".join(text for stop, text in _RARE.items() if stop in stops)
    if run.view.cost:
        found += comparison.times(run)
        note += _TIMES
    return columns.made("", found, run.arms, note)


def summary(all_rows: Iterable[rows.Row]) -> sections.Table:
    """Returns the table of a terminal: a line for each cell and arm.

    Accuracies are those of the last round of finished seeds; epochs, sample
    passes and seconds are summed over the rounds and averaged over seeds.

    Args:
        all_rows: Rows of any experiments.
    """
    all_rows = list(all_rows)
    some = runs.Run("", all_rows).arms
    cost = [c for c in _costs(all_rows) if "CPU s," not in c[0]]
    cost = [c for c in cost if c[0] != "interval of CPU s"]
    found = [
        *columns.names(some),
        (_heading(some), lambda arm: _level(arm, is_last=True)),
        *cost[:3],
        ("train s", lambda arm: _total(arm, "train_seconds")),
        *cost[3:],
        ("seeds", lambda arm: columns.seeds(arm.runs)),
    ]
    return columns.made("Summary", found, some)


def old_and_new(all_rows: Iterable[rows.Row]) -> sections.Table | None:
    """Returns the metric on old and on new held-out samples, by arm.

    Args:
        all_rows: Rows of one experiment.

    Returns:
        A `sections.Table`; `None` where no row tells them apart.
    """

    def mean(arm: runs.Arm, part: str) -> sections.Cell:
        metric = metrics.of(arm.first)
        found = arm.summary(f"{metric.name}_{part}")
        digits = 1 if metric.is_accuracy else scales.decimals(found.mean)
        return formatting.mean(found, digits)

    parts = [
        (words, functools.partial(mean, part=part))
        for part, words in _PARTS.items()
    ]
    some = [
        arm
        for arm in runs.Run("", list(all_rows)).arms
        if any(read(arm) for _, read in parts)
    ]
    if not some:
        return None
    name = metrics.of(some[0].first).name
    title = name.capitalize() if name == "accuracy" else name
    return columns.made(
        f"{title} on old and on new held-out samples",
        [("arm", lambda arm: arm.name), *parts],
        some,
        _OLD_AND_NEW,
    )


def gains(run: runs.Run) -> list[sections.Table]:
    """Returns the gain in round 1 and that since, where arms differ there."""
    some = [arm for arm in run.arms if not begins_alike(arm)]
    if not some:
        return []
    found = [
        *columns.names(some),
        ("minus cold", lambda arm: formatting.difference(arm.gap())),
        ("in round 1", lambda arm: formatting.difference(arm.gap_at(1))),
        (
            "in later rounds",
            lambda arm: formatting.difference(since_round_1(arm)),
        ),
    ]
    return [columns.made("Gain in round 1 and later", found, some, _STARTS)]


def decimals(arm: runs.Arm) -> int:
    """Returns one for accuracies, else the decimals that give four digits."""
    if metrics.of(arm.first).is_accuracy:
        return 1
    return scales.decimals(statistics.level(arm.latest()).mean)


def since_round_1(arm: runs.Arm) -> statistics.Effect:
    """Returns how much the difference from cold has grown since round 1."""
    growth = (
        {s: some[-1].accuracy - some[0].accuracy for s, some in ends.items()}
        for ends in (arm.runs.finished, arm.cold.finished)
    )
    return statistics.paired(*growth)


def begins_alike(arm: runs.Arm) -> bool:
    """Returns whether nothing but chance parts an arm from cold in round 1."""
    if arm.kind not in _ACT_FIRST or not arm.gap().count:
        return True
    cold = {(r.seed, r.round): r.accuracy for r in arm.cold_rows}
    ours = [r for r in arm.rows if r.round == 1]
    return all(r.accuracy == cold.get((r.seed, 1)) for r in ours)


def _heading(some: Sequence[runs.Arm]) -> str:
    """Returns the header of the accuracies, or of another metric."""
    names = {metrics.of(arm.first).name for arm in some} or {"accuracy"}
    if len(names) > 1:
        return "accuracy % or metric"
    return names.pop().replace("accuracy", "accuracy %")


def _level(arm: runs.Arm, is_last: bool = False) -> sections.Cell:
    """Returns the mean of the last round, or unless `is_last` so far."""
    if arm.runs.finished or is_last:
        return formatting.mean(arm.summary(), decimals(arm))
    last = max((row.round for row in arm.rows), default=0)
    after = f" (round {last} so far)"
    return formatting.mean(statistics.level(arm.latest()), decimals(arm), after)


def _recalibrated(arm: runs.Arm) -> sections.Cell:
    if not moments.matter(arm):
        return None
    found = arm.summary(moments.RECALIBRATED)
    after = formatting.fewer(found, len(arm.runs.finished))
    return formatting.mean(found, after=after)


def _costs(all_rows: Sequence[rows.Row]) -> list[columns.Column]:
    is_accuracy = all(metrics.of(row).is_accuracy for row in all_rows)

    def training(arm: runs.Arm) -> sections.Cell:
        found = arm.summary("train_accuracy")
        if not found.count:
            return None
        return sections.Number(found.mean, decimals=decimals(arm))

    found = [
        ("training %" if is_accuracy else "training", training),
        ("epochs", lambda arm: _total(arm, "epochs")),
        ("sample passes", lambda arm: _total(arm, "sample_passes", True)),
    ]
    if grouping.has_cpu_seconds(all_rows):
        found.append(("CPU s", lambda arm: _total(arm, "cpu_seconds")))
        found += columns.pair(
            "CPU s, % of cold",
            "interval of CPU s",
            columns.of_others(lambda arm: arm.total_ratio("cpu_seconds")),
        )
    return [*found, ("stopped by", _stops)]


def _total(arm: runs.Arm, field: str, is_whole: bool = False):
    found, seeds = statistics.level(arm.total(field)), len(arm.runs.finished)
    return formatting.amount(found, is_whole, seeds)


def _stops(arm: runs.Arm) -> str:
    """Returns what ended the rounds; the threshold is counted last."""
    counts = collections.Counter(row.stopped_by for row in arm.rows)
    if counts.keys() <= {"threshold"}:
        return "threshold"
    ends = sorted(counts, key=lambda end: (end == "threshold", end))
    return ", ".join(f"{end} {counts[end]}" for end in ends)
