"""A paper's numbers beside ours: whether they are equivalent, and tables."""

import enum
import math
from collections.abc import Sequence

from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import paper
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics


class Comparison(enum.Enum):
    """What a cell of a table says beside a number of a paper."""

    MATCH = "match"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    UNFINISHED = "unfinished"
    OTHER_PROTOCOL = "other protocol"


def compare(
    ours: statistics.Effect,
    mean: float,
    std: float = math.nan,
    tolerance: float = 1.0,
) -> Comparison:
    """Compares a mean over seeds with a mean of other runs.

    Args:
        ours: Our mean over finished seeds.
        mean: Theirs.
        std: The standard deviation of theirs. Defaults to nan, not known.
        tolerance: Greatest difference that counts as none. Defaults to 1.

    Returns:
        `MATCH` where two one-sided t tests find the difference within the
        tolerance; `DIFFERS` where the difference exceeds it and its 95 %
        interval leaves out 0; else `INCONCLUSIVE`, as always with fewer than
        three seeds.
    """
    if not ours.count:
        return Comparison.UNFINISHED
    found = statistics.against(ours, mean, std, paper.RUNS)
    # Printed with one decimal, so rounding must not decide.
    if found.is_within(tolerance + 1e-9):
        return Comparison.MATCH
    is_far = abs(found.mean) > tolerance and found.sign
    return Comparison.DIFFERS if is_far else Comparison.INCONCLUSIVE


def of_arm(
    run: runs.Run,
    arm: runs.Arm,
    number: paper.Number | None,
    ours: statistics.Effect | None = None,
) -> Comparison | None:
    """Compares an arm with a paper's number; `None` without one.

    Args:
        run: The experiment.
        arm: The arm.
        number: The number of a paper.
        ours: Our mean. Defaults to `None`, the last accuracy.
    """
    if number is None:
        return None
    ours = arm.summary() if ours is None else ours
    if not ours.count:
        return Comparison.UNFINISHED
    if run.others(arm, number):
        return Comparison.OTHER_PROTOCOL
    if math.isnan(number.tolerance):
        return None
    return compare(ours, number.mean, number.std, number.tolerance)


def of_gap(
    run: runs.Run, arm: runs.Arm, number: paper.Number, cold: paper.Number
) -> Comparison:
    """Compares the difference from cold with that of a paper's two numbers."""
    gap = arm.gap()
    if gap.count and run.others(arm, number):
        return Comparison.OTHER_PROTOCOL
    # nan where one of them is read from a figure.
    std = math.hypot(number.std, cold.std)
    tolerance = max(number.tolerance, cold.tolerance)
    return compare(gap, number.mean - cold.mean, std, tolerance)


def cold_number(
    run: runs.Run, arm: runs.Arm, number: paper.Number
) -> paper.Number | None:
    """Returns the paper's number of the cold start beside a number."""
    if arm.is_cold:
        return None
    # Two figures have two cold starts.
    return paper.find(
        (number.experiment,), runs.COLD, number.cell, number.x, number.measure
    )


def last_round(run: runs.Run) -> list[columns.Column]:
    """Returns the columns of the paper's accuracy and of the comparison."""

    def number(arm):
        found = run.number(arm)
        return found and found.cell_of_table()

    def compared(arm):
        return of_arm(run, arm, run.number(arm))

    return [("paper %", number), ("comparison", compared)]


def times(run: runs.Run) -> list[columns.Column]:
    """Returns the columns of the last round's cost, ours and the paper's."""

    def theirs(arm):
        number, cold = _pair(run, arm, run.view.cost)
        if not cold:
            return None
        share = 100 * number.mean / cold.mean
        return sections.Number(share, decimals=0, before=_rough(number, cold))

    def compared(arm):
        number, cold = _pair(run, arm, run.view.cost)
        if not cold:
            return None
        if arm.runs.finished and run.others(arm, number):
            return Comparison.OTHER_PROTOCOL
        ours, base = arm.final("sample_passes"), arm.cold_final("sample_passes")
        shares = statistics.summarize(
            ours[seed] / base[seed] for seed in ours if base.get(seed)
        )
        share = number.mean / cold.mean
        tolerance = share * number.tolerance / number.mean
        return compare(shares, share, tolerance=tolerance)

    return [
        *columns.pair(
            "last round, % of cold",
            "interval of the last",
            columns.of_others(lambda arm: arm.ratio()),
        ),
        ("paper's time, %", theirs),
        ("comparison", compared),
    ]


def beside_paper(run: runs.Run) -> list[sections.Table]:
    """Returns the table of differences from cold, ours and the paper's."""
    pairs = {arm: _pair(run, arm) for arm in run.arms}
    some = [arm for arm, (_, cold) in pairs.items() if cold]

    def ours(arm):
        return formatting.difference(arm.gap(), len(arm.runs.finished))

    def theirs(arm):
        number, cold = pairs[arm]
        return sections.Number(
            number.mean - cold.mean,
            math.hypot(number.error, cold.error),
            is_signed=True,
            before=_rough(number, cold),
        )

    found = [
        *columns.names(run.arms),
        ("minus cold", ours),
        ("paper's", theirs),
        ("comparison", lambda arm: of_gap(run, arm, *pairs[arm])),
    ]
    return [columns.made("Differences from cold", found, some)] if some else []


def not_run(run: runs.Run) -> list[paper.Number]:
    """Returns the numbers of an experiment's paper that ours has no row of.

    Rows without an x coordinate have all x of their arm as measures: Figure
    6 shrinks each network by all factors.
    """
    if run.experiment not in run.view.paper:
        return []
    known = {
        (run.key(arm), arm.name, run.x_of(arm, row))
        for arm in run.arms
        for row in arm.rows
    }
    return [
        number
        for number in paper.of(run.experiment)
        if not {(number.cell, number.arm, x) for x in (number.x, None)} & known
    ]


def not_run_table(
    run: runs.Run, found: Sequence[paper.Number]
) -> sections.Table:
    """Returns the table of the numbers of `not_run`."""
    lines = tuple(
        (n.cell.replace("/", ", "), n.arm, n.x, n.cell_of_table())
        for n in found
    )
    header = ("cell", "arm", "samples" if run.is_online else "x", "paper %")
    table = sections.Table("", header, lines)
    return columns.without_empty(table)


def note(run: runs.Run, some: Sequence[runs.Arm]) -> str:
    """Returns what a reader must know about the numbers beside some arms."""
    pairs = [(a, n) for a in some for r in a.rows if (n := run.number(a, r))]
    if not pairs:
        return ""
    numbers = [number for _, number in pairs]
    sources = ", ".join(dict.fromkeys(n.source for n in numbers))
    found = f" The paper's numbers are those of {sources}."
    if any(math.isfinite(number.error) for number in numbers):
        found += " ± is the error of reading a number from a figure."
    if any(number.is_inferred for number in numbers):
        found += " ~ marks a number that is inferred or rough."
    margins = dict.fromkeys(n.margin for n in numbers if n.margin)
    found += (
        " A match means that two one-sided t tests (5 %) find our mean within "
        f"{' or '.join(_points(m) for m in margins)} of the paper's number."
    )
    found += f" {run.view.note}" if run.view.note else ""
    others = dict.fromkeys(w for a, n in pairs for w in run.others(a, n))
    if others:
        words = list(others)[:6] + ["..."] * (len(others) > 6)
        found += f" Our run has another protocol: {', '.join(words)}."
    return found


def _pair(
    run: runs.Run, arm: runs.Arm, measure: str = "accuracy"
) -> tuple[paper.Number | None, paper.Number | None]:
    """Returns the paper's number of an arm, and that of its cold start."""
    number = run.number(arm, measure=measure)
    return number, number and cold_number(run, arm, number)


def _rough(*numbers: paper.Number) -> str:
    return "~" if any(number.is_inferred for number in numbers) else ""


def _points(margin: str) -> str:
    if margin.endswith("%"):
        return margin
    return "1 point" if margin == "1" else f"{margin} points"
