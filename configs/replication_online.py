"""The replication's Figure 6: 2,500 new samples in each round.

Claim: as in the paper, a smaller shrink is more accurate, down to 0.2, and all
shrinks take less time than a cold start.

Protocol: a random two thirds of CIFAR-10, measured on the official test set;
ResNet-18 of width 64 with max-pool, Adam 0.001, batch 128. Perturb is 0.01, as
in the replication's script (its article has 0.0001). Training accuracy is
measured by a second pass. It is not known whether the replication transforms
the first network; here it is transformed.

    ws-run --config=replication_online --workdir=runs/repl_online

Cost: about 33 million sample passes of the wide network for one seed.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_replication_config()
    config.experiment = "replication_online"
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
    config.data.samples = 33_333
    config.rounds.step = 2500
    config.train.measured = "clean"
    return config


settings = base.settings
_KINDS = ("shrink_perturb", "warm")
VIEW = view.View(
    x=view.SAMPLES,
    claims=(
        claims.ordered(*_KINDS, values=(1.0, 0.8, 0.6, 0.4, 0.2)),
        claims.dearer(*_KINDS),
    ),
)
