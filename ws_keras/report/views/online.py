"""Many rounds: accuracy, seconds and passes over samples, as in Fig. 2."""

import dataclasses
import math
from collections.abc import Sequence

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import statistics
from ws_keras.report.views import charts
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs

_ACCURACY_NOTE = (
    "Mean ± standard error over n seeds; (n) where fewer have come so far."
)
_PAPER_NOTE = (
    " The paper's numbers are {precision}; a match lies within "
    f"{bands.READ_OFF_POINTS:g} points."
)
_POINT_NOTE = (
    " The paper's number is the point of its curve at as many samples, or its "
    "end where ours has none."
)
_FIELDS = {
    "train_seconds": "Training seconds of each round",
    "sample_passes": "Sample passes of each round",
}
_GAPS_NOTE = (
    "Paired difference in points over common seeds, mean ± standard error, "
    "and its 95 % t interval, of n pairs; (n) where fewer have come so far."
)


def blocks(
    run: runs.Run,
    block: str = "fig2",
    lookup: finals.Lookup | None = None,
    absent: Sequence = (),
) -> list:
    """Returns the tables and the chart of each cell of many rounds.

    Args:
        run: The experiment.
        block: Block of `paper.json` that names the protocol. Defaults to
            that of Fig. 2.
        lookup: A row to the paper's accuracy at its number of samples.
            Defaults to the curves of Fig. 2 and Fig. 7.
        absent: What the paper has last rounds of; see `finals.table`.
            Defaults to none.

    Returns:
        Blocks of a section.
    """
    lookup = lookup or _curves
    found = []
    if len(run.arms) > 1 or absent:
        title = "Last round of each arm"
        last = finals.table(run, title, block, lookup, absent)
        if "paper %" in last.header:
            last = dataclasses.replace(last, note=last.note + _POINT_NOTE)
        found.append(last)
    for cell, arms in run.cells().items():
        cell_name = " ".join(filter(None, cell))
        found += [
            _accuracy(run, arms, cell_name, block, lookup),
            chart(arms, cell, block, lookup),
            *_gaps(arms, cell_name),
            *(_costs(run, arms, field, cell_name, block) for field in _FIELDS),
        ]
    return found


def chart(
    arms: Sequence[runs.ArmRuns],
    cell: statistics.Cell,
    block: str,
    lookup: finals.Lookup,
) -> sections.Chart:
    """Returns accuracy, seconds and sample passes over samples."""
    panels = [
        sections.Panel(
            "Samples (thousands)",
            label,
            tuple(_series(arms, field, scale, block, lookup)),
            from_zero=field != "accuracy",
        )
        for field, label, scale in (
            ("accuracy", charts.ACCURACY, 1),
            ("train_seconds", "Training time per round (s)", 1),
            ("sample_passes", "Passes per round (thousands)", 1000),
        )
    ]
    stem = charts.name("online", *cell)
    return sections.Chart(stem, " ".join(filter(None, cell)), tuple(panels))


def shrinks(*left_out: str) -> dict[str, float]:
    """Returns arms of Fig. 7 to where their curves end.

    Args:
        left_out: Shrinks whose arms are meant to have another name.
    """
    block = paper.numbers()["fig7"]
    return {
        f"shrink_perturb {shrink}/{block['perturb']:g}": curve[-1]
        for shrink, curve in block["accuracy"].items()
        if shrink not in left_out
    }


def _curves(row) -> bands.Printed | None:
    curve = paper.online(row, "accuracy")
    value = curve and curve.at(row.num_samples)
    return bands.Printed(value, where=curve.where) if value else None


def _series(arms, field: str, scale: float, block, lookup):
    for arm in arms:
        ours = arm.by_samples(field)
        points = [
            (size / 1000, summary.mean / scale, summary.error / scale)
            for size, values in ours.items()
            for summary in [statistics.summarize(values.values())]
        ]
        if found := charts.series(arm.name, arm.name, points):
            yield found
        # The paper's seconds are those of another machine.
        if field != "accuracy":
            continue
        theirs = [
            (row.num_samples / 1000, number.value, 0.0)
            for row in _one_per_size(arm.rows)
            if (number := lookup(row))
        ]
        where = charts.paper_name(_block_of(arm, block))
        if found := charts.series(where, arm.name, theirs, is_paper=True):
            yield found


def _block_of(arm: runs.ArmRuns, block: str) -> str:
    """Returns where the numbers beside an arm come from."""
    # Beside Fig. 2 stands shrink-perturb of Fig. 7.
    if block == "fig2" and arm.first.arm == "shrink_perturb":
        return "fig7"
    return block


def _one_per_size(found) -> list:
    return list({row.num_samples: row for row in found}.values())


def _accuracy(run, arms, cell_name, block, lookup) -> sections.Table:
    header, columns, has_paper = ["samples"], [], False
    for arm in arms:
        ours = arm.by_samples()
        header.append(_headed(arm.name, ours))
        columns.append(_means(ours))
        theirs = _paper_column(run, arm, ours, block, lookup)
        if theirs:
            has_paper = True
            where = paper.numbers()[_block_of(arm, block)]["where"]
            header.append(f"paper, {where}")
            columns.append(theirs)
    note = _ACCURACY_NOTE
    if has_paper:
        precision = paper.precision(block)
        note += _PAPER_NOTE.format(precision=precision)
        note += finals.other_protocol(run, block, arms)
    title = f"Held-out accuracy (%) over samples, {cell_name}"
    return _table(title, header, columns, note)


def _paper_column(run, arm, ours, block: str, lookup) -> dict[int, str]:
    is_other = run.is_other(block)(arm)
    column = {}
    for row in _one_per_size(arm.rows):
        if number := lookup(row):
            values = ours[row.num_samples].values()
            summary = statistics.summarize(values)
            verdict = bands.verdict(summary, number, is_other)
            column[row.num_samples] = f"{number.text} {verdict}"
    if column and not is_other:
        column |= _rest(arm, max(ours), block, lookup)
    return column


def _rest(arm: runs.ArmRuns, last: int, block: str, lookup) -> dict[int, str]:
    """Returns the paper's points at sizes that ours have not come to."""
    figure = paper.numbers()[block]
    found = {}
    for size in figure.get("num_samples", ()):
        number = math.ceil(size / figure["samples_per_round"])
        row = dataclasses.replace(arm.last, num_samples=size, round=number)
        if size > last and (point := lookup(row)):
            found[size] = f"{point.text} {bands.NOT_RUN}"
    return found


def _gaps(arms, cell_name: str) -> list[sections.Table]:
    cold = next((arm for arm in arms if arm.is_cold), None)
    others = [arm for arm in arms if not arm.is_cold]
    if cold is None or not others:
        return []
    theirs = cold.by_samples()
    header, columns = ["samples"], []
    for arm in others:
        ours = arm.by_samples()
        gaps = {
            size: statistics.paired(values, theirs[size])
            for size, values in ours.items()
            if size in theirs
        }
        most = max((gap.count for gap in gaps.values()), default=0)
        header += [f"{arm.name} (n = {most})", "95 % interval"]
        columns += [
            {
                size: shown.difference(gap) + _fewer(gap.count, most)
                for size, gap in gaps.items()
            },
            {size: shown.interval(gap) for size, gap in gaps.items()},
        ]
    title = f"Difference from cold (points), {cell_name}"
    return [_table(title, header, columns, _GAPS_NOTE)]


def _costs(run, arms, field: str, cell_name: str, block) -> sections.Table:
    header, columns = ["samples"], []
    note = "Mean over seeds."
    for arm in arms:
        ours = arm.by_samples(field)
        header.append(_headed(arm.name, ours))
        columns.append(_means(ours, field))
        is_other = run.is_other(block)(arm)
        curve = None if is_other else paper.online(arm.first, field)
        theirs = {
            size: f"{curve.at(size):.0f}"
            for size in ours
            if curve and curve.at(size) is not None
        }
        if theirs:
            header.append(f"paper, {curve.where}")
            columns.append(theirs)
            note = (
                f"Mean over seeds. The paper's numbers are "
                f"{paper.precision('fig2')}; it names no hardware for them."
            )
    title = f"{_FIELDS[field]}, {cell_name}"
    return _table(title, header, columns, note)


def _means(ours: dict, field: str = "accuracy") -> dict[int, str]:
    most = max(map(len, ours.values()))
    column = {}
    for size, values in ours.items():
        summary = statistics.summarize(values.values())
        text = shown.mean_error(summary)
        if field != "accuracy":
            text = shown.amount(summary, whole=field == "sample_passes")
        column[size] = text + _fewer(summary.count, most)
    return column


def _headed(name: str, ours: dict) -> str:
    return f"{name} (n = {max(map(len, ours.values()))})"


def _fewer(count: int, most: int) -> str:
    return f" ({count})" if 0 < count < most else ""


def _table(title, header, columns, note: str) -> sections.Table:
    sizes = sorted({size for column in columns for size in column})
    lines = tuple(
        (f"{size:,}", *(c.get(size, shown.NOTHING) for c in columns))
        for size in sizes
    )
    return sections.Table(title, tuple(header), lines, note)
