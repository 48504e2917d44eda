"""Colors of arms: one arm has the same color in all charts of a report."""

import dataclasses
from collections.abc import Iterable

from ws_keras.report import sections as parts

# After Okabe & Ito (2008), each bright enough for a dark page and dark enough
# for a light one. Cold is orange and warm is blue, as in the paper.
COLORS = {"cold": "#D08000", "warm": "#1F7FC4"}
OTHER_COLORS = ("#009E73", "#C4669A", "#D55E00", "#7A6FF0", "#8A8A8A")
PAPER = "#777777"


@dataclasses.dataclass(frozen=True)
class Style:
    """How an arm is drawn.

    `number` counts the times that the colors were used up; with it a renderer
    chooses another kind of line or marker.
    """

    color: str
    number: int = 0


def styles(sections: Iterable) -> dict[str, Style]:
    """Returns arm to style, over all charts, in the order they appear."""
    arms = dict.fromkeys(
        series.arm
        for chart in parts.charts(sections)
        for panel in chart.panels
        for series in panel.series
    )
    others = [arm for arm in arms if arm not in COLORS]
    found = {arm: Style(COLORS[arm]) for arm in arms if arm in COLORS}
    for number, arm in enumerate(others):
        times, place = divmod(number, len(OTHER_COLORS))
        found[arm] = Style(OTHER_COLORS[place], times)
    return found
