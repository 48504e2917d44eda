"""Two arms of a comparison: their difference and their cost, in words."""

import dataclasses
import functools
import math

import numpy as np

from ws_keras.report import grouping
from ws_keras.report import scale as scales
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics


@dataclasses.dataclass(frozen=True)
class Arm:
    """An arm, with the values of held-out samples of each finished seed.

    `undefined` has the seeds whose metric is nan or infinite. `values` does
    not have them.
    """

    name: str
    runs: grouping.Runs
    values: dict[int, np.ndarray]
    undefined: tuple[int, ...] = ()

    @property
    def level(self) -> float:
        return float(np.mean([v.mean() for v in self.values.values()]))

    @property
    def passes(self) -> dict[int, float]:
        return self.runs.total("sample_passes")

    @property
    def mean_passes(self) -> float:
        return statistics.level(self.passes).mean

    @property
    def is_sound(self) -> bool:
        """Whether each finished or diverged seed has a value."""
        return bool(self.values) and not (self.runs.broken or self.undefined)

    @property
    def is_capped(self) -> bool:
        """Whether each seed ended at its limit of epochs."""
        ends = (found[-1].stopped_by for found in self.runs.finished.values())
        return all(end in ("cap", "epochs") for end in ends)


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two arms, the first compared with the second."""

    ours: Arm
    theirs: Arm
    scale: scales.Scale

    @functools.cached_property
    def effect(self) -> statistics.Effect | None:
        """The paired difference; `None` without a common seed."""
        found = statistics.paired_samples(
            self.ours.values, self.theirs.values, self.scale.largest
        )
        # Seeds that agree to the last digit are no measure of their spread.
        if found is not None and found.error == 0:
            return dataclasses.replace(found, of_seeds=math.nan)
        return found

    @property
    def gain(self) -> statistics.Effect:
        """By how much the first arm is better."""
        return self.effect.times(self.scale.metric.sign)

    def relation(self) -> str:
        """Returns whether the first arm is better or worse, in a few words."""
        if not self.effect.decides:
            return f"not decided with {seeds(self.effect.count)}"
        if self.effect.is_within(self.scale.margin):
            return f"as good, within {self.scale.within}"
        return {1: "better", -1: "worse", 0: "not decided"}[self.gain.sign]

    def cost(self) -> str:
        """Returns the passes of the first arm as a share of the second's."""
        ours, theirs = self.ours.passes, self.theirs.passes
        common = sorted(ours.keys() & theirs.keys())
        if not all(ours[s] and theirs[s] for s in common):
            means = (np.mean([p[s] for s in common]) for p in (ours, theirs))
            return "{:,.0f} sample passes, not {:,.0f}".format(*means)
        share = statistics.ratio(ours, theirs)
        text = f"{100 * share.mean:.0f} % of {self.theirs.name}'s sample passes"
        if share.count < 2:
            return text
        return f"{text} ({100 * share.low:.0f} to {100 * share.high:.0f})"

    def line(self) -> str:
        """Returns the line about this pair in the list of all arms."""
        against = f"  against {self.theirs.name}: "
        if self.effect is None:
            return (
                f"{against}not decided, because no seed of both has finished."
            )
        words = difference(self.effect, self.scale)
        return f"{against}{words}: {self.relation()}; {self.cost()}."

    def reason(self) -> str:
        """Returns the gain and the cost of the first arm as a sentence."""
        low, high = map(self.scale.signed, self.effect.interval())
        relation = self.relation()
        judged = {
            "better": "is significant",
            "not decided": "is not significant",
        }.get(relation, f"counts as equally good, within {self.scale.within}")
        return (
            f"It {self.scale.change(self.effect.mean, self.theirs.name)} "
            f"(95 % interval {low} to {high}, {seeds(self.effect.count)}), "
            f"which {judged}, and takes {self.cost()}."
        )


def difference(
    effect: statistics.Effect, scale: scales.Scale | None = None
) -> str:
    """Returns a difference with its interval.

    Args:
        effect: The difference.
        scale: Its `Scale`. Defaults to points of accuracy.
    """
    scale = scale or scales.of(metrics.ACCURACY, None, ())
    mean = scale.difference(effect.mean)
    if effect.count < 2:
        return f"{mean} (one seed, no interval)"
    if math.isnan(effect.error):
        return f"{mean} (the same for all seeds, no interval)"
    low, high = map(scale.signed, effect.interval())
    if not effect.decides:
        return f"{mean} ({effect.count} seeds, 95 % interval {low} to {high})"
    return f"{mean} (95 % interval {low} to {high}, {effect.count} seeds)"


def seeds(count: int) -> str:
    """Returns a number of seeds in words."""
    return {1: "one seed", 2: "two seeds"}.get(count, f"{count} seeds")
