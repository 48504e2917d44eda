"""Whether a mean of ours lies where a printed or drawn number says."""

import dataclasses
import math

from ws_keras.results import statistics

MATCH = "match"
DIFFERS = "differs"
NOT_RUN = "not run"
UNFINISHED = "unfinished"
OTHER_PROTOCOL = "other protocol"
# Curves are read from figures: their means are not known better than that.
READ_OFF_POINTS = 2.0
RATIO_SHARE = 0.3


@dataclasses.dataclass(frozen=True)
class Printed:
    """A number of a paper, and how far ours may lie from it.

    With `std` the band is two combined standard deviations, at least half a
    point or `least` points; with `share` it is a share of the number; else
    `points`. `where` names the figure where there are several.
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

    def holds(self, ours: statistics.Summary) -> bool:
        """Returns whether the mean of ours lies within the band."""
        band = abs(self.value) * self.share if self.share else self.points
        if not math.isnan(self.std):
            if statistics.matches(ours, self.value, self.std):
                return True
            band = self.least
        return abs(ours.mean - self.value) <= band + 1e-9


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
        `"match"`, `"differs"`, `"other protocol"`, `"unfinished"` or
        `"not run"`; `"—"` without a number of a paper.
    """
    if printed is None:
        return "—"
    if ours is None or not ours.count:
        return UNFINISHED if begun else NOT_RUN
    if other_protocol:
        return OTHER_PROTOCOL
    return MATCH if printed.holds(ours) else DIFFERS
