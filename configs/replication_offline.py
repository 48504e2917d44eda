"""The replication's offline shrink-perturb.

Claim: after 200 epochs on half of the data and 200 on all of them, cold has
60.0 %, warm 58.6 %, and shrink 0.6, 0.3 and 0.1 have 59.6, 64.8 and 81.1 %.

Protocol: CIFAR-10, ResNet-18 of width 64 with max-pool, SGD 0.001, batch 128,
official test set. Perturb is 0.01, as in the replication's script (its article
has 0.0001). Batch norm's statistics are kept, as there.

    ws-run --config=replication_offline --workdir=runs/offline

Cost: 15 million sample passes of the wide network for each arm and seed.
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
