"""How far claims reach, and the claim that most views have: cold is above."""

from collections.abc import Iterable

from ws_keras.report import paper
from ws_keras.report import protocol
from ws_keras.report import sections
from ws_keras.report import signs
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs


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
    some = "What" if all(map(run.is_other(block), run.arms)) else "Part of what"
    where = paper.numbers()[block]["where"]
    note = f" {some} was run is not the protocol of {where}: {words}."
    return signs.table(found, note)


def to_come(block: str, *arms: runs.ArmRuns | None) -> str:
    """Returns how far from a paper's end arms have stopped; may be empty."""
    ended = [arm for arm in arms if arm and arm.runs.finished]
    known = (_to_come(paper.numbers()[block], arm) for arm in ended)
    return next(filter(None, known), "")


def limited(run: runs.Run, *arms: runs.ArmRuns | None) -> str:
    """Returns that arms ended at `rounds.limit`; may be empty.

    Where no paper says which round is the last.
    """
    limit = protocol.field_of(run.config, "rounds.limit")
    if not isinstance(limit, int):
        return ""
    ended = [arm.last.round for arm in arms if arm and arm.runs.finished]
    return f"rounds.limit is {limit}" if limit in ended else ""


def cold_above(run: runs.Run, *kinds: str) -> list[signs.Sign]:
    """Returns for each arm (warm) whether cold ends above it."""
    return [
        signs.unless(
            arm.unfitted,
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
