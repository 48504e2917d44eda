"""Appendix: warm-starting only the first layers.

Claim: carrying over only some of the layers does not close the gap.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001, batch 128, half and then
all of the data, 99 % training accuracy. `first_layers-K` keeps the stem and the
stages up to `K - 1`, and draws the other layers anew.

    ws-run --config=appendix_first_layers --workdir=runs/layers

Cost: about 40 million sample passes for one seed.
"""

from ws_keras.configs import base

from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_first_layers"
    config.arms = (
        "cold",
        "warm",
        "first_layers-1",
        "first_layers-2",
        "first_layers-3",
        "first_layers-4",
        "first_layers-5",
    )
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.max_epochs = 1000
    config.train.expected_epochs.shrink_perturb = 80
    return config


settings = base.settings
VIEW = view.View(
    x="number",
    chart=charts.over,
    claims=(claims.cold_above("first_layers", "warm"),),
)
