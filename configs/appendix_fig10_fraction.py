r"""Appendix, Figure 10: the gap over the size of the first phase.

Claim: the damage changes monotonically with the fraction of the data in the
first phase. The source does not say in which direction, so the report states
it and judges only that.

CIFAR-10, ResNet-18 of width 16, SGD 0.001 (not stated; that of Table 1), batch
128, 99 %.

    python -m launch.run --config=appendix_fig10_fraction --workdir=runs/fig10

About 13 million sample passes for each fraction and seed.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings


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
