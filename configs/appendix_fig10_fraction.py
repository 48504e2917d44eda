"""Appendix, Figure 10: the gap over the size of the first phase.

Claim: the damage changes monotonically with the fraction of the data in the
first phase. The source does not say in which direction; the report shows the
direction and judges only whether the change is monotonic.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001 (not stated; as in Table
1), batch 128, 99 % training accuracy.

    ws-run --config=appendix_fig10_fraction --workdir=runs/fig10

Cost: about 13 million sample passes for each fraction and seed.
"""

import itertools

import numpy as np
from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import paper
from ws_keras.report import statistics
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_fig10_fraction"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.max_epochs = 1000
    return config


def settings(config):
    """Returns the fractions, for each arm and seed."""
    fractions = (0.1, 0.3, 0.5, 0.7, 0.9)
    return all_settings.product(config, {"rounds.fraction": fractions})


_POINTS = 2.0  # of the gap at a half from that of Table 1


def _slopes(run, arms):
    """Returns seed to the slope of the gap over the share."""
    points = {}
    for arm in arms:
        for seed, gap in claims.gap(arm).items():
            points.setdefault(seed, []).append((run.x_of(arm), gap))
    return {
        seed: float(np.polyfit(*zip(*found, strict=True), 1)[0])
        for seed, found in points.items()
        if len(found) > 1
    }


def _monotone(run):
    arms = [arm for arm in run.along_x("warm") if run.is_settled(arm)]
    if len(arms) < 3 or run.limit:
        return
    gaps = [claims.gap(arm) for arm in arms]
    steps = [
        statistics.paired(later, now) for now, later in itertools.pairwise(gaps)
    ]
    claim = "the gap to cold is monotone in the first round's share"
    slope = claims.measured(claim, _slopes(run, arms), 0.0, unit="points")
    turns = {1, -1} <= {step.sign for step in steps}
    means = [step.mean for step in steps]
    is_monotone = max(means) <= 0 or min(means) >= 0
    answer = claims.Answer.INCONCLUSIVE
    if turns:
        answer = claims.Answer.FAILS
    elif is_monotone and slope.answer is not answer:
        answer = claims.Answer.HOLDS
    words = "" if is_monotone else "the means turn; "
    yield claims.Result(claim, answer, f"{words}slope: {slope.because}")


def _half_as_table1(run):
    for arm in run.settled("warm"):
        names, key = ("table1_two_phase",), run.key(arm)
        warm, cold = (paper.find(names, a, key) for a in ("warm", "cold"))
        if run.x_of(arm) != 0.5 or not warm or run.others(arm, warm):
            continue
        gap = warm.mean - cold.mean
        yield claims.between(
            f"warm ends {gap:+.1f} points from cold at a half, as in Table 1, "
            f"within {_POINTS:g}",
            arm.final(),
            arm.cold_final(),
            gap - _POINTS,
            gap + _POINTS,
        )


VIEW = view.View(
    x="rounds.fraction",
    chart=charts.over,
    claims=(_monotone, _half_as_table1),
    note=(
        "Our sources of the paper do not say whether the damage grows or "
        "falls with the share."
    ),
)
