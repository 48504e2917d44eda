"""Tables of arms: the one of a report and a terminal, costs, ends of rounds."""

import collections
import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import paper
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
# What a cell of a table is made from.
_Column = tuple[str, Callable[[runs.Arm], sections.Cell]]


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
    columns = [*names(some), *_accuracy(some), *_passes()]
    columns += [("seeds", lambda arm: seeds(arm.runs))]
    columns += _paper(run)
    table = _made("", columns, some)
    note = _NOTE
    if any(not arm.runs.finished for arm in some):
        note += _SO_FAR
    note += _RECALIBRATED if "recalibrated %" in table.header else ""
    if "paper %" in table.header:
        note += paper_note(run, some)
    return sections.Table("", table.header, table.lines, note)


def costs(run: runs.Run) -> list:
    """Returns the table of what arms took, and how their rounds ended."""
    columns = [*names(run.arms), *_costs(run.rows)]
    if run.view.cost:
        columns += _paper_costs(run)
    note = (
        "Sums over the rounds, mean over finished seeds; CPU-seconds are those "
        "of all cores together."
    )
    if run.view.cost:
        note += (
            " The paper's time is that of the last round as a share of its "
            "cold start's, beside our passes of the last round."
        )
    return [_made("", columns, run.arms, note)]


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
    columns = [*names(run.arms, "experiment"), *accuracy]
    columns += [*_costs(all_rows)[:3], *seconds, *_costs(all_rows)[3:]]
    columns += [("seeds", lambda arm: seeds(arm.runs))]
    wanted = [c for c in columns if "cold" not in c[0]]
    return _made("Summary", wanted, run.arms)


def gains(run: runs.Run) -> list[sections.Table]:
    """Returns the gain in round 1 and that since, where arms differ there."""
    some = [arm for arm in run.arms if not begins_alike(arm)]
    if not some:
        return []
    columns = [
        *names(some),
        ("minus cold", lambda arm: formatting.difference(arm.gap())),
        ("in round 1", lambda arm: formatting.difference(arm.gap_at(1))),
        ("since", lambda arm: formatting.difference(since_round_1(arm))),
    ]
    return [_made("Gain in round 1, and since", columns, some, _STARTS)]


def beside_paper(run: runs.Run) -> list:
    """Returns the table of differences from cold, ours and the paper's."""
    pairs = [
        (arm, number, cold)
        for arm in run.arms
        if (number := run.number(arm))
        and (cold := comparison.cold_number(run, arm, number))
    ]
    if not pairs:
        return []
    named = names(run.arms)
    header = (
        *(name for name, _ in named),
        "minus cold",
        "paper's",
        "comparison",
    )
    lines = tuple(
        (
            *(read(arm) for _, read in named),
            formatting.difference(arm.gap(), len(arm.runs.finished)),
            sections.Number(
                number.mean - cold.mean,
                math.hypot(number.error, cold.error),
                is_signed=True,
                before="~" if number.is_inferred or cold.is_inferred else "",
            ),
            comparison.of_gap(run, arm, number, cold),
        )
        for arm, number, cold in pairs
    )
    return [sections.Table("Differences from cold", header, lines)]


def not_run(run: runs.Run) -> list[paper.Number]:
    """Returns the numbers of an experiment's paper that ours has no row of."""
    if run.experiment not in run.view.paper:
        return []
    known = {
        (run.key(arm), arm.name, run.x_of(arm, row))
        for arm in run.arms
        for row in arm.rows
    }
    numbers = paper.of(run.experiment)
    return [n for n in numbers if (n.cell, n.arm, n.x) not in known]


def not_run_table(found: Sequence[paper.Number]) -> sections.Table:
    """Returns the table of numbers that nothing of ours stands beside."""
    lines = tuple((n.cell, n.arm, n.x, n.cell_of_table()) for n in found)
    table = sections.Table("", ("cell", "arm", "at", "paper %"), lines)
    return without_empty(table)


def names(some: Sequence[runs.Arm], *always: str) -> list[_Column]:
    """Returns the columns that tell arms apart: what varies, and the arm."""
    cells = [{**arm.cell._asdict(), **arm.labels} for arm in some]
    keys = dict.fromkeys(key for cell in cells for key in cell)
    varying = [
        key
        for key in keys
        if key != "variant"
        and (key in always or len({c.get(key) for c in cells}) > 1)
    ]
    return [*((key, _reader(key)) for key in varying), ("arm", _name)]


def word(value) -> sections.Cell:
    """Returns the value of a label as a cell."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def seeds(found: grouping.Runs) -> sections.Cell:
    """Returns how many seeds are finished, and how many are not."""
    others = {"unfinished": found.unfinished, "ended by nan": found.broken}
    named = [f"{count} {name}" for name, count in others.items() if count]
    if not named:
        return len(found.finished)
    extra = f" (+{', +'.join(named)})"
    return sections.Number(len(found.finished), decimals=0, after=extra)


def paper_note(run: runs.Run, some: Sequence[runs.Arm]) -> str:
    """Returns what must be known of the paper's numbers beside some arms."""
    numbers = [(a, n) for a in some for r in a.rows if (n := run.number(a, r))]
    if not numbers:
        return ""
    sources = ", ".join(dict.fromkeys(n.source for _, n in numbers))
    found = f" The paper's numbers are those of {sources}."
    if any(math.isfinite(number.error) for _, number in numbers):
        found += " Those read from a figure carry their reading error."
    if any(number.is_inferred for _, number in numbers):
        found += " ~: inferred or rough."
    margins = dict.fromkeys(n.margin for _, n in numbers if n.margin)
    found += (
        " A match lies within the margin of the number "
        f"({' or '.join(_points(m) for m in margins)}) by two one-sided t "
        "tests (5 %)."
    )
    found += f" {run.view.note}" if run.view.note else ""
    others = dict.fromkeys(w for a, n in numbers for w in run.others(a, n))
    if others:
        words = list(others)[:6] + ["..."] * (len(others) > 6)
        found += f" Ours is another protocol: {', '.join(words)}."
    return found


def without_empty(table: sections.Table) -> sections.Table:
    """Returns a table without the columns that have no cell."""
    columns = list(zip(table.header, *table.lines, strict=True))
    kept = [c for c in columns if any(v is not None for v in c[1:])]
    if not kept or not table.lines:
        return table
    header, *lines = zip(*kept, strict=True)
    return sections.Table(table.title, header, tuple(lines), table.note)


def _made(
    title: str,
    columns: Sequence[_Column],
    some: Sequence[runs.Arm],
    note: str = "",
) -> sections.Table:
    header = tuple(name for name, _ in columns)
    lines = tuple(tuple(read(arm) for _, read in columns) for arm in some)
    return without_empty(sections.Table(title, header, lines, note))


def _reader(key: str) -> Callable[[runs.Arm], sections.Cell]:
    def read(arm: runs.Arm) -> sections.Cell:
        value = arm.labels.get(key, getattr(arm.cell, key, None))
        return None if value is None else word(value)

    return read


def _name(arm: runs.Arm) -> str:
    return arm.name


def _gap(arm: runs.Arm) -> statistics.Effect:
    return statistics.paired({}, {}) if arm.is_cold else arm.gap()


def _accuracy(some: Sequence[runs.Arm]) -> list[_Column]:
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


def _passes() -> list[_Column]:
    def ratio(arm):
        return statistics.ratio({}, {}) if arm.is_cold else arm.total_ratio()

    return [
        ("passes, % of cold", lambda arm: formatting.percent(ratio(arm))),
        ("its interval", lambda arm: formatting.percent_interval(ratio(arm))),
    ]


def _paper(run: runs.Run) -> list[_Column]:
    def number(arm):
        found = run.number(arm)
        return found and found.cell_of_table()

    def compared(arm):
        return comparison.of_arm(run, arm, run.number(arm))

    return [("paper %", number), ("comparison", compared)]


def _costs(all_rows: Iterable[rows.Row]) -> list[_Column]:
    def training(arm):
        found = statistics.summarize(arm.final("train_accuracy").values())
        cell = sections.Number(found.mean, decimals=_decimals(arm))
        return formatting.amount(found) and cell

    def cpu_ratio(arm):
        if arm.is_cold:
            return None
        return formatting.percent(arm.total_ratio("cpu_seconds"))

    found = [
        (_training(all_rows), training),
        ("epochs", lambda arm: _total(arm, "epochs")),
        ("sample passes", lambda arm: _total(arm, "sample_passes", True)),
    ]
    if grouping.has_cpu_seconds(all_rows):
        found += [
            ("CPU s", lambda arm: _total(arm, "cpu_seconds")),
            ("CPU s, % of cold", cpu_ratio),
        ]
    return [*found, ("stopped by", _stops)]


def _training(all_rows: Iterable[rows.Row]) -> str:
    is_other = any(not metrics.of(row).is_accuracy for row in all_rows)
    return "training" if is_other else "training %"


def _paper_costs(run: runs.Run) -> list[_Column]:
    def pair(arm):
        number = run.number(arm, measure=run.view.cost)
        return number, number and comparison.cold_number(run, arm, number)

    def theirs(arm):
        number, cold = pair(arm)
        if not cold:
            return None
        return sections.Number(
            100 * number.mean / cold.mean,
            decimals=0,
            before="~" if number.is_inferred or cold.is_inferred else "",
        )

    def compared(arm):
        number, cold = pair(arm)
        if not cold:
            return None
        if arm.runs.finished and run.others(arm, number):
            return comparison.Comparison.OTHER_PROTOCOL
        ours, base = arm.final("sample_passes"), arm.cold_final("sample_passes")
        shares = statistics.summarize(
            ours[seed] / base[seed] for seed in ours if base.get(seed)
        )
        share = number.mean / cold.mean
        tolerance = share * number.tolerance / number.mean
        return comparison.compare(shares, share, tolerance=tolerance)

    return [
        ("last round, % of cold", lambda a: _last_share(a)),
        ("paper's time, %", theirs),
        ("comparison", compared),
    ]


def _last_share(arm: runs.Arm) -> sections.Cell:
    return None if arm.is_cold else formatting.percent(arm.ratio())


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


def _points(margin: str) -> str:
    if margin.endswith("%"):
        return margin
    return "1 point" if margin == "1" else f"{margin} points"
