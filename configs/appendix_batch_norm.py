"""Appendix: batch norm on and off.

Claim: batch norm does not close the gap: there is a gap with and without it.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, half and then
all of the data, 99 % training accuracy. Adam, because a residual network
without normalization hardly learns with SGD at this rate.

    ws-run --config=appendix_batch_norm --workdir=runs/batch_norm

Cost: for each norm and seed about 1 million sample passes of cold and 0.65
million of warm, by the epochs of Figure 2; more without batch norm.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_batch_norm"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    return config


def settings(config):
    """Returns both norms, for each arm and seed."""
    return all_settings.product(config, {"model.norm": ("batch", "none")})


VIEW = view.View(claims=(claims.cold_above("warm"),))
