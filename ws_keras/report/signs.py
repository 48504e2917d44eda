"""What the paper claims, tested on seeds: holds, does not, or not decided."""

import dataclasses
import math
from collections.abc import Callable
from collections.abc import Iterable

from ws_keras.report import bands
from ws_keras.report import sections
from ws_keras.report import statistics

HOLDS = "holds"
FAILS = "does not hold"
OPEN = "not decided"
_HEADER = ("claim", "verdict", "because")
_NOTE = (
    "A claim about a difference holds where its paired 95 % interval lies on "
    "the claimed side, does not where it lies on the other, and is not "
    "decided where it reaches across, or with fewer than two seeds."
)
_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Sign:
    """A claim, whether it holds (`None`: not decided), and why."""

    claim: str
    answer: bool | None
    because: str

    @property
    def verdict(self) -> str:
        """The answer in words."""
        return {True: HOLDS, False: FAILS, None: OPEN}[self.answer]


def table(found: Iterable[Sign], note: str = "") -> sections.Table:
    """Returns the table of claims; `note` is added to what stands below."""
    lines = tuple((sign.claim, sign.verdict, sign.because) for sign in found)
    return sections.Table("What the paper claims", _HEADER, lines, _NOTE + note)


def above(
    claim: str,
    ours: dict[int, float],
    theirs: dict[int, float],
    least: float = 0.0,
    unit: str = "",
) -> Sign:
    """Returns whether `ours - theirs`, paired by seed, is above `least`."""
    found = statistics.paired(ours, theirs)
    answer = _answer(found, math.nextafter(least, math.inf), math.inf)
    return Sign(claim, answer, words(found, unit))


def measured(
    claim: str,
    ours: dict[int, float],
    what: str,
    low: float,
    high: float = math.inf,
) -> Sign:
    """Returns whether a number of each seed lies between two bounds.

    Args:
        claim: What is claimed, in words.
        ours: Seed to number.
        what: What the number is, in a word.
        low: Least number.
        high: Greatest number. Defaults to none.

    Returns:
        A `Sign`, decided by the 95 % t interval of the mean.
    """
    found = statistics.paired(ours, dict.fromkeys(ours, 0.0))
    return Sign(claim, _answer(found, low, high), words(found, what=what))


def unless(because: str, sign: Sign) -> Sign:
    """Returns a claim as not decided where there is a reason; may be empty."""
    if not because or sign.because == bands.NOT_RUN:
        return sign
    return Sign(sign.claim, None, f"{because}; {sign.because}")


def between(
    claim: str,
    ours: dict[int, float],
    theirs: dict[int, float],
    low: float,
    high: float,
    unit: str = "",
) -> Sign:
    """Returns whether a paired difference lies between two bounds.

    Args:
        claim: What is claimed, in words.
        ours: Seed to number.
        theirs: Seed to number, to be taken from ours.
        low: Least difference.
        high: Greatest difference.
        unit: Of the difference. Defaults to none.

    Returns:
        A `Sign`, decided by the 95 % t interval.
    """
    found = statistics.paired(ours, theirs)
    return Sign(claim, _answer(found, low, high), words(found, unit))


def differ(ours: dict[int, float], theirs: dict[int, float]) -> bool | None:
    """Returns whether the paired interval excludes no difference.

    Args:
        ours: Seed to number.
        theirs: Seed to number.

    Returns:
        `True`, or `None` where it reaches across or there is none.
    """
    found = statistics.paired(ours, theirs)
    return True if found.low > 0 or found.high < 0 else None


def beyond_spread(
    claim: str, ours: dict[int, float], theirs: dict[int, float]
) -> Sign:
    """Returns whether ours lies above theirs by two combined deviations."""
    return _spread(claim, ours, theirs, lambda gap, band: gap > band)


def within_spread(
    claim: str, ours: dict[int, float], theirs: dict[int, float]
) -> Sign:
    """Returns whether two means lie within two combined deviations."""
    return _spread(claim, ours, theirs, lambda gap, band: abs(gap) <= band)


def every(claim: str, found: Iterable[Sign], missing: str = "") -> Sign:
    """Returns the claim that several claims hold together.

    Args:
        claim: What is claimed, in words.
        found: The parts that can be looked at.
        missing: What else would have to be looked at before the claim can
            hold. Defaults to nothing.

    Returns:
        A `Sign` that fails where one part does.
    """
    found = list(found)
    if not found:
        return Sign(claim, None, bands.NOT_RUN)
    answers = [sign.answer for sign in found]
    answer = None if None in answers or missing else True
    if False in answers:
        answer = False
    if len(found) == 1:
        parts = [found[0].because, missing]
        return Sign(claim, answer, "; ".join(filter(None, parts)))
    parts = [f"{answers.count(True)} of {len(found)} hold"]
    for kind, name in ((False, "not"), (None, "not decided")):
        some = [sign for sign in found if sign.answer is kind]
        if some:
            parts.append(f"{len(some)} {name}: {_listed(some)}")
    return Sign(claim, answer, "; ".join(filter(None, [*parts, missing])))


def words(
    found: statistics.Difference, unit: str = "", what: str = "difference"
) -> str:
    """Returns a paired difference with its interval and number of seeds.

    Args:
        found: The `Difference`; one to zero is a number of its own.
        unit: Of the difference. Defaults to none.
        what: What it is, in a word. Defaults to a difference, which has a
            sign.
    """
    if not found.count:
        return bands.NOT_RUN
    shown = _signed if what == "difference" else _unsigned
    text = " ".join(filter(None, [what, shown(found.mean), unit]))
    if math.isnan(found.error):
        return f"{text}, n = 1"
    interval = f"{shown(found.low)} to {shown(found.high)}"
    return f"{text}, 95 % interval {interval}, n = {found.count}"


def _answer(
    found: statistics.Difference, low: float, high: float
) -> bool | None:
    if math.isnan(found.error):
        return None
    if low <= found.low and found.high <= high:
        return True
    if found.high < low or found.low > high:
        return False
    return None


def _spread(
    claim: str,
    ours: dict[int, float],
    theirs: dict[int, float],
    test: Callable[[float, float], bool],
) -> Sign:
    one, two = (statistics.summarize(v.values()) for v in (ours, theirs))
    if min(one.count, two.count) < 2:
        return Sign(claim, None, _few(min(one.count, two.count)))
    floor = statistics.BAND_FLOOR_POINTS
    band = max(2 * math.hypot(one.std, two.std), floor)
    gap = one.mean - two.mean
    because = (
        f"difference {_signed(gap)} against a band of {band:.1f}, "
        f"n = {one.count} and {two.count}"
    )
    return Sign(claim, test(gap, band), because)


def _few(count: int) -> str:
    return "n = 1" if count else bands.NOT_RUN


def _listed(found: list[Sign]) -> str:
    named = [f"{sign.claim} ({sign.because})" for sign in found[:_SHOWN]]
    more = len(found) - _SHOWN
    return ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])


def _unsigned(value: float) -> str:
    return _signed(value).removeprefix("+")


def _signed(value: float) -> str:
    large = abs(value) >= 1000
    return f"{value:+,.{0 if large else 1}f}".replace("-", "−")
