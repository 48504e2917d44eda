"""The table that sums a report up, and tables as Markdown."""

import collections
from collections.abc import Iterable

from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import statistics
from ws_keras.report.render import markdown as pages
from ws_keras.storage import rows

markdown = pages.table
NOTHING = shown.NOTHING
_SUMMARY = (
    "experiment",
    "arm",
    "accuracy %",
    "minus cold",
    "95 % interval",
    "training %",
    "epochs",
    "sample passes",
    "train s",
    "CPU s",
    "seeds",
    "stopped by",
)
_CPU = _SUMMARY.index("CPU s")
_SUMMARY_NOTE = (
    "Last round of finished seeds, mean ± standard error; minus cold is the "
    "paired difference in points over common seeds, with its 95 % t interval. "
    "Epochs, sample passes and training seconds are sums over the rounds."
)
_TOTALS = ("epochs", "sample_passes", "train_seconds", "cpu_seconds")
_CPU_NOTE = (
    " CPU seconds are those of all cores together during training, which say "
    "more than the wall clock where a machine is shared."
)


def summary(all_rows: Iterable[rows.Row]) -> sections.Table:
    """Returns the table with one line per experiment and arm.

    Accuracies are those of the last round of finished seeds, mean and
    standard error; epochs, sample passes and seconds are summed over the
    rounds and averaged over seeds. `minus cold` is the paired difference.
    CPU seconds have a column if any row has them.

    Args:
        all_rows: Rows of any experiments.

    Returns:
        A `sections.Table`.
    """
    all_rows = list(all_rows)
    grouped = statistics.cells(all_rows)
    colds = statistics.colds(grouped)
    lines = []
    for cell, arms in grouped.items():
        cold = statistics.final(statistics.runs(colds[cell]), "accuracy")
        name = _cell_name(cell, grouped)
        for arm, arm_rows in arms.items():
            lines.append((name, arm, *_summary_line(arm, arm_rows, cold)))
    header, note = _SUMMARY, _SUMMARY_NOTE + _CPU_NOTE
    if not statistics.has_cpu_seconds(all_rows):
        note = _SUMMARY_NOTE
        header, *lines = (
            (*line[:_CPU], *line[_CPU + 1 :]) for line in (header, *lines)
        )
    return sections.Table("Summary", header, tuple(lines), note)


def _summary_line(
    arm: str, arm_rows: list[rows.Row], cold: dict[int, float]
) -> list[str]:
    runs = statistics.runs(arm_rows)
    accuracy = statistics.final(runs, "accuracy")
    training = statistics.final(runs, "train_accuracy")
    gap = statistics.paired(accuracy, {} if arm == "cold" else cold)
    return [
        shown.mean_error(statistics.summarize(accuracy.values())),
        shown.difference(gap, runs=runs),
        shown.interval(gap),
        _mean(training),
        *(
            shown.amount(
                statistics.summarize(statistics.total(runs, field).values()),
                whole=field == "sample_passes",
            )
            for field in _TOTALS
        ),
        shown.seeds(runs),
        _stops(arm_rows),
    ]


def _stops(arm_rows: list[rows.Row]) -> str:
    counts = collections.Counter(row.stopped_by for row in arm_rows)
    others = [f"{k} {n}" for k, n in sorted(counts.items()) if k != "threshold"]
    if not others:
        return "threshold"
    rest = counts["threshold"]
    return ", ".join([*others, *([f"threshold {rest}"] if rest else [])])


def _cell_name(cell: statistics.Cell, grouped) -> str:
    siblings = [c for c in grouped if c.experiment == cell.experiment]
    if len(siblings) == 1:
        return cell.experiment
    return f"{cell.experiment} ({', '.join(filter(None, cell[1:]))})"


def _mean(values: dict[int, float]) -> str:
    summary = statistics.summarize(values.values())
    return f"{summary.mean:.1f}" if summary.count else NOTHING
