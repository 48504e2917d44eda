"""What the last round costs, as a share of a cold start's."""

from collections.abc import Callable

from ws_keras.results import bands
from ws_keras.results import rows
from ws_keras.results import sections
from ws_keras.results import shown
from ws_keras.results.views import run as runs

_TITLE = "Cost of the last round"
_NOTE = (
    "Sample passes and training seconds of the last round, each seed's "
    "divided by those of its cold start, mean ± standard error. The paper's "
    "times are set beside our passes, as shares of cold's; a match lies "
    f"within {bands.RATIO_SHARE:.0%}."
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
    header = ("arm", "passes / cold", "seconds / cold", "seeds", "paper")
    lines = []
    for arm in run.arms:
        if arm.is_cold:
            continue
        number = lookup(arm.last)
        passes = arm.ratio()
        begun = bool(arm.runs.unfinished)
        is_other = run.is_other(block)(arm)
        verdict = bands.verdict(passes, number, is_other, begun)
        lines.append(
            (
                arm.name,
                shown.mean_error(passes, 2)
                + shown.pairs(passes.count, arm.runs),
                shown.mean_error(arm.ratio("train_seconds"), 2),
                shown.seeds(arm.runs),
                f"{number.text} {verdict}" if number else shown.NOTHING,
            )
        )
    return sections.Table(_TITLE, header, tuple(lines), _NOTE)
