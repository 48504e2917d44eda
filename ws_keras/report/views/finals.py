"""Last rounds, arm by arm, beside a paper's: the table of most views."""

import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import statistics
from ws_keras.report.views import run as runs
from ws_keras.storage import rows

Lookup = Callable[[rows.Row], bands.Printed | None]
Columns = dict[str, str]
LAST = "Last round, ours and the paper's"
_ALWAYS = ("arm",)
_SHOWN = 6  # differences of protocol
_OURS = ("accuracy %", "minus cold", "95 % interval", "seeds")
_NOTE = (
    "Held-out accuracy of the last round, mean ± standard error over finished "
    "seeds; minus cold is the paired difference over common seeds, with its "
    "95 % t interval."
)


def nothing(_: rows.Row) -> None:
    """The `Lookup` of what no paper has numbers for."""


def table(
    run: runs.Run,
    title: str,
    block: str | None = None,
    lookup: Lookup = nothing,
    absent: Iterable[tuple[Columns, bands.Printed]] = (),
    arms: Sequence[runs.ArmRuns] | None = None,
) -> sections.Table:
    """Returns one line for each arm of each cell, and for what is not run.

    Args:
        run: The experiment.
        title: Of the table.
        block: Block of `paper.json` that `lookup` reads. Defaults to none.
        lookup: Last row of an arm to the paper's accuracy.
        absent: What the paper has cells for: the columns that name a cell and
            its number. Those that ours lack get a line. Defaults to none.
        arms: Those to show. Defaults to all.

    Returns:
        A `sections.Table`; without a number of the paper it has no columns
        for them.
    """
    arms = run.arms if arms is None else arms
    found = [(columns(arm), arm) for arm in arms]
    known = [names for names, _ in found]
    more = [cell for cell in absent if cell[0] not in known]
    names = _varying([*known, *(names for names, _ in more)])
    has_paper = bool(more) or any(lookup(arm.last) for arm in arms)
    header = [*names, *_OURS]
    lines = [
        [*_chosen(cell, names), *_ours(arm)]
        + (_paper(run, arm, block, lookup) if has_paper else [])
        for cell, arm in found
    ]
    lines += [
        [*_chosen(cell, names), *[shown.NOTHING] * 3, "0"]
        + [number.text, bands.NOT_RUN, shown.NOTHING, shown.NOTHING]
        for cell, number in more
    ]
    if has_paper:
        header += ["paper %", "verdict", "paper's gap", "gap"]
    note = _NOTE + (_paper_note(run, block, arms) if has_paper else "")
    return sections.Table(title, tuple(header), _frozen(lines), note)


def columns(arm: runs.ArmRuns) -> Columns:
    """Returns what names the line of an arm."""
    cell = arm.cell
    named = {
        "dataset": cell.dataset,
        "model": cell.model,
        "optimizer": cell.optimizer,
    }
    labels = {name: word(value) for name, value in arm.labels.items()}
    return {**named, **labels, "arm": arm.name}


def named(block: dict, arm: str, **others: str) -> Columns:
    """Returns what names the line of an arm of a paper.

    Args:
        block: A block of `paper.json`.
        arm: Name of the arm, as ours has it.
        others: What names it besides, or otherwise than the block.
    """
    fields = ("dataset", "model", "optimizer")
    return {**{f: block[f] for f in fields if f in block}, **others, "arm": arm}


def cells(
    block: str, numbers: Mapping[str, float], **others: str
) -> list[tuple[Columns, bands.Printed]]:
    """Returns what a paper has numbers of, as `table` takes it.

    Args:
        block: Block of `paper.json`.
        numbers: Name of an arm, as ours has it, to its accuracy.
        others: What names the lines besides; see `named`.
    """
    known = paper.numbers()[block]
    return [
        (named(known, arm, **others), bands.Printed(number))
        for arm, number in numbers.items()
    ]


def word(value) -> str:
    """Returns the value of a label as it is shown."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def other_protocol(run: runs.Run, block: str, arms) -> str:
    """Returns a sentence about the ways in which a run is not the paper's."""
    words = other_words(run, block, arms)
    if not words:
        return ""
    where = paper.numbers()[block]["where"]
    return (
        f" Where it says other protocol, ours is not that of {where}: {words}."
    )


def other_words(run: runs.Run, block: str, arms) -> str:
    """Returns in what arms are not run as a paper's were; may be empty."""
    found = dict.fromkeys(
        words for arm in arms for words in run.others(block, arm)
    )
    return ", ".join([*list(found)[:_SHOWN], *["..."] * (len(found) > _SHOWN)])


def _ours(arm: runs.ArmRuns) -> list[str]:
    gap = _gap(arm)
    return [
        shown.mean_error(arm.summary()),
        shown.difference(gap, runs=arm.runs),
        shown.interval(gap),
        shown.seeds(arm.runs),
    ]


def _paper(run, arm: runs.ArmRuns, block: str, lookup: Lookup) -> list[str]:
    printed = lookup(arm.last)
    is_other = run.is_other(block)(arm)
    begun = bool(arm.runs.unfinished or arm.runs.broken)
    verdict = bands.verdict(arm.summary(), printed, is_other, begun)
    number = printed.text if printed else shown.NOTHING
    cold = None
    if printed and not arm.is_cold:
        ends = (found[-1] for found in arm.cold.finished.values())
        cold = next((lookup(row) for row in ends), None)
    # Two figures have two cold starts.
    if not cold or cold.where != printed.where:
        return [number, verdict, shown.NOTHING, shown.NOTHING]
    # nan where one of them is read from a figure.
    std = math.hypot(printed.std, cold.std)
    gap = bands.Printed(printed.value - cold.value, std)
    ours = _as_summary(_gap(arm))
    found = bands.verdict(ours, gap, is_other, begun)
    return [number, verdict, shown.signed(gap.value), found]


def _gap(arm: runs.ArmRuns) -> statistics.Difference:
    return statistics.paired({}, {}) if arm.is_cold else arm.gap()


def _as_summary(gap: statistics.Difference) -> statistics.Summary:
    std = gap.error * math.sqrt(max(gap.count, 1))
    return statistics.Summary(gap.mean, std, gap.error, gap.count)


def _paper_note(run, block: str, arms) -> str:
    found = paper.numbers()[block]
    return (
        f" The paper's numbers ({found['where']}) are {found['precision']}; "
        "its gaps are differences of them. A match lies within "
        f"{bands.MARGIN_POINTS:g} point of a number with a deviation, and "
        f"{bands.READ_OFF_POINTS:g} points of one without, by two one-sided t "
        "tests."
        f"{other_protocol(run, block, arms)}"
    )


def _varying(cells: list[Columns]) -> list[str]:
    names = dict.fromkeys(name for cell in cells for name in cell)
    values = {name: {cell.get(name) for cell in cells} for name in names}
    chosen = [n for n in names if len(values[n]) > 1 and n not in _ALWAYS]
    return [*chosen, *_ALWAYS]


def _chosen(cell: Columns, names: list[str]) -> list[str]:
    return [cell.get(name, shown.NOTHING) for name in names]


def _frozen(lines: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(map(tuple, lines))
