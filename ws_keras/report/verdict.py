"""What a comparison of arms says, in words."""

import dataclasses
import math
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from ws_keras.report import chance
from ws_keras.report import effects
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
    """An arm: per seed the values of held-out samples, and the passes."""

    name: str
    values: dict[int, np.ndarray]
    passes: dict[int, float]
    epochs: float
    capped: bool  # whether each seed ended at its limit of epochs
    broken: int  # seeds that diverged


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

    Two arms are as good as each other where two one-sided t tests find their
    difference within the margin; one is better or worse where the 95 % t
    interval of the paired difference leaves out zero; else that is not
    decided. The interval holds the spread of seeds and, where `outcomes` are
    given, that of held-out samples. The arm that is recommended is the one
    with the fewest sample passes of those that are, by a one-sided t test,
    not worse than any other arm by more than the margin.

    Args:
        all_rows: Rows of one model on one growing data set.
        outcomes: Id of a setting to what the network of its last round got
            of each held-out sample: for accuracies in percent (100 for right,
            0 for wrong), else the metric of each. Defaults to none.
        labels: Class of each held-out sample, for what chance is. Defaults
            to `None`, not known.
        margin: Within which two arms count as equally good: in points for
            accuracies, else in the metric's unit. Defaults to 1 point, or to
            1 % of cold's value.
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
    found = {name: grouping.runs(some) for name, some in grouped.items()}
    known = outcomes or {}
    arms = [_arm(name, runs, known, metric) for name, runs in found.items()]
    arms = [arm for arm in arms if arm.values]
    scale = scales.of(metric, margin, map(_level, arms))
    labels = labels if outcomes and metric.is_accuracy else None
    held_out = chance.HeldOut(labels, baseline, scale)
    withheld = withheld or _nothing_learned(arms, held_out)
    lines = []
    for name, runs in found.items():
        arm = next((arm for arm in arms if arm.name == name), None)
        lines.append(_line(name, runs, arm, held_out))
        if arm is not None and not withheld:
            lines += _against(arm, arms, scale)
    sound = [arm for arm in arms if not arm.broken]
    reason = withheld or _nothing_to_conclude(sound, len(found))
    if reason:
        return Verdict(tuple(lines), f"No recommendation. {reason}")
    return Verdict(tuple(lines), *_recommendation(sound, scale))


def _arm(name: str, runs, outcomes, metric: metrics.Metric) -> _Arm:
    values = {
        seed: outcomes.get(
            found[-1].setting, np.array([metric.value(found[-1])])
        )
        for seed, found in runs.finished.items()
    }
    ends = [found[-1].stopped_by for found in runs.finished.values()]
    return _Arm(
        name,
        values,
        grouping.total(runs, "sample_passes"),
        _mean(grouping.total(runs, "epochs")),
        all(end in ("cap", "epochs") for end in ends),
        runs.broken,
    )


def _line(name: str, runs, arm: _Arm | None, held_out: chance.HeldOut) -> str:
    diverged = ""
    if runs.broken:
        diverged = f" {runs.broken} of {_count(runs)} seeds diverged."
    if arm is None:
        return f"{name}: no seed ended with a finite loss.{diverged}"
    words = [f"{held_out.scale.level(_level(arm))} held out"]
    if held_out.is_uneven:
        weights = held_out.weights()
        balanced = np.mean([np.mean(weights * v) for v in arm.values.values()])
        words.append(f"balanced accuracy {balanced:.1f} %")
    words.append(
        f"{_mean(arm.passes):,.0f} sample passes in {arm.epochs:.0f} epochs"
    )
    text = f"{name}: {', '.join(words)}.{diverged}"
    if not chance.has_learned(arm.values, held_out):
        text += f" That is not significantly {held_out.chance()}."
    return text


def _against(arm: _Arm, arms: list[_Arm], scale: scales.Scale) -> list[str]:
    """Returns a line for each arm that this one is to be compared with."""
    lines = []
    for other in arms:
        if other.name not in _REFERENCES or other.name == arm.name:
            continue
        if arm.name == "cold":
            continue
        effect = _difference(arm, other, scale)
        if effect is None:
            lines.append(
                f"  against {other.name}: not decided, as no seed of both is "
                "finished."
            )
            continue
        lines.append(
            f"  against {other.name}: {difference(effect, scale)}: "
            f"{_relation(effect, scale)}; {_cost(arm, other)}."
        )
    return lines


def _difference(
    ours: _Arm, theirs: _Arm, scale: scales.Scale
) -> effects.Effect | None:
    found = effects.difference(ours.values, theirs.values, scale.largest)
    # Seeds that agree to the last digit are no measure of their spread.
    if found is not None and found.error == 0:
        return dataclasses.replace(found, of_seeds=math.nan)
    return found


def _relation(effect: effects.Effect, scale: scales.Scale) -> str:
    if effect.count < 2:
        return "not decided with one seed"
    low, high = effect.times(scale.metric.sign).interval()
    if effect.is_within(scale.margin):
        return f"as good, within {scale.within}"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not decided"


def difference(
    effect: effects.Effect, scale: scales.Scale | None = None
) -> str:
    """Returns a difference with its interval.

    Args:
        effect: The `Effect`.
        scale: Its `Scale`. Defaults to points of accuracy.
    """
    scale = scale or scales.of(metrics.ACCURACY, None, ())
    mean = scale.difference(effect.mean)
    if effect.count < 2:
        return f"{mean} (one seed, no interval)"
    if math.isnan(effect.error):
        return f"{mean} (the same for all seeds, no interval)"
    low, high = map(scale.signed, effect.interval())
    return f"{mean} (95 % interval {low} to {high}, {effect.count} seeds)"


def _cost(arm: _Arm, other: _Arm) -> str:
    """Returns the passes of an arm as a share of another one's."""
    common = sorted(arm.passes.keys() & other.passes.keys())
    ours, theirs = ([a.passes[s] for s in common] for a in (arm, other))
    if not all(ours) or not all(theirs):
        return f"{np.mean(ours):,.0f} sample passes, not {np.mean(theirs):,.0f}"
    ratios = {
        seed: np.array([math.log(our / their)])
        for seed, our, their in zip(common, ours, theirs, strict=True)
    }
    effect = effects.of(ratios)
    text = f"{math.exp(effect.mean):.0%} of {other.name}'s sample passes"
    text = text.replace("%", " %")
    if effect.count < 2:
        return text
    low, high = (100 * math.exp(bound) for bound in effect.interval())
    return f"{text} ({low:.0f} to {high:.0f})"


def _nothing_learned(arms: list[_Arm], held_out: chance.HeldOut) -> str:
    """Returns a sentence where all arms are at chance level."""
    if not arms or any(
        chance.has_learned(arm.values, held_out) for arm in arms
    ):
        return ""
    if held_out.labels is None:
        return f"No start is significantly {held_out.chance()}."
    count = len(held_out.labels)
    if len(held_out.counts) < 2:
        return (
            "All held-out samples are of one class, so that they cannot tell "
            "what was learned."
        )
    return (
        f"Nothing was learned that {count:,} held-out "
        f"{'sample' if count == 1 else 'samples'} can tell from chance."
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
    if len(levels) == 1 and all(arm.capped for arm in arms):
        return (
            "All arms ended alike at their limit of epochs, so that nothing "
            "was learned about the start. Give more epochs or more samples."
        )
    seeds = set.intersection(*(set(arm.values) for arm in arms))
    if len(seeds) < 2:
        return (
            "One seed cannot tell the effect of a start from chance. Give "
            "several seeds, such as 5."
        )
    return ""


def _recommendation(
    arms: list[_Arm], scale: scales.Scale
) -> tuple[str, str | None]:
    """Returns a sentence, and the arm that it recommends."""
    fitting = [
        arm
        for arm in arms
        if all(
            _better(arm, other, scale).is_above(-scale.margin)
            for other in arms
            if other is not arm
        )
    ]
    if not fitting:
        return _undecided(arms, scale), None
    best = min(fitting, key=lambda arm: _mean(arm.passes))
    others = [arm for arm in arms if arm is not best]
    # What the user does now, or would do, comes first.
    others.sort(key=lambda arm: arm.name not in _REFERENCES)
    reasons = "; ".join(_reason(best, other, scale) for other in others)
    return (
        f"Recommendation: begin with {best.name}. It is {reasons}.",
        best.name,
    )


def _better(ours: _Arm, theirs: _Arm, scale: scales.Scale) -> effects.Effect:
    """Returns by how much one arm is better than another."""
    return _difference(ours, theirs, scale).times(scale.metric.sign)


def _reason(best: _Arm, other: _Arm, scale: scales.Scale) -> str:
    effect = _difference(best, other, scale)
    low, high = map(scale.signed, effect.interval())
    words = {
        "better": f"{scale.amount(effect.mean)} better than",
        "not decided": f"not more than {scale.within} worse than",
    }.get(_relation(effect, scale), f"as good, within {scale.within}, as")
    return (
        f"{words} {other.name} (95 % interval {low} to {high}) at "
        f"{_cost(best, other)}"
    )


def _undecided(arms: list[_Arm], scale: scales.Scale) -> str:
    best = max(arms, key=lambda arm: scale.metric.sign * _level(arm))
    pairs = [
        (_difference(best, other, scale), other)
        for other in arms
        if other is not best
    ]
    effect, other = max(pairs, key=lambda pair: pair[0].error)
    more = "more seeds"
    if effect.of_samples > effect.of_seeds:
        more = "more held-out samples"
    return (
        f"No recommendation. It is not decided whether {best.name} or "
        f"{other.name} is better: the former minus the latter is "
        f"{difference(effect, scale)}. Give {more}."
    )


def _level(arm: _Arm) -> float:
    return float(np.mean([values.mean() for values in arm.values.values()]))


def _count(runs) -> int:
    return len(runs.finished) + runs.broken + runs.unfinished


def _mean(values: Mapping[int, float]) -> float:
    return statistics.summarize(values.values()).mean
