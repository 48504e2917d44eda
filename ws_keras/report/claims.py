"""Tests claims of a paper: each holds, does not hold, or is inconclusive.

A view declares a claim as a function of a `Run`. The function yields a `Result`
for each part of the claim whose seeds have all finished. Unless stated
otherwise, the 95 % t interval over seeds decides.
"""

import dataclasses
import enum
import itertools
import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import runs
from ws_keras.report import statistics

_SHOWN = 4  # parts of a claim that are named


class Answer(enum.Enum):
    """The answer of the seeds to a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    INCONCLUSIVE = "inconclusive"


@dataclasses.dataclass(frozen=True)
class Result:
    """A claim, its answer, and the numbers that decide."""

    claim: str
    answer: Answer
    because: str


Claim = Callable[[runs.Run], Iterable[Result]]
difference = statistics.difference  # for the claims of config files


def above(
    claim: str,
    ours: Mapping[int, float],
    theirs: Mapping[int, float],
    least: float = 0.0,
    unit: str = "points",
) -> Result:
    """Tests whether a paired difference is above a bound.

    Args:
        claim: The claim in words.
        ours: Maps seeds to numbers.
        theirs: Maps seeds to numbers, which are subtracted from `ours`.
        least: Bound that the difference must exceed. Defaults to 0.
        unit: Unit of the difference. Defaults to `"points"`.
    """
    low = math.nextafter(least, math.inf)
    return between(claim, ours, theirs, low, math.inf, unit)


def between(
    claim: str,
    ours: Mapping[int, float],
    theirs: Mapping[int, float],
    low: float,
    high: float,
    unit: str = "points",
) -> Result:
    """Tests whether a paired difference lies between two bounds.

    Args:
        claim: The claim in words.
        ours: Maps seeds to numbers.
        theirs: Maps seeds to numbers, which are subtracted from `ours`.
        low: Smallest difference.
        high: Largest difference.
        unit: Unit of the difference. Defaults to `"points"`.
    """
    found = statistics.paired(ours, theirs)
    return Result(claim, answer(found, low, high), _words(found, unit))


def measured(
    claim: str,
    ours: Mapping[int, float],
    low: float,
    high: float = math.inf,
    unit: str = "",
) -> Result:
    """Tests whether the mean of a number lies between two bounds.

    Args:
        claim: The claim in words.
        ours: Maps seeds to numbers.
        low: Smallest mean.
        high: Largest mean. Defaults to infinity.
        unit: Unit of the number. Defaults to `""`.
    """
    found = statistics.level(ours)
    words = _words(found, unit, formatting.unsigned)
    return Result(claim, answer(found, low, high), words)


def alike(
    claim: str,
    ours: Mapping[int, float],
    theirs: Mapping[int, float],
    margin: float,
) -> Result:
    """Tests whether two means are equivalent, by two one-sided t tests.

    The claim holds if the tests find the difference within the margin. It does
    not hold if the mean difference exceeds the margin and its 95 % interval
    does not contain 0. Otherwise, it is inconclusive.

    Args:
        claim: The claim in words.
        ours: Maps seeds to numbers.
        theirs: Maps seeds to numbers, which are subtracted from `ours`.
        margin: Largest difference that counts as none, in points.
    """
    found = statistics.paired(ours, theirs)
    said = comparison.compare(found, 0.0, tolerance=margin)
    because = f"{_words(found)}, margin {margin:g}"
    return Result(claim, equivalent(said), because)


def every(claim: str, found: Iterable[Result]) -> Iterator[Result]:
    """Yields the claim that all of several claims hold, if there are any."""
    by_answer = {kind: [] for kind in Answer}
    for result in (found := list(found)):
        by_answer[result.answer].append(result)
    hold = by_answer.pop(Answer.HOLDS)
    others = {kind: some for kind, some in by_answer.items() if some}
    given = next(iter(others), Answer.HOLDS)
    if len(found) == 1:
        yield Result(claim, given, found[0].because)
    elif found:
        parts = [
            f"{len(some)} {kind.value}: {_listed(some)}"
            for kind, some in others.items()
        ]
        because = "; ".join([f"{len(hold)} of {len(found)} hold", *parts])
        yield Result(claim, given, because)


def answer(found: statistics.Effect, low: float, high: float) -> Answer:
    """Compares a 95 % interval with two bounds.

    The claim holds if the interval lies between the bounds. It does not hold if
    the interval lies outside of them. Otherwise, and with fewer than three
    seeds, it is inconclusive.
    """
    if found.decides and low <= found.low and found.high <= high:
        return Answer.HOLDS
    if found.decides and (found.high < low or found.low > high):
        return Answer.FAILS
    return Answer.INCONCLUSIVE


def cold_above(*kinds: str, **fields) -> Claim:
    """Claims that cold ends above each arm of some kinds.

    Example:

    ```python
    VIEW = view.View(claims=(claims.cold_above("warm"),))
    ```

    Args:
        kinds: Names of arms without their numbers, such as `"dash"`.
        fields: Fields of rows and the values that the arms must have.
    """

    def claim(arm: runs.Arm) -> Result:
        text = f"cold ends above {named(arm)}"
        return above(text, arm.cold_final(), arm.final())

    return _of_each(claim, *kinds, **fields)


def near_cold(*kinds: str, margin: float, **fields) -> Claim:
    """Claims that each arm of some kinds ends within a margin of cold.

    Args:
        kinds: As in `cold_above`.
        margin: Largest difference that counts as none, in points.
        fields: As in `cold_above`.
    """

    def claim(arm: runs.Arm) -> Result:
        text = f"cold and {named(arm)} end alike, within {margin:g} points"
        return alike(text, arm.cold_final(), arm.final(), margin)

    return _of_each(claim, *kinds, **fields)


def not_below_cold(*kinds: str, margin: float) -> Claim:
    """Claims that each arm of some kinds ends at most some points below cold.

    Args:
        kinds: As in `cold_above`.
        margin: Largest distance below cold, in points.
    """
    points = "point" if margin == 1 else "points"

    def claim(arm: runs.Arm) -> Result:
        text = f"{named(arm)} ends at most {margin:g} {points} below cold"
        return above(text, arm.final(), arm.cold_final(), -margin)

    return _of_each(claim, *kinds)


def dearer_than_cold(*kinds: str, **fields) -> Claim:
    """Claims that the last round of arms takes more steps than that of cold.

    Args:
        kinds: As in `cold_above`.
        fields: As in `cold_above`.
    """

    def claim(arm: runs.Arm) -> Result:
        text = f"{named(arm)} takes more steps than cold"
        steps = arm.final("steps"), arm.cold_final("steps")
        return above(text, *steps, unit="steps")

    return _of_each(claim, *kinds, **fields)


def ordered(
    *kinds: str,
    by: str = "shrink",
    values: Iterable[float],
    field: str = "accuracy",
) -> Claim:
    """Claims that a result increases from each value of a number to the next.

    Args:
        kinds: As in `cold_above`.
        by: Field of rows that distinguishes the arms. Defaults to `"shrink"`.
        values: Values of this field, in the order of increasing results.
        field: Field of rows that increases. Defaults to `"accuracy"`.
    """
    values = tuple(values)
    words = "ends above" if field == "accuracy" else "takes more steps than"
    unit = "points" if field == "accuracy" else field

    def claim(run: runs.Run) -> Iterator[Result]:
        at = {getattr(arm.first, by): arm for arm in run.settled(*kinds)}
        for low, high in zip(values, values[1:], strict=False):
            if low in at and high in at:
                ours, theirs = (at[v].final(field) for v in (high, low))
                text = f"{by} {high:g} {words} {low:g}"
                yield above(text, ours, theirs, unit=unit)

    return claim


def dearer(*kinds: str) -> Claim:
    """Claims that the last round costs more with stronger shrinking."""

    def claim(run: runs.Run) -> Iterator[Result]:
        arms = [arm for arm in run.pick(*kinds) if arm.first.shrink > 0]
        if not arms or any(not run.is_settled(a) for a in arms) or run.limit:
            return
        arms.sort(key=lambda arm: -arm.first.shrink)
        spent = [(arm.name, arm.final("sample_passes")) for arm in arms]
        spent.append((runs.COLD, arms[0].cold_final("sample_passes")))
        yield from every(
            "the last round costs more, the stronger the shrinking, cold most",
            [
                above(name, strong, weak, unit="passes")
                for (_, weak), (name, strong) in itertools.pairwise(spent)
            ],
        )

    return claim


def equivalent(said: comparison.Comparison) -> Answer:
    """Converts a comparison with a number of a paper to an answer."""
    kinds = comparison.Comparison
    known = {kinds.MATCH: Answer.HOLDS, kinds.DIFFERS: Answer.FAILS}
    return known.get(said, Answer.INCONCLUSIVE)


def gap(arm: runs.Arm) -> dict[int, float]:
    """Returns a mapping from seeds to cold minus an arm, in points."""
    return {seed: -gap for seed, gap in arm.gaps().items()}


def named(arm: runs.Arm) -> str:
    """Returns the name of an arm, with the variant of its cell if any."""
    variant = arm.cell.variant
    return f"{arm.name} ({variant})" if variant else arm.name


def up_to(found: grouping.Runs, size: int) -> dict[int, float]:
    """Returns a mapping from seeds to the accuracy at a number of samples."""
    return {
        seed: row.accuracy
        for seed, rounds in found.finished.items()
        for row in rounds
        if row.num_samples == size
    }


def _of_each(make: Callable[[runs.Arm], Result], *kinds, **fields) -> Claim:
    """Returns a claim about each settled arm of these kinds."""
    return lambda run: map(make, run.settled(*kinds, **fields))


def _words(
    found: statistics.Effect,
    unit: str = "points",
    write: Callable[[float, int], str] = formatting.signed,
) -> str:
    if not found.count:
        return "no common seed"
    decimals = 0 if abs(found.mean) >= 1000 else 1
    text = f"{write(found.mean, decimals)} {unit}".rstrip()
    if found.count < 2:
        return f"{text}, one seed"
    low, high = (write(v, decimals) for v in (found.low, found.high))
    return f"n = {found.count}: {text}, 95 % interval {low} to {high}"


def _listed(found: list[Result]) -> str:
    words = [f"{result.claim} ({result.because})" for result in found[:_SHOWN]]
    more = [f"and {len(found) - _SHOWN} more"] * (len(found) > _SHOWN)
    return ", ".join([*words, *more])
