r"""The replication's offline shrink-perturb.

Claim: half and then all of the data, 200 epochs each: 60.0 % cold, 58.6 warm,
and 59.6, 64.8 and 81.1 % with shrink 0.6, 0.3 and 0.1.

CIFAR-10, ResNet-18 of width 64 with max-pool, SGD 0.001, batch 128, perturb
0.01 (the script; the article has 0.0001), official test set. Batch norm's
statistics are kept, as there.

    python -m launch.run --config=replication_offline --workdir=runs/offline

15 million sample passes of the wide network for each arm and seed.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_replication_config()
    config.experiment = "replication_offline"
    config.arms = (
        "cold",
        "warm",
        "shrink_perturb-0.6-0.01",
        "shrink_perturb-0.3-0.01",
        "shrink_perturb-0.1-0.01",
    )
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.transform.first_round = False
    config.train.epochs = 200
    return config


settings = base.settings
VIEW = view.View(
    paper=("replication_offline",),
    claims=(
        claims.cold_above("warm"),
        claims.ordered("shrink_perturb", values=(0.6, 0.3, 0.1)),
    ),
    note="Noise is 1e-4 in the article, 0.01 in the script.",
)
