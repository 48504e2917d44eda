"""What a comparison of arms says, in words."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from ws_keras.report import chance
from ws_keras.report import grouping
from ws_keras.report import pairs
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

    Two arms are equally good if two one-sided t tests find their difference
    within the margin. An arm is better or worse than another one if the 95 % t
    interval of the paired difference does not contain 0. Everything else is not
    decided. With fewer than three seeds, nothing is decided. The interval
    includes the variation between seeds and, if `outcomes` are given, that
    between held-out samples. A seed whose metric is nan or infinite is left
    out, and its arm is not recommended.

    An arm can be recommended if a one-sided t test finds that it is not worse
    than any other arm by more than the margin. Of these arms, the one with the
    fewest sample passes is recommended.

    Args:
        all_rows: Rows of one model on one growing data set.
        outcomes: Maps the id of a setting to the outcome of each held-out
            sample after its last round. For accuracies, an outcome is 100
            (correct) or 0 (wrong); for another metric, it is the metric of the
            sample. Defaults to `None`.
        labels: Class of each held-out sample, for the chance level. `None`
            means unknown. Defaults to `None`.
        margin: Largest difference at which two arms count as equally good, in
            points of accuracy or in the unit of another metric. Defaults to 1
            point, or to 1 % of the value of the cold arm.
        withheld: Reason why there is no recommendation. Defaults to `""`, no
            reason.
        baseline: A `chance.Baseline`, for a metric that is not an accuracy. An
            arm must exceed it to have learned anything. Defaults to `None`.

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
                pairs.Pair(arm, ended[other], scale).line()
                for other in _REFERENCES
                if other in ended and other != arm.name
            ]
    sound = [arm for arm in arms if arm.is_sound]
    reason = withheld or _nothing_to_conclude(sound, arms, metric.name)
    if reason:
        return Verdict(tuple(lines), f"No recommendation. {reason}")
    return Verdict(tuple(lines), *_recommendation(sound, scale))


def _arm(
    name: str,
    arm_rows: Iterable[rows.Row],
    outcomes: Mapping[str, np.ndarray],
    metric: metrics.Metric,
) -> pairs.Arm:
    runs = grouping.runs(arm_rows)
    ends = {seed: found[-1] for seed, found in runs.finished.items()}
    values = {
        seed: outcomes.get(row.setting, np.array([metric.value(row)]))
        for seed, row in ends.items()
    }
    known = {s: v for s, v in values.items() if np.isfinite(v).all()}
    return pairs.Arm(name, runs, known, tuple(values.keys() - known.keys()))


def _line(arm: pairs.Arm, held_out: chance.HeldOut) -> str:
    runs, diverged = arm.runs, ""
    if runs.broken:
        count = len(runs.finished) + runs.broken + runs.unfinished
        diverged = f" {runs.broken} of {count} seeds diverged."
    if arm.undefined:
        diverged += _left_out(arm, held_out.scale.metric.name)
    if not arm.values:
        what = "metric" if arm.undefined else "loss"
        return f"{arm.name}: no seed ended with a finite {what}.{diverged}"
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


def _left_out(arm: pairs.Arm, name: str) -> str:
    """Returns a sentence about the seeds without a finite metric."""
    number = max(rows[-1].round for rows in arm.runs.finished.values())
    seeds = ", ".join(map(str, sorted(arm.undefined)))
    what = "seed" if len(arm.undefined) == 1 else "seeds"
    verb = "is" if len(arm.undefined) == 1 else "are"
    return (
        f" After round {number} the {name} of {what} {seeds} is nan or "
        f"infinite, so {what} {seeds} {verb} left out."
    )


def _nothing_learned(
    arms: Iterable[pairs.Arm], held_out: chance.HeldOut
) -> str:
    """Returns a sentence if all arms are at chance level, else `""`."""
    if not arms or any(held_out.is_learned(arm.values) for arm in arms):
        return ""
    if held_out.labels is None:
        return f"No start is significantly {held_out.chance()}."
    count = len(held_out.labels)
    if len(held_out.counts) < 2:
        return (
            "All held-out samples are of one class, so they cannot show what "
            "was learned."
        )
    return (
        f"No arm is significantly better than chance on {count:,} held-out "
        f"{'sample' if count == 1 else 'samples'}."
    )


def _nothing_to_conclude(
    arms: list[pairs.Arm], every: list[pairs.Arm], name: str
) -> str:
    """Returns why no start can be recommended, if there is a reason.

    Args:
        arms: Arms of which each seed has a value.
        every: All arms.
        name: Name of the metric.
    """
    count = len(every)
    if count < 2:
        return "There is no other arm to compare with."
    lost = sum(bool(arm.undefined) for arm in every)
    if len(arms) < 2 and lost:
        return (
            f"{lost} of {count} arms have seeds whose {name} is nan or "
            "infinite. Compare by another metric, such as the loss, with "
            "`monitor`."
        )
    if len(arms) < 2:
        return (
            f"{count - len(arms)} of {count} arms have seeds that diverged. "
            "Fill missing values (NaN) in the samples, if there are any, scale "
            "large samples and targets, or give a smaller learning rate."
        )
    levels = {
        round(float(v.mean()), 6) for a in arms for v in a.values.values()
    }
    if len(levels) == 1 and all(arm.is_capped for arm in arms):
        return (
            "All arms have the same accuracy and stopped at the limit of "
            "epochs, so they cannot be compared. Give more epochs or more "
            "samples."
        )
    seeds = set.intersection(*(set(arm.values) for arm in arms))
    if len(seeds) < statistics.MIN_SEEDS:
        return (
            f"{pairs.seeds(max(len(seeds), 1)).capitalize()} cannot separate "
            "the effect of a start from chance. Give several seeds, such as 5."
        )
    return ""


def _recommendation(
    arms: list[pairs.Arm], scale: scales.Scale
) -> tuple[str, str | None]:
    """Returns a sentence, and the arm that it recommends."""

    def of(arm: pairs.Arm) -> list[pairs.Pair]:
        return [pairs.Pair(arm, one, scale) for one in arms if one is not arm]

    fitting = [
        arm
        for arm in arms
        if all(pair.gain.is_above(-scale.margin) for pair in of(arm))
    ]
    if not fitting:
        best = max(arms, key=lambda arm: scale.metric.sign * arm.level)
        pair = max(of(best), key=lambda pair: pair.effect.error)
        return _undecided(pair), None
    best = min(fitting, key=lambda arm: arm.mean_passes)
    # What the user does now, or would do, comes first.
    others = sorted(
        of(best), key=lambda pair: pair.theirs.name not in _REFERENCES
    )
    said = [f"Recommendation: begin with {best.name}."]
    said += [pair.reason() for pair in others]
    # What is not decided about a cheaper arm is a loss above the margin.
    cheaper = [
        pair.theirs.name
        for pair in others
        if pair.relation() == "not decided"
        and pair.theirs.mean_passes < best.mean_passes
    ]
    if cheaper:
        words = "arm ({}) is" if len(cheaper) == 1 else "arms ({}) are"
        said.append(
            "The runs do not exclude that the cheaper "
            f"{words.format(', '.join(cheaper))} more than {scale.within} "
            "worse."
        )
    return " ".join(said), best.name


def _undecided(pair: pairs.Pair) -> str:
    effect, more = pair.effect, "seeds"
    if effect.of_samples > effect.of_seeds:
        more = "held-out samples"
    return (
        f"No recommendation. The runs do not decide whether {pair.ours.name} "
        f"or {pair.theirs.name} is better. {pair.ours.name} minus "
        f"{pair.theirs.name} is {pairs.difference(effect, pair.scale)}. Give "
        f"more {more}."
    )
