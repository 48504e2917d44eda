"""Figure 8: the grid of shrink and perturb, online.

Claim: noise after the shrink improves both accuracy and time. Shrink 0 with
perturb 1 is a cold start, shrink 1 with perturb 0 a warm one. The values of the
paper's grid are not known. Its cells in which no weights are left stay
blank, as they do here.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001 (inferred), batch 128,
1,000 new samples in each round, each trained to 99 % training accuracy. A round
ends after 30 epochs without an improvement and after 100 epochs in any case,
because with both factors at 0 it cannot learn.

    ws-run --config=fig8_grid --workdir=runs/fig8

Cost: about 450 million sample passes for one seed and all rounds.
"""

from ws_keras.configs import base

from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import comparison
from ws_keras.report import paper
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig8_grid"
    shrinks = ("0", "0.2", "0.4", "0.6", "0.8", "1")
    perturbs = ("0", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1", "1")
    config.arms = tuple(
        f"shrink_perturb-{shrink}-{perturb}"
        for shrink in shrinks
        for perturb in perturbs
    )
    config.seeds = (0, 1)
    # A round that cannot learn (both 0) is to end.
    config.train.patience = 30
    config.train.max_epochs = 100
    return config


settings = base.settings
_SAME = 1e-9  # no worse is no difference, too
_CELL = "cifar10/resnet18/adam"


def _noise_helps(run):
    for shrink in (0.2, 0.4, 0.6):
        column = run.settled(shrink=shrink)
        silent = [arm for arm in column if not arm.first.perturb]
        noisy = [arm for arm in column if arm.first.perturb]
        if not silent or not noisy:
            continue
        best = max(noisy, key=lambda arm: arm.summary().mean)
        yield from claims.every(
            f"at shrink {shrink:g} some noise is no worse than none",
            [
                claims.above(
                    f"accuracy at {best.first.perturb:g}",
                    best.final(),
                    silent[0].final(),
                    -_SAME,
                ),
                claims.above(
                    "steps",
                    silent[0].total("steps"),
                    best.total("steps"),
                    -_SAME,
                    unit="steps",
                ),
            ],
        )


def _corners(run):
    for name, shrink, perturb in (("cold", 0.0, 1.0), ("warm", 1.0, 0.0)):
        for arm in run.settled(shrink=shrink, perturb=perturb):
            end = float(arm.last.num_samples)
            number = paper.find(("fig2_online",), name, _CELL, end)
            said = comparison.of_arm(run, arm, number)
            claim = f"the corner {shrink:g}/{perturb:g} is {name} of Fig. 2"
            if said is not None:
                yield claims.Result(
                    claim,
                    claims.equivalent(said),
                    f"{said.value}: ours {arm.summary().mean:.1f}, "
                    f"the paper's {number.mean:g}",
                )


VIEW = view.View(
    paper=("fig7_shrink_sweep", "fig2_online"),
    x=view.SAMPLES,
    chart=charts.grid,
    claims=(_noise_helps, _corners),
)
