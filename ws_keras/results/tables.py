"""Markdown tables of rows, beside the paper's numbers where they exist."""

import collections
import math
from collections.abc import Iterable

from ws_keras.results import markdown as pages
from ws_keras.results import paper
from ws_keras.results import rows
from ws_keras.results import statistics

markdown = pages.table

NOTHING = "—"
_MINUS = "−"
_SUMMARY = (
    "experiment",
    "arm",
    "accuracy %",
    "minus cold",
    "training %",
    "epochs",
    "sample passes",
    "train s",
    "seeds",
    "stopped by",
)
_CELLS = (
    "dataset",
    "model",
    "optimizer",
    "arm",
    "ours %",
    "seeds",
    "paper %",
    "verdict",
)


def summary(all_rows: Iterable[rows.Row]) -> str:
    """Returns the table with one line per experiment and arm.

    Accuracies are those of the last round of finished seeds, mean and
    standard error; epochs, sample passes and seconds are summed over the
    rounds and averaged over seeds. `minus cold` is the paired difference.

    Args:
        all_rows: Rows of any experiments.

    Returns:
        Markdown.
    """
    grouped = statistics.cells(all_rows)
    lines = []
    for cell, arms in grouped.items():
        cold = statistics.final(
            statistics.runs(arms.get("cold", [])), "accuracy"
        )
        name = _cell_name(cell, grouped)
        for arm, arm_rows in arms.items():
            lines.append([name, arm, *_summary_line(arm, arm_rows, cold)])
    return markdown(_SUMMARY, lines)


def online(arms: dict[str, list[rows.Row]], field: str) -> str:
    """Returns a field per number of samples and arm.

    Args:
        arms: Arm label to its rows, of one cell.
        field: `accuracy` (mean and standard error over seeds), or
            `train_seconds` or `sample_passes` of the round (mean).

    Returns:
        Markdown, with a column of the paper's numbers beside each arm that
        the paper has.
    """
    header, columns = ["samples"], []
    for arm, arm_rows in arms.items():
        ours = statistics.by_samples(arm_rows, field)
        header.append(arm)
        columns.append(_our_column(ours, field))
        curve = paper.online(arm_rows[0], field)
        printed = _paper_column(curve, ours, field) if curve else {}
        if printed:
            header.append(f"paper, {curve.where}")
            columns.append(printed)
    sizes = sorted({size for column in columns for size in column})
    lines = [
        [f"{size:,}", *(column.get(size, NOTHING) for column in columns)]
        for size in sizes
    ]
    return markdown(header, lines)


def two_phase(
    found: dict[statistics.Cell, dict[str, list[rows.Row]]],
) -> str:
    """Returns cells like those of Table 1, ours beside the paper's.

    Args:
        found: What `statistics.cells` returns, of two-phase experiments.

    Returns:
        Markdown: mean and standard deviation over finished seeds; `match`
        where both means lie within two combined standard deviations (at
        least half a point), `differs` where they do not.
    """
    lines = [
        [*cell[1:4], arm, *_cell_line(cell, arm, arm_rows)]
        for cell, arms in found.items()
        for arm, arm_rows in arms.items()
    ]
    return markdown(_CELLS, lines)


def _summary_line(
    arm: str, arm_rows: list[rows.Row], cold: dict[int, float]
) -> list[str]:
    runs = statistics.runs(arm_rows)
    accuracy = statistics.final(runs, "accuracy")
    gap = NOTHING
    if arm != "cold":
        gap = _gap(statistics.paired(accuracy, cold))
    return [
        _accuracy(statistics.summarize(accuracy.values())),
        gap,
        _mean(statistics.final(runs, "train_accuracy")),
        *(
            _shown(statistics.summarize(_total(runs, field)), field)
            for field in ("epochs", "sample_passes", "train_seconds")
        ),
        _seeds(runs),
        _stops(arm_rows),
    ]


def _cell_line(
    cell: statistics.Cell, arm: str, arm_rows: list[rows.Row]
) -> list[str]:
    runs = statistics.runs(arm_rows)
    ours = statistics.summarize(statistics.final(runs, "accuracy").values())
    printed = paper.table1(cell, arm, runs)
    if printed is None:
        return [_with_std(ours), _seeds(runs), NOTHING, NOTHING]
    verdict = "match" if statistics.matches(ours, *printed) else "differs"
    # As many decimals as the paper prints, which is at least one.
    shown = f"{printed[0]} ({printed[1]})"
    return [_with_std(ours), _seeds(runs), shown, verdict]


def _our_column(
    ours: dict[int, dict[int, float]], field: str
) -> dict[int, str]:
    most = max(map(len, ours.values()))
    column = {}
    for size, values in ours.items():
        summary = statistics.summarize(values.values())
        fewer = f" ({summary.count})" if summary.count < most else ""
        column[size] = _shown(summary, field) + fewer
    return column


def _paper_column(curve: paper.Curve, sizes, field: str) -> dict[int, str]:
    decimals = 1 if field == "accuracy" else 0
    points = {size: curve.at(size) for size in sizes}
    return {
        size: f"{value:.{decimals}f}"
        for size, value in points.items()
        if value is not None
    }


def _total(runs: statistics.Runs, field: str) -> list[float]:
    return [
        float(sum(getattr(row, field) for row in found))
        for found in runs.finished.values()
    ]


def _seeds(runs: statistics.Runs) -> str:
    others = {"unfinished": runs.unfinished, "ended by nan": runs.broken}
    named = [f"{count} {name}" for name, count in others.items() if count]
    extra = f" (+{', +'.join(named)})" if named else ""
    return f"{len(runs.finished)}{extra}"


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


def _accuracy(summary: statistics.Summary) -> str:
    return _plus_minus(f"{summary.mean:.1f}", summary, summary.error)


def _gap(gap: statistics.Difference) -> str:
    text = f"{gap.mean:+.1f}".replace("-", _MINUS)
    return _plus_minus(text, gap, gap.error)


def _plus_minus(text: str, summary, error: float) -> str:
    if not summary.count:
        return NOTHING
    return text if math.isnan(error) else f"{text} ± {error:.1f}"


def _with_std(summary: statistics.Summary) -> str:
    if not summary.count:
        return NOTHING
    spread = "" if math.isnan(summary.std) else f" ({summary.std:.1f})"
    return f"{summary.mean:.1f}{spread}"


def _mean(values: dict[int, float]) -> str:
    summary = statistics.summarize(values.values())
    return f"{summary.mean:.1f}" if summary.count else NOTHING


def _shown(summary: statistics.Summary, field: str) -> str:
    if field == "accuracy":
        return _accuracy(summary)
    if not summary.count:
        return NOTHING
    # A tenth of a second says nothing beside hundreds of them.
    whole = field == "sample_passes" or summary.mean >= 100
    return f"{summary.mean:,.{0 if whole else 1}f}"
