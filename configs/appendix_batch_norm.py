r"""Appendix: batch norm on and off.

Claim: batch norm is no remedy: there is a gap with and without it.

CIFAR-10, ResNet-18 of width 16, Adam 0.001 (with SGD at that rate a residual
network without normalization hardly moves), batch 128, half and then all of
the data, 99 %.

    python -m launch.run --config=appendix_batch_norm --workdir=runs/batch_norm

About 1 million sample passes for each norm and seed of cold and 0.65 of warm,
at the epochs of Figure 2; without batch norm more.
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
