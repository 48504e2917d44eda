"""Ablations: what each choice changes alone, paired by seed."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

from ws_keras.report import claims
from ws_keras.report import columns
from ws_keras.report import formatting
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics

_PAIRED = (
    "Differences from the same arm and seed without the change. The change of "
    "the gap is the change of the arm's difference from cold."
)
_NOTE = (
    f"{_PAIRED} An interval without 0 shows an effect. One in twenty "
    "intervals does so by chance."
)


def fold(label: str) -> Callable[[runs.Run], list]:
    """Returns a fold with what each choice changes.

    Args:
        label: Label that names a choice. Rows without it follow the protocol
            in which nothing is changed.
    """

    def make(run: runs.Run) -> list:
        usual = {a.name: a for a in run.arms if label not in a.labels}
        some = [
            arm
            for arm in run.arms
            if label in arm.labels and arm.name in usual and arm.runs.finished
        ]
        if not some:
            return []
        made = table(some, lambda arm: usual[arm.name], _NOTE, label)
        return [sections.Fold("What each choice changes", (made,))]

    return make


def table(
    some: Sequence[runs.Arm],
    usual: Callable[[runs.Arm], runs.Arm],
    note: str = _PAIRED,
    *always: str,
) -> sections.Table:
    """Returns what arms change against others, paired by seed.

    Args:
        some: Arms to show, each with a change.
        usual: Returns the arm without the change.
        note: The text below it. Defaults to how it is computed.
        *always: Labels that are shown even where they do not vary.
    """
    found = [*columns.names(some, *always), *_columns(usual)]
    return columns.made("", found, some, note)


def alike(label: str, margin: float = 1.0) -> claims.Claim:
    """Returns the claim that cold starts end alike with each choice.

    Args:
        label: Label that names a choice.
        margin: Points that count as no difference. Defaults to 1.
    """

    def claim(run: runs.Run) -> Iterator[claims.Result]:
        usual = [a for a in run.settled("cold") if label not in a.labels]
        for arm in run.settled("cold"):
            if usual and label in arm.labels:
                yield claims.alike(
                    f"with {arm.labels[label]}, a cold start ends within "
                    f"{margin:g} point of the usual one",
                    arm.final(),
                    usual[0].final(),
                    margin,
                )

    return claim


def _columns(
    usual: Callable[[runs.Arm], runs.Arm],
) -> list[columns.Column]:
    def change(arm):
        return statistics.paired(arm.final(), usual(arm).final())

    def gap(arm):
        return statistics.paired(arm.gaps(), usual(arm).gaps())

    def passes(arm):
        theirs = usual(arm).total("sample_passes")
        return statistics.ratio(arm.total("sample_passes"), theirs)

    return [
        ("held-out %", lambda arm: formatting.mean(arm.summary())),
        *columns.pair("change", "its 95 % interval", change),
        *columns.pair(
            "change of the gap", "95 % interval", columns.of_others(gap)
        ),
        ("passes, % of usual", lambda arm: formatting.percent(passes(arm))),
        ("seeds", lambda arm: change(arm).count),
    ]
