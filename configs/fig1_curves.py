r"""Figure 1: learning curves of half, then all of the data.

Claim: a warm-started network ends with the same training accuracy as a cold
one and a lower test accuracy; the paper's curves end at 56.6 and 61.7 %.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001 (inferred from the levels
of the curves), batch 128, 350 epochs in each phase; the held-out third is
measured after every epoch.

    ws-run --config=fig1_curves --workdir=runs/fig1

Cost: 17.5 million sample passes for each arm and seed.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import epochs
from ws_keras.report import view


def get_config():
    """Returns the config of Figure 1."""
    config = base.get_config()
    config.experiment = "fig1_curves"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.epochs = 350
    config.train.monitor_samples = 20_000
    return config


settings = base.settings
_FITTED = 99.0  # percent


def _fits(run):
    for arm in run.settled("cold", "warm"):
        claim = f"{arm.name} fits its training data to {_FITTED:g} %"
        training = arm.final("train_accuracy")
        yield claims.measured(claim, training, _FITTED, unit="%")


VIEW = view.View(
    paper=("fig1_curves",),
    chart=epochs.accuracy,
    claims=(_fits, claims.cold_above("warm")),
    note="The paper does not name the optimizer, which is inferred.",
)
