"""The replication's weight decay.

Claim, against the paper: the gap becomes smaller with stronger decay. Cold and
warm have 81.44 and 81.16 % at 0.1, 62.73 and 61.22 % at 0.01, 60.42 and 58.63 %
at 0.001.

Protocol: CIFAR-10, ResNet-18 of width 64 with max-pool, SGD 0.001, batch 128,
200 epochs on half and 200 on all of the data, official test set.

    ws-run --config=replication_weight_decay --workdir=runs/repl_decay

Cost: 15 million sample passes of the wide network for each decay, arm and seed.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_replication_config()
    config.experiment = "replication_weight_decay"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.penalty.name = "l2"
    config.transform.first_round = False
    config.train.epochs = 200
    return config


def settings(config):
    """Returns the decays, for each arm and seed."""
    return all_settings.product(config, {"penalty.weight": (0.1, 0.01, 0.001)})


def _narrows(run):
    arms = [arm for arm in run.along_x("warm") if run.is_settled(arm)]
    if len(arms) > 1 and not run.limit:
        weak, strong = map(claims.gap, (arms[0], arms[-1]))
        yield claims.above("the gap narrows with stronger decay", weak, strong)


VIEW = view.View(
    paper=("replication_weight_decay",),
    x="penalty.weight",
    chart=charts.over,
    claims=(_narrows,),
)
