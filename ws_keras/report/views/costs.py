"""What the last round costs, as a share of a cold start's."""

from collections.abc import Callable

from ws_keras.report import bands
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import statistics
from ws_keras.report.views import run as runs
from ws_keras.storage import rows

_TITLE = "Cost of the last round"
_NOTE = (
    "Sample passes and training seconds of the last round, each seed's "
    "divided by those of its cold start, mean ± standard error. The paper's "
    "times are set beside our passes, as shares of cold's; a match lies "
    f"within {bands.RATIO_SHARE:.0%}."
)
_CPU_NOTE = (
    " CPU-seconds are those of all cores together, which say more than the "
    "wall clock where a machine is shared."
)


def table(
    run: runs.Run,
    block: str,
    lookup: Callable[[rows.Row], bands.Printed | None],
) -> sections.Table:
    """Returns passes and seconds of the last round divided by cold's.

    Args:
        run: The experiment.
        block: Block of `paper.json` that `lookup` reads.
        lookup: Last row of an arm to the paper's seconds, as a share.

    Returns:
        A `sections.Table` of the arms that are not cold.
    """
    header = ["arm", "passes / cold", "seconds / cold", "seeds", "paper"]
    has_cpu = statistics.has_cpu_seconds(run.rows)
    if has_cpu:
        header.insert(3, "CPU-seconds / cold")
    lines = []
    for arm in run.arms:
        if arm.is_cold:
            continue
        number = lookup(arm.last)
        passes = arm.ratio()
        begun = bool(arm.runs.unfinished)
        is_other = run.is_other(block)(arm)
        verdict = bands.verdict(passes, number, is_other, begun)
        times = (
            ["train_seconds", "cpu_seconds"] if has_cpu else ["train_seconds"]
        )
        lines.append(
            (
                arm.name,
                shown.mean_error(passes, 2)
                + shown.pairs(passes.count, arm.runs),
                *(shown.mean_error(arm.ratio(time), 2) for time in times),
                shown.seeds(arm.runs),
                f"{number.text} {verdict}" if number else shown.NOTHING,
            )
        )
    note = _NOTE + _CPU_NOTE if has_cpu else _NOTE
    return sections.Table(_TITLE, tuple(header), tuple(lines), note)
