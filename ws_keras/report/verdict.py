"""What a comparison of arms says, in words."""

import dataclasses
import functools
import math
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from ws_keras.report import chance
from ws_keras.report import grouping
from ws_keras.report import scale as scales
from ws_keras.report import statistics
from ws_keras.storage import metric as metrics
from ws_keras.storage import rows

_REFERENCES = ("cold", "warm")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Sentences about each arm, and one recommendation.

    `recommended` is the name of an arm, or `None` where nothing is decided.
    """

    lines: tuple[str, ...]
    recommendation: str
    recommended: str | None = None

    def __str__(self) -> str:
        return "\n".join([*self.lines, "", self.recommendation])


@dataclasses.dataclass(frozen=True)
class _Arm:
    """An arm, with the values of held-out samples of each finished seed."""

    name: str
    runs: grouping.Runs
    values: dict[int, np.ndarray]

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
    def is_capped(self) -> bool:
        """Whether each seed ended at its limit of epochs."""
        ends = (found[-1].stopped_by for found in self.runs.finished.values())
        return all(end in ("cap", "epochs") for end in ends)


@dataclasses.dataclass(frozen=True)
class _Pair:
    """Two arms, the first compared with the second."""

    ours: _Arm
    theirs: _Arm
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
        if not self.effect.decides:
            return f"not decided with {_seeds(self.effect.count)}"
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
        """Returns what the comparison has come to."""
        against = f"  against {self.theirs.name}: "
        if self.effect is None:
            return (
                f"{against}not decided, because no seed of both has finished."
            )
        words = difference(self.effect, self.scale)
        return f"{against}{words}: {self.relation()}; {self.cost()}."

    def reason(self) -> str:
        """Returns why the first arm is recommended and not the second."""
        relation, scale = self.relation(), self.scale
        words = {
            "better": f"{scale.amount(self.effect.mean)} better than",
            "not decided": f"not more than {scale.within} worse than",
        }.get(relation, f"as good, within {scale.within}, as")
        low, high = map(scale.signed, self.effect.interval())
        return (
            f"{words} {self.theirs.name} (95 % interval {low} to {high}) at "
            f"{self.cost()}"
        )


def verdict(
    all_rows: Iterable[rows.Row],
    outcomes: Mapping[str, np.ndarray] | None = None,
    labels: np.ndarray | None = None,
    *,
    margin: float | None = None,
    withheld: str = "",
    baseline: chance.Baseline | None = None,
) -> Verdict:
    """Compares the last round of each arm with cold and with warm.

    Two arms are equally good where two one-sided t tests find their
    difference within the margin; one is better or worse where the 95 % t
    interval of the paired difference leaves out zero; all else is not
    decided, and neither is anything with fewer than three seeds. The interval
    holds the spread of seeds and, where `outcomes` are given, that of
    held-out samples. The recommended arm is the one with the fewest sample
    passes among those that no other arm beats by more than the margin, by a
    one-sided t test.

    Args:
        all_rows: Rows of one model on one growing data set.
        outcomes: Id of a setting to the outcome of each held-out sample after
            its last round: for accuracies in percent (100 for right, 0 for
            wrong), else the metric of each. Defaults to none.
        labels: Class of each held-out sample, for the chance level. Defaults
            to `None`, not known.
        margin: Greatest difference at which two arms count as equally good:
            in points for accuracies, else in the metric's unit. Defaults to 1
            point, or to 1 % of cold's value.
        withheld: Why numbers are shown and nothing is concluded from them.
            Defaults to nothing.
        baseline: For a metric that is no accuracy, what an arm must beat to
            have learned anything, a `chance.Baseline`. Defaults to `None`.

    Returns:
        A `Verdict`.

    Raises:
        ValueError: If the margin is not positive.
    """
    scales.check_margin(margin)
    all_rows = list(all_rows)
    metric = metrics.of(all_rows[0])
    (grouped,) = grouping.cells(all_rows).values()
    arms = [
        _arm(name, some, outcomes or {}, metric)
        for name, some in grouped.items()
    ]
    ended = {arm.name: arm for arm in arms if arm.values}
    scale = scales.of(metric, margin, [arm.level for arm in ended.values()])
    labels = labels if outcomes and metric.is_accuracy else None
    held_out = chance.HeldOut(labels, baseline, scale)
    withheld = withheld or _nothing_learned(ended.values(), held_out)
    lines = []
    for arm in arms:
        lines.append(_line(arm, held_out))
        if arm.values and arm.name != "cold" and not withheld:
            lines += [
                _Pair(arm, ended[other], scale).line()
                for other in _REFERENCES
                if other in ended and other != arm.name
            ]
    sound = [arm for arm in ended.values() if not arm.runs.broken]
    reason = withheld or _nothing_to_conclude(sound, len(arms))
    if reason:
        return Verdict(tuple(lines), f"No recommendation. {reason}")
    return Verdict(tuple(lines), *_recommendation(sound, scale))


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


def _arm(
    name: str,
    arm_rows: Iterable[rows.Row],
    outcomes: Mapping[str, np.ndarray],
    metric: metrics.Metric,
) -> _Arm:
    runs = grouping.runs(arm_rows)
    ends = {seed: found[-1] for seed, found in runs.finished.items()}
    values = {
        seed: outcomes.get(row.setting, np.array([metric.value(row)]))
        for seed, row in ends.items()
    }
    return _Arm(name, runs, values)


def _line(arm: _Arm, held_out: chance.HeldOut) -> str:
    runs, diverged = arm.runs, ""
    if runs.broken:
        count = len(runs.finished) + runs.broken + runs.unfinished
        diverged = f" {runs.broken} of {count} seeds diverged."
    if not arm.values:
        return f"{arm.name}: no seed ended with a finite loss.{diverged}"
    words = [f"{held_out.scale.level(arm.level)} held out"]
    if held_out.is_uneven:
        weights = held_out.weights()
        balanced = np.mean([np.mean(weights * v) for v in arm.values.values()])
        words.append(f"balanced accuracy {balanced:.1f} %")
    epochs = statistics.level(runs.total("epochs")).mean
    words.append(f"{arm.mean_passes:,.0f} sample passes in {epochs:.0f} epochs")
    text = f"{arm.name}: {', '.join(words)}.{diverged}"
    if not held_out.is_learned(arm.values):
        text += f" That is not significantly {held_out.chance()}."
    return text


def _nothing_learned(arms: Iterable[_Arm], held_out: chance.HeldOut) -> str:
    """Returns a sentence where all arms are at chance level."""
    if not arms or any(held_out.is_learned(arm.values) for arm in arms):
        return ""
    if held_out.labels is None:
        return f"No start is significantly {held_out.chance()}."
    count = len(held_out.labels)
    if len(held_out.counts) < 2:
        return (
            "All held-out samples are of one class, so that they cannot show "
            "what was learned."
        )
    return (
        f"No arm is significantly better than chance on {count:,} held-out "
        f"{'sample' if count == 1 else 'samples'}."
    )


def _nothing_to_conclude(arms: list[_Arm], count: int) -> str:
    """Returns why no start can be recommended, if there is a reason.

    Args:
        arms: Those of which no seed diverged.
        count: The number of all arms.
    """
    if count < 2:
        return "There is no other arm to compare with."
    if len(arms) < 2:
        return (
            f"{count - len(arms)} of {count} arms have seeds that diverged. "
            "Give a smaller learning rate."
        )
    levels = {
        round(float(v.mean()), 6) for a in arms for v in a.values.values()
    }
    if len(levels) == 1 and all(arm.is_capped for arm in arms):
        return (
            "All arms have the same accuracy and stopped at the limit of "
            "epochs, so that the starts cannot be compared. Give more epochs "
            "or more samples."
        )
    seeds = set.intersection(*(set(arm.values) for arm in arms))
    if len(seeds) < statistics.MIN_SEEDS:
        return (
            f"{_seeds(max(len(seeds), 1)).capitalize()} cannot separate the "
            "effect of a start from chance. Give several seeds, such as 5."
        )
    return ""


def _recommendation(
    arms: list[_Arm], scale: scales.Scale
) -> tuple[str, str | None]:
    """Returns a sentence, and the arm that it recommends."""

    def pairs(arm: _Arm) -> list[_Pair]:
        return [_Pair(arm, one, scale) for one in arms if one is not arm]

    fitting = [
        arm
        for arm in arms
        if all(pair.gain.is_above(-scale.margin) for pair in pairs(arm))
    ]
    if not fitting:
        best = max(arms, key=lambda arm: scale.metric.sign * arm.level)
        pair = max(pairs(best), key=lambda pair: pair.effect.error)
        return _undecided(pair), None
    best = min(fitting, key=lambda arm: arm.mean_passes)
    # What the user does now, or would do, comes first.
    others = sorted(
        pairs(best), key=lambda pair: pair.theirs.name not in _REFERENCES
    )
    reasons = "; ".join(pair.reason() for pair in others)
    text = f"Recommendation: begin with {best.name}. It is {reasons}."
    return text, best.name


def _undecided(pair: _Pair) -> str:
    effect, more = pair.effect, "seeds"
    if effect.of_samples > effect.of_seeds:
        more = "held-out samples"
    return (
        f"No recommendation. It is not decided whether {pair.ours.name} or "
        f"{pair.theirs.name} is better: the former minus the latter is "
        f"{difference(effect, pair.scale)}. Give more {more}."
    )


def _seeds(count: int) -> str:
    return {1: "one seed", 2: "two seeds"}.get(count, f"{count} seeds")
