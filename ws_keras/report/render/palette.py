"""Colors of arms: one arm has the same color in all charts of a report."""

import dataclasses
from collections.abc import Iterable

from ws_keras.report import sections as parts

# Okabe & Ito (2008), without yellow, which is too pale for a line on white.
# Cold is orange and warm is blue, as in the paper.
COLORS = {"cold": "#E69F00", "warm": "#0072B2"}
OTHER_COLORS = ("#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
# On a dark page; the others are bright enough.
_DARK = {"#0072B2": "#2D8FD0", "#000000": "#F2F2F2"}


@dataclasses.dataclass(frozen=True)
class Style:
    """How an arm is drawn.

    `number` counts the times that the colors were used up; with it a renderer
    chooses another kind of line, marker or hatching.
    """

    color: str
    dark_color: str
    number: int = 0


def styles(sections: Iterable[parts.Section]) -> dict[str, Style]:
    """Returns arm to style, over all charts of a report."""
    return of_charts(
        block
        for section in sections
        for block in section.blocks
        if isinstance(block, parts.Chart)
    )


def of_charts(charts: Iterable[parts.Chart]) -> dict[str, Style]:
    """Returns arm to style, in the order in which the arms appear."""
    arms = dict.fromkeys(
        series.arm
        for chart in charts
        for panel in chart.panels
        for series in panel.series
    )
    others = [arm for arm in arms if arm not in COLORS]
    numbers = {arm: number for number, arm in enumerate(others)}
    return {arm: _style(arm, numbers.get(arm)) for arm in arms}


def _style(arm: str, number: int | None) -> Style:
    if number is None:
        color, times = COLORS[arm], 0
    else:
        times, place = divmod(number, len(OTHER_COLORS))
        color = OTHER_COLORS[place]
    return Style(color, _DARK.get(color, color), times)
