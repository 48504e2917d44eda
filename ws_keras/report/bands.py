"""Whether a mean of ours is equivalent to a printed or drawn number."""

import dataclasses
import math

from ws_keras.report import effects
from ws_keras.report import statistics

MATCH = "match"
DIFFERS = "differs"
INCONCLUSIVE = "inconclusive"
NOT_RUN = "not run"
UNFINISHED = "unfinished"
OTHER_PROTOCOL = "other protocol"
# Curves are read from figures: their means are not known better than that.
READ_OFF_POINTS = 2.0
MARGIN_POINTS = 1.0
RATIO_SHARE = 0.3
# Runs behind a printed mean and its deviation: "five" in the paper.
_RUNS = 5


@dataclasses.dataclass(frozen=True)
class Printed:
    """A number of a paper, and the margin within which ours is equivalent.

    The margin is `share` of the number where that is given; `points` where
    the number has no deviation `std`, as one that is read from a figure; else
    one point, or `least` if that is more. `where` names the figure where
    there are several.
    """

    value: float
    std: float = math.nan
    points: float = READ_OFF_POINTS
    share: float = 0.0
    least: float = 0.0
    decimals: int = 1
    where: str = ""

    @property
    def text(self) -> str:
        """The number as it is shown."""
        value = f"{self.value:.{self.decimals}f}".replace("-", "−")
        if math.isnan(self.std):
            return value
        # As many decimals as the paper prints, which is at least one.
        return f"{self.value} ({self.std})"

    @property
    def margin(self) -> float:
        """Greatest difference that counts as none."""
        if self.share:
            return abs(self.value) * self.share
        if math.isnan(self.std):
            return self.points
        return max(MARGIN_POINTS, self.least)

    def difference(self, ours: statistics.Summary) -> effects.Effect:
        """Returns ours minus theirs, with the error of both."""
        error = 0.0 if math.isnan(self.std) else self.std / math.sqrt(_RUNS)
        parts = [(ours.error, ours.count - 1), (error, _RUNS - 1)]
        weight = sum(e**4 / count for e, count in parts if count)
        total = ours.error**2 + error**2
        return effects.Effect(
            ours.mean - self.value,
            math.sqrt(total),
            0.0,
            total**2 / weight if weight else max(ours.count - 1, 1),
            ours.count,
        )


def verdict(
    ours: statistics.Summary | None,
    printed: Printed | None,
    other_protocol: bool = False,
    begun: bool = False,
) -> str:
    """Returns what a cell says about a number of a paper.

    Args:
        ours: Our `Summary` over finished seeds, or `None`.
        printed: The paper's number; without one there is nothing to say.
        other_protocol: Whether ours was run in another way than the paper's.
        begun: Whether an unfinished seed has rows.

    Returns:
        `"match"` where two one-sided t tests find the difference within the
        margin; `"differs"` where the difference exceeds the margin and its
        95 % interval leaves out 0; else `"inconclusive"`, as always with one
        seed; `"other protocol"`, `"unfinished"` or `"not run"`; `"—"` without
        a number of a paper.
    """
    if printed is None:
        return "—"
    if ours is None or not ours.count:
        return UNFINISHED if begun else NOT_RUN
    if other_protocol:
        return OTHER_PROTOCOL
    found = printed.difference(ours)
    # Printed with one decimal, so rounding must not decide.
    if found.is_within(printed.margin + 1e-9):
        return MATCH
    low, high = found.interval()
    is_far = abs(found.mean) > printed.margin and not low <= 0 <= high
    return DIFFERS if is_far else INCONCLUSIVE
