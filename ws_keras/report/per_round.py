"""Tables over the number of samples, round by round."""

from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import paper_tables
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import tables

_MEANS = "Mean ± standard error over n seeds; (n) where fewer have come so far."
_GAPS = (
    "Paired difference in points over common seeds, mean ± standard error, "
    "and its 95 % t interval; (n) where fewer pairs have come so far."
)


def samples(run: runs.Run) -> list[sections.Fold]:
    """Returns folds with accuracy, difference and cost over samples."""
    cells = run.cells()
    costs = ["sample_passes"]
    if grouping.has_cpu_seconds(run.rows):
        costs.append("cpu_seconds")
    accuracy, spent = [], []
    gaps = tables.gains(run)
    for cell, arms in cells.items():
        title = cell_name(cell, cells)
        accuracy.append(_accuracy(run, arms, title))
        gaps += _gaps(arms, title)
        spent += [_costs(arms, field, title) for field in costs]
    folds = (
        ("Accuracy after each round", accuracy),
        ("Difference from cold after each round", gaps),
        ("Cost of each round", spent),
    )
    return [sections.Fold(name, tuple(found)) for name, found in folds if found]


def cell_name(cell: grouping.Cell, cells) -> str:
    """Returns what tells a cell from the others; nothing if it is alone."""
    if len(cells) == 1:
        return ""
    varying = [i for i in range(1, 5) if len({c[i] for c in cells}) > 1]
    return ", ".join(cell[i] for i in varying if cell[i])


def _accuracy(run: runs.Run, arms: list[runs.Arm], title: str):
    header, columns = ["samples"], []
    for arm in arms:
        ours = arm.by_samples()
        header.append(_headed(arm, ours))
        columns.append(_means(ours))
        points = {r.num_samples: (r, run.number(arm, r)) for r in arm.rows}
        known = {x: pair for x, pair in points.items() if pair[1]}
        if known:
            source = next(iter(known.values()))[1].source
            header += [f"paper, {source}", "comparison"]
            columns += [
                {x: number.cell_of_table() for x, (_, number) in known.items()},
                {
                    x: comparison.of_arm(
                        run,
                        arm,
                        number,
                        statistics.summarize(ours[x].values()),
                    )
                    for x, (_, number) in known.items()
                    if x in ours
                },
            ]
    note = _MEANS + paper_tables.note(run, arms)
    return _table(title, header, columns, note)


def _gaps(arms: list[runs.Arm], title: str) -> list[sections.Table]:
    others = [arm for arm in arms if not arm.is_cold and arm.cold_rows]
    if not others:
        return []
    header, columns = ["samples"], []
    for arm in others:
        theirs = arm.cold_by_samples()
        gaps = {
            size: statistics.paired(values, theirs[size])
            for size, values in arm.by_samples().items()
            if size in theirs
        }
        most = max((gap.count for gap in gaps.values()), default=0)
        header += [f"{arm.name} (n = {most})", "95 % interval"]
        columns += [
            {x: formatting.difference(gap, most) for x, gap in gaps.items()},
            {x: formatting.interval(gap) for x, gap in gaps.items()},
        ]
    return [_table(title, header, columns, _GAPS)]


def _costs(arms: list[runs.Arm], field: str, title: str) -> sections.Table:
    header, columns = ["samples"], []
    for arm in arms:
        ours = arm.by_samples(field)
        header.append(_headed(arm, ours))
        columns.append(
            {
                x: formatting.amount(
                    statistics.summarize(v.values()), field == "sample_passes"
                )
                for x, v in ours.items()
            }
        )
    words = {"sample_passes": "Sample passes", "cpu_seconds": "CPU-seconds"}
    name = ": ".join(filter(None, [words[field], title]))
    return _table(name, header, columns, "Mean over seeds.")


def _means(ours: dict) -> dict[int, sections.Cell]:
    most = max(map(len, ours.values()), default=0)
    column = {}
    for size, values in ours.items():
        summary = statistics.summarize(values.values())
        few = 0 < summary.count < most
        after = f" ({summary.count})" if few else ""
        column[size] = formatting.mean(summary, after=after)
    return column


def _headed(arm: runs.Arm, ours: dict) -> str:
    most = max(map(len, ours.values()), default=0)  # it may have diverged
    return f"{arm.name} (n = {most})"


def _table(title, header, columns, note: str) -> sections.Table:
    sizes = sorted({size for column in columns for size in column})
    lines = tuple((x, *(c.get(x) for c in columns)) for x in sizes)
    return sections.Table(title, tuple(header), lines, note)
