"""Tables of arms: the one of a report and a terminal, costs, ends of rounds."""

import collections
from collections.abc import Iterable
from collections.abc import Sequence

from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import paper_tables
from ws_keras.report import runs
from ws_keras.report import scale as scales
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

NOTHING = formatting.NOTHING
RECALIBRATED = "shrunk/1/accuracy"
_NOTE = (
    "Held-out accuracy of the last round, mean ± standard error over finished "
    "seeds; minus cold is the paired difference in points over common seeds. "
    "Passes are those of all rounds as a share of cold's of the same seed. "
    "Intervals are 95 % t intervals, those of shares on a logarithmic scale."
)
_SO_FAR = " Where no seed is finished, the last round that all have reached."
_RECALIBRATED = (
    " Recalibrated: batch norm's moments measured anew on training samples."
)
_STARTS = (
    "The transform also acts on the first initialization: what an arm gains "
    "in round 1 is no gain of warm-starting."
)


def arms(run: runs.Run, some: Sequence[runs.Arm] | None = None):
    """Returns the table of arms: accuracy, difference, cost, the paper's.

    Columns of which no line knows anything are left out.

    Args:
        run: The experiment.
        some: Arms to show. Defaults to `None`, all.

    Returns:
        A `sections.Table`.
    """
    some = run.arms if some is None else list(some)
    found = [*columns.names(some), *_accuracy(some), *_passes()]
    found += [("seeds", lambda arm: columns.seeds(arm.runs))]
    found += paper_tables.last_round(run)
    table = columns.made("", found, some)
    note = _NOTE
    if any(not arm.runs.finished for arm in some):
        note += _SO_FAR
    note += _RECALIBRATED if "recalibrated %" in table.header else ""
    if "paper %" in table.header:
        note += paper_tables.note(run, some)
    return sections.Table("", table.header, table.lines, note)


def costs(run: runs.Run) -> list:
    """Returns the table of what arms took, and how their rounds ended."""
    found = [*columns.names(run.arms), *_costs(run.rows)]
    if run.view.cost:
        found += paper_tables.times(run)
    note = (
        "Sums over the rounds, mean over finished seeds; CPU-seconds are those "
        "of all cores together."
    )
    if run.view.cost:
        note += (
            " The paper's time is that of the last round as a share of its "
            "cold start's, beside our passes of the last round."
        )
    return [columns.made("", found, run.arms, note)]


def summary(all_rows: Iterable[rows.Row]) -> sections.Table:
    """Returns the table of a terminal: one line per cell and arm.

    Accuracies are those of the last round of finished seeds; epochs, sample
    passes and seconds are summed over the rounds and averaged over seeds.

    Args:
        all_rows: Rows of any experiments.

    Returns:
        A `sections.Table`.
    """
    all_rows = list(all_rows)
    run = runs.Run("", all_rows)
    accuracy = [(_heading(run.arms), _level)]
    seconds = [("train s", lambda arm: _total(arm, "train_seconds"))]
    found = [*columns.names(run.arms, "experiment"), *accuracy]
    found += [*_costs(all_rows)[:3], *seconds, *_costs(all_rows)[3:]]
    found += [("seeds", lambda arm: columns.seeds(arm.runs))]
    left_out = ("CPU s, % of cold", "interval of CPU s")
    wanted = [column for column in found if column[0] not in left_out]
    return columns.made("Summary", wanted, run.arms)


def gains(run: runs.Run) -> list[sections.Table]:
    """Returns the gain in round 1 and that since, where arms differ there."""
    some = [arm for arm in run.arms if not begins_alike(arm)]
    if not some:
        return []
    found = [
        *columns.names(some),
        ("minus cold", lambda arm: formatting.difference(arm.gap())),
        ("in round 1", lambda arm: formatting.difference(arm.gap_at(1))),
        ("since", lambda arm: formatting.difference(since_round_1(arm))),
    ]
    return [columns.made("Gain in round 1, and since", found, some, _STARTS)]


def _gap(arm: runs.Arm) -> statistics.Effect:
    return statistics.paired({}, {}) if arm.is_cold else arm.gap()


def _accuracy(some: Sequence[runs.Arm]) -> list[columns.Column]:
    def accuracy(arm):
        if arm.runs.finished:
            return _level(arm)
        found = statistics.summarize(arm.latest().values())
        last = max((row.round for row in arm.rows), default=0)
        after = f" (round {last} so far)"
        return formatting.mean(found, _decimals(arm), after)

    def recalibrated(arm):
        return formatting.mean(arm.summary(RECALIBRATED))

    def minus_cold(arm):
        seeds = len(arm.runs.finished)
        return formatting.difference(_gap(arm), seeds, _decimals(arm))

    def interval(arm):
        return formatting.interval(_gap(arm), _decimals(arm))

    return [
        (_heading(some), accuracy),
        ("recalibrated %", recalibrated),
        ("minus cold", minus_cold),
        ("95 % interval", interval),
    ]


def _heading(some: Sequence[runs.Arm]) -> str:
    """Returns the name of the column of accuracies, or of another metric."""
    names = {metrics.of(arm.first).name for arm in some} or {"accuracy"}
    if len(names) > 1:
        return "accuracy % or metric"
    return names.pop().replace("accuracy", "accuracy %")


def _decimals(arm: runs.Arm) -> int:
    """One for accuracies, and as many as four digits need for others."""
    if metrics.of(arm.first).is_accuracy:
        return 1
    return scales.decimals(statistics.summarize(arm.latest().values()).mean)


def _level(arm: runs.Arm) -> sections.Cell:
    return formatting.mean(arm.summary(), _decimals(arm))


def since_round_1(arm: runs.Arm) -> statistics.Effect:
    """Returns how much the difference from cold has grown since round 1."""
    return statistics.paired(_growth(arm.runs), _growth(arm.cold))


def _growth(found: grouping.Runs) -> dict[int, float]:
    return {
        seed: rounds[-1].accuracy - rounds[0].accuracy
        for seed, rounds in found.finished.items()
    }


def begins_alike(arm: runs.Arm) -> bool:
    """Returns whether an arm's first round is cold's, or cold's not known."""
    if arm.is_cold or arm.kind == "warm" or not arm.gap().count:
        return True
    cold = {(r.seed, r.round): r.accuracy for r in arm.cold_rows}
    ours = [r for r in arm.rows if r.round == 1]
    return all(r.accuracy == cold.get((r.seed, 1)) for r in ours)


def _passes() -> list[columns.Column]:
    def ratio(arm):
        return statistics.ratio({}, {}) if arm.is_cold else arm.total_ratio()

    return [
        ("passes, % of cold", lambda arm: formatting.percent(ratio(arm))),
        ("its interval", lambda arm: formatting.percent_interval(ratio(arm))),
    ]


def _costs(all_rows: Iterable[rows.Row]) -> list[columns.Column]:
    def training(arm):
        found = statistics.summarize(arm.final("train_accuracy").values())
        cell = sections.Number(found.mean, decimals=_decimals(arm))
        return formatting.amount(found) and cell

    def share(read):
        def cell(arm):
            ratio = arm.total_ratio("cpu_seconds")
            return None if arm.is_cold else read(ratio)

        return cell

    found = [
        (_training(all_rows), training),
        ("epochs", lambda arm: _total(arm, "epochs")),
        ("sample passes", lambda arm: _total(arm, "sample_passes", True)),
    ]
    if grouping.has_cpu_seconds(all_rows):
        found += [
            ("CPU s", lambda arm: _total(arm, "cpu_seconds")),
            ("CPU s, % of cold", share(formatting.percent)),
            ("interval of CPU s", share(formatting.percent_interval)),
        ]
    return [*found, ("stopped by", _stops)]


def _training(all_rows: Iterable[rows.Row]) -> str:
    is_other = any(not metrics.of(row).is_accuracy for row in all_rows)
    return "training" if is_other else "training %"


def _total(arm: runs.Arm, field: str, is_whole: bool = False):
    values = statistics.summarize(arm.total(field).values())
    return formatting.amount(values, is_whole)


def _stops(arm: runs.Arm) -> str:
    counts = collections.Counter(row.stopped_by for row in arm.rows)
    others = [f"{k} {n}" for k, n in sorted(counts.items()) if k != "threshold"]
    if not others:
        return "threshold"
    rest = counts["threshold"]
    return ", ".join([*others, *([f"threshold {rest}"] if rest else [])])
