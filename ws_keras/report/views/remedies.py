"""Two phases with something changed: layers, fractions, weight decay."""

import itertools
from collections.abc import Callable

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import signs
from ws_keras.report import statistics
from ws_keras.report.views import charts
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import gradients
from ws_keras.report.views import run as runs

_WEIGHT = "penalty.weight"
_FRACTION = "rounds.fraction"
_SAME = 1e-9  # no lower is no difference, too


def fractions(run: runs.Run) -> list:
    """Returns Fig. 10: the gap over the share of the first round."""
    chart = over_label(run, run.arms, _FRACTION, "First round's share")
    found = [_monotone(run), *_half_as_table1(run)]
    return [
        finals.table(run, "Last round"),
        chart,
        signs.table(found),
        sections.Text(
            "What is known of the paper does not say clearly in which "
            "direction the damage goes with the share; the slope is that of "
            "the gap to cold over it, in points."
        ),
    ]


def _monotone(run: runs.Run) -> signs.Sign:
    """Returns whether the gap only grows, or only shrinks, with the share."""
    arms = run.numbered(_FRACTION, "warm")
    gaps = [_gap(arm) for arm in arms]
    means = [statistics.summarize(gap.values()).mean for gap in gaps if gap]
    claim = "the gap to cold is monotone in the first round's share"
    if len(means) < 3:
        return signs.Sign(claim, None, "fewer than three shares")
    slopes = _slopes(arms, _FRACTION)
    zero = dict.fromkeys(slopes, 0.0)
    words = signs.words(statistics.paired(slopes, zero))
    steps = [later - now for now, later in itertools.pairwise(means)]
    is_monotone = max(steps) <= 0 or min(steps) >= 0
    turns = "" if is_monotone else "the means turn; "
    if is_monotone:
        holds = signs.differ(slopes, zero)
    else:
        holds = False if _turns(gaps) else None
    sign = signs.Sign(claim, holds, f"{turns}slope: {words}")
    return signs.unless(claims.unfitted(*arms), sign)


def _turns(gaps: list[dict[int, float]]) -> bool:
    """Returns whether gaps surely grow at one step and shrink at another."""
    known = [gap for gap in gaps if gap]
    steps = [
        statistics.paired(later, now)
        for now, later in itertools.pairwise(known)
    ]
    return any(s.low > 0 for s in steps) and any(s.high < 0 for s in steps)


def _half_as_table1(run: runs.Run) -> list[signs.Sign]:
    """Returns whether the gap of a half is that of Table 1."""
    found = []
    points = bands.READ_OFF_POINTS
    for arm in run.numbered(_FRACTION, "warm"):
        if arm.labels[_FRACTION] != 0.5 or not arm.cold_rows:
            continue
        warm = printed.table1(arm.last)
        cold = printed.table1(arm.cold_rows[-1])
        if warm and cold and not run.is_other("table1")(arm):
            gap = warm.value - cold.value
            claim = (
                f"warm ends {shown.signed(gap)} points from cold at a half, "
                f"as in Table 1, within {points:g}"
            )
            ends = (gap - points, gap + points)
            final = arm.final(), arm.cold_final()
            found.append(signs.between(claim, *final, *ends))
    return found


def first_layers(run: runs.Run) -> list:
    """Returns a partial warm start: a gap for every number of layers."""
    arms = run.pick("first_layers")
    chart = charts.over(
        run,
        arms,
        lambda arm: arm.first.arm.partition("-")[2],
        "First layers or stages that are carried over",
        "Partial warm start",
        label=lambda arm: "first_layers",
    )
    return [
        finals.table(run, "Last round"),
        chart,
        signs.table(claims.cold_above(run, "first_layers", "warm")),
    ]


def batch_norm(run: runs.Run) -> list:
    """Returns the gap with and without batch norm."""
    chart = charts.bars(run, run.arms, "Last round")
    return [
        finals.table(run, "Last round"),
        chart,
        signs.table(claims.cold_above(run)),
    ]


def weight_decay(run: runs.Run) -> list:
    """Returns shrink-perturb under weight decay."""
    found = [
        signs.unless(
            arm.unfitted,
            signs.above(
                f"{arm.name} ends at most one point below cold "
                f"({arm.cell.variant})",
                arm.final(),
                arm.cold_final(),
                least=-1.0,
            ),
        )
        for arm in run.pick("shrink_perturb")
    ]
    chart = over_label(run, run.arms, _WEIGHT, "Weight decay", log_x=True)
    return [finals.table(run, "Last round"), chart, signs.table(found)]


def replication_weight_decay(run: runs.Run) -> list:
    """Returns the replication's weight decay, which narrows the gap."""
    block, lookup = "replication_weight_decay", printed.weight_decay
    warm = run.numbered(_WEIGHT, "warm")
    claim = signs.Sign(
        "the gap narrows with stronger decay", None, bands.NOT_RUN
    )
    if len(warm) > 1:
        weak, strong = (_gap(arm) for arm in (warm[0], warm[-1]))
        claim = signs.unless(
            claims.unfitted(warm[0], warm[-1]),
            signs.above(claim.claim, weak, strong),
        )
    chart = over_label(
        run, run.arms, _WEIGHT, "Weight decay", block, lookup, log_x=True
    )
    return [
        finals.table(run, finals.LAST, block, lookup, _absent_decay()),
        chart,
        claims.table(run, block, [claim]),
    ]


def _absent_decay() -> list[tuple[finals.Columns, bands.Printed]]:
    block = paper.numbers()["replication_weight_decay"]
    found = []
    for place, weight in enumerate(block["weights"]):
        names = {_WEIGHT: finals.word(weight)}
        found += [
            (
                finals.named(block, arm, **names),
                bands.Printed(block[arm][place], decimals=2),
            )
            for arm in ("cold", "warm")
        ]
    return found


def augmentation(run: runs.Run) -> list:
    """Returns the replication's augmentation, which narrows the gap."""
    warm = {a.labels.get("data.augmentation"): a for a in run.pick("warm")}
    plain = warm.pop("none", None)
    found = [
        signs.unless(
            claims.unfitted(plain, arm),
            signs.above(
                f"augmentation {name} narrows the gap",
                _gap(plain) if plain else {},
                _gap(arm),
            ),
        )
        for name, arm in warm.items()
    ]
    found += [
        signs.unless(
            arm.unfitted,
            signs.within_spread(
                f"with augmentation {name} cold and warm end alike",
                arm.cold_final(),
                arm.final(),
            ),
        )
        for name, arm in warm.items()
    ]
    alike = gradients.start_ratio(run, plain) if plain else {}
    found += [
        signs.above(
            f"augmentation {name} brings the gradient norms of new and old "
            "data together (ratio at the start)",
            alike,
            gradients.start_ratio(run, arm),
        )
        for name, arm in warm.items()
    ]
    return [
        finals.table(run, "Last round"),
        charts.bars(run, run.arms, "Last round"),
        signs.table(found),
    ]


def offline(run: runs.Run) -> list:
    """Returns the replication's shrink-perturb between two halves."""
    block = "replication_offline"
    arms = run.pick("shrink_perturb")
    found = claims.cold_above(run)
    arms.sort(key=lambda arm: -arm.first.shrink)
    found += [
        signs.unless(
            claims.unfitted(weak, strong),
            signs.above(
                f"shrink {strong.first.shrink:g} ends above "
                f"{weak.first.shrink:g}",
                strong.final(),
                weak.final(),
            ),
        )
        for weak, strong in zip(arms, arms[1:], strict=False)
    ]
    return [
        finals.table(
            run, finals.LAST, block, printed.offline, _absent_offline()
        ),
        charts.bars(run, run.arms, "Last round", block, printed.offline),
        claims.table(run, block, found),
    ]


def _absent_offline() -> list[tuple[finals.Columns, bands.Printed]]:
    block = paper.numbers()["replication_offline"]
    numbers = {}
    for name, value in block["accuracy"].items():
        is_arm = name in ("cold", "warm")
        arm = name if is_arm else f"shrink_perturb {name}/{block['perturb']:g}"
        numbers[arm] = value
    return finals.cells("replication_offline", numbers)


def every_step(run: runs.Run) -> list:
    """Returns Fig. 12: shrink-perturb at every step is a mild regularizer."""
    arms = {
        ", ".join(f"{k} {finals.word(v)}" for k, v in arm.labels.items()): arm
        for arm in run.arms
    }
    plain = next(
        (a for a in run.arms if a.labels.get("every_step") == "none"), None
    )
    found = [
        signs.above(
            f"{name} ends no lower than without",
            arm.final(),
            plain.final() if plain else {},
            least=-_SAME,
        )
        for name, arm in arms.items()
        # Weight decay stands beside it, and the paper found nothing of it.
        if arm is not plain and "every_step" in arm.labels
    ]
    return [
        finals.table(run, "Last round"),
        charts.bars(run, run.arms, "Last round"),
        signs.table(found),
    ]


def _gap(arm: runs.ArmRuns) -> dict[int, float]:
    """Returns seed to cold minus this arm."""
    ours, cold = arm.final(), arm.cold_final()
    return {seed: cold[seed] - ours[seed] for seed in ours if seed in cold}


def _slopes(arms: list[runs.ArmRuns], label: str) -> dict[int, float]:
    """Returns seed to the slope of the gap over a label, by least squares."""
    points = {}
    for arm in arms:
        x = arm.labels.get(label)
        for seed, gap in _gap(arm).items():
            points.setdefault(seed, []).append((x, gap))
    slopes = {}
    for seed, found in points.items():
        middle = sum(x for x, _ in found) / len(found)
        spread = sum((x - middle) ** 2 for x, _ in found)
        if spread:
            slopes[seed] = sum((x - middle) * y for x, y in found) / spread
    return slopes


def over_label(
    run: runs.Run,
    arms: list[runs.ArmRuns],
    label: str,
    title: str,
    block: str | None = None,
    lookup: finals.Lookup = finals.nothing,
    log_x: bool = False,
) -> sections.Chart:
    """Returns last accuracies and gaps over a label that is a number."""
    read = _reader(label)
    meant = set(map(id, arms))
    some = [arm for arm in run.numbered(label) if id(arm) in meant]
    return charts.over(
        run,
        some,
        read,
        label.rpartition(".")[2].capitalize(),
        title,
        block,
        lookup,
        log_x=log_x and all(read(arm) > 0 for arm in some),
        stem=charts.name("over", title),
    )


def _reader(label: str) -> Callable[[runs.ArmRuns], float]:
    return lambda arm: arm.labels.get(label)
