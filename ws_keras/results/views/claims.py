"""How far claims reach, and the claim that most views have: cold is above."""

from collections.abc import Iterable

from ws_keras.results import paper
from ws_keras.results import sections
from ws_keras.results import signs
from ws_keras.results.views import finals
from ws_keras.results.views import run as runs


def table(
    run: runs.Run, block: str, found: Iterable[signs.Sign]
) -> sections.Table:
    """Returns the table of claims of a paper, and in what ours is not its.

    Args:
        run: The experiment.
        block: Block of `paper.json` that names the protocol.
        found: The claims, tested on whatever was run.
    """
    words = finals.other_words(run, block, run.arms)
    if not words:
        return signs.table(found)
    where = paper.numbers()[block]["where"]
    note = f" What was run is not the protocol of {where}: {words}."
    return signs.table(found, note)


def to_come(block: str, *arms: runs.ArmRuns) -> str:
    """Returns how far from a paper's last round arms stopped; may be empty."""
    found = (_to_come(paper.numbers()[block], arm) for arm in arms)
    return next(filter(None, found), "")


def limited(run: runs.Run) -> str:
    """Returns that a run was to stop early, where no paper says when."""
    limit = run.config.get("rounds", {}).get("limit")
    return f"rounds.limit is {limit}" if limit else ""


def cold_above(
    run: runs.Run, *kinds: str, because: str = ""
) -> list[signs.Sign]:
    """Returns for each arm whether cold ends above it.

    Args:
        run: The experiment.
        kinds: Of the arms. Defaults to warm alone.
        because: Why nothing of it can be decided yet. Defaults to no reason.
    """
    return [
        signs.unless(
            because or arm.unfitted,
            signs.above(
                f"cold ends above {arm.name}{_variant(arm)}",
                arm.cold_final(),
                arm.final(),
            ),
        )
        for arm in run.pick(*(kinds or ("warm",)))
    ]


def unfitted(*arms: runs.ArmRuns | None) -> str:
    """Returns that last rounds of any of these arms had not fitted."""
    return next((arm.unfitted for arm in arms if arm and arm.unfitted), "")


def _to_come(block: dict, arm: runs.ArmRuns) -> str:
    if block.get("dataset", arm.cell.dataset) != arm.cell.dataset:
        return ""
    count = block.get("num_rounds", arm.last.round)
    if arm.last.round < count:
        return f"the last round is {arm.last.round}, not {count}"
    sizes = block.get("num_samples")
    if not isinstance(sizes, (list, tuple)):
        return ""
    if arm.last.num_samples >= sizes[-1]:
        return ""
    return (
        f"the last round has {arm.last.num_samples:,} samples, "
        f"not {sizes[-1]:,}"
    )


def _variant(arm: runs.ArmRuns) -> str:
    return f" ({arm.cell.variant})" if arm.cell.variant else ""
