"""Figure 7: online learning with shrink-perturb, over shrink.

Claim: at perturb 0.01, shrink 0.6 is as accurate as a cold start in a fraction
of its time, and smaller factors are more accurate still: 65.1, 73.7, 76.6, 77.9
and 80.2 % for shrink 1, 0.8, 0.6, 0.4 and 0.2 after 34 rounds, 76.1 % for cold.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, 1,000 new
samples in each round, each trained to 99 % training accuracy. The paper calls
its curve of shrink 0 random initialization. Taken literally, it begins with
weights of a hundredth of their size, so both this and a cold start are run.

    ws-run --config=fig7_shrink_sweep --workdir=runs/fig7

Cost: about 75 million sample passes for one seed and all rounds.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig7_shrink_sweep"
    config.arms = (
        "cold",
        "shrink_perturb-1-0.01",
        "shrink_perturb-0.8-0.01",
        "shrink_perturb-0.6-0.01",
        "shrink_perturb-0.4-0.01",
        "shrink_perturb-0.2-0.01",
        "shrink_perturb-0-0.01",
    )
    config.seeds = (0, 1, 2)
    return config


settings = base.settings
_KINDS = ("shrink_perturb", "warm")
VIEW = view.View(
    paper=("fig7_shrink_sweep", "fig2_online"),
    x=view.SAMPLES,
    cost="seconds",
    claims=(
        claims.ordered(*_KINDS, values=(1.0, 0.8, 0.6, 0.4, 0.2)),
        claims.near_cold(*_KINDS, margin=2.0, shrink=0.6),
        claims.dearer(*_KINDS),
    ),
    note="The paper's number of shrink 0, which it calls random, stands "
    "beside both cold and shrink 0.",
)
