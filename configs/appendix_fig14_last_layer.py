"""Appendix, Figure 14: shrinking the last layer only.

Claim: shrinking only the last layer, which makes the outputs less certain, does
not repair the warm start: for every shrink the final accuracy stays below that
of a cold start.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, 1,000 new
samples in each round, 99 % training accuracy (data and model are not stated; as
in Figure 7).

    ws-run --config=appendix_fig14_last_layer --workdir=runs/fig14

Cost: about 59 million sample passes for one seed. The first rounds only:
--config.rounds.limit=4
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_fig14_last_layer"
    config.arms = (
        "cold",
        "warm",
        "last_layer-0.8-0",
        "last_layer-0.6-0",
        "last_layer-0.4-0",
        "last_layer-0.2-0",
        "last_layer-0-0",
    )
    return config


settings = base.settings
VIEW = view.View(
    paper=("fig2_online", "fig7_shrink_sweep"),
    x=view.SAMPLES,
    claims=(claims.cold_above("last_layer"),),
)
