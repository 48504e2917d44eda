"""Appendix: shrink-perturb with weight decay.

Claim: shrink-perturb closes the gap even together with strong weight decay: it
is within a point of a cold start with the same decay.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, half and then
all of the data, 99 % training accuracy. The decay is a penalty, as in the
authors' framework.

    ws-run --config=appendix_weight_decay --workdir=runs/decay

Cost: for each strength and seed about 0.65 million (warm) to 1 million (cold)
sample passes, by the epochs of Figure 2; at most 10 million where a strong
decay keeps the accuracy below 99 %.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_weight_decay"
    config.arms = ("cold", "warm", "shrink_perturb-0.4-0.1")
    config.rounds.protocol = "two_phase"
    # All arms end the first phase with the same network.
    config.transform.first_round = False
    config.penalty.name = "l2"
    config.train.max_epochs = 200
    return config


def settings(config):
    """Returns the strengths, for each arm and seed."""
    weights = (0.0, 1e-4, 1e-3, 1e-2)
    return all_settings.product(config, {"penalty.weight": weights})


VIEW = view.View(
    x="penalty.weight",
    chart=charts.over,
    claims=(claims.not_below_cold("shrink_perturb", margin=1.0),),
)
