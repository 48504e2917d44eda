"""A warm start, a cold start and shrink-perturb in minutes, without a download.

    ws-run --config=quickstart --workdir=runs/quickstart

Ten classes of procedural textures (see ws_keras/data/textures.py), 500 new
images in each of three rounds, a small residual network, five seeds. A warm
start ends below a cold one, although both reach 99 % on the training images.
Shrink-perturb ends near the cold start or above it, with about as many sample
passes. About 130,000 sample passes for one seed of the three arms.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of the quickstart."""
    config = base.get_config()
    config.experiment = "quickstart"
    config.arms = ("cold", "warm", "shrink_perturb-0.5-0.1")
    config.data.name = "textures"
    config.rounds.step = 500
    config.rounds.limit = 3
    config.model.width = 8
    config.model.blocks = (1, 1, 1)
    config.train.batch_size = 64
    config.train.max_epochs = 100
    config.train.monitor_samples = 200
    config.train.expected_epochs.update(
        {"cold": 18, "warm": 8, "shrink_perturb": 16}
    )
    return config


settings = base.settings
VIEW = view.View(
    x=view.SAMPLES,
    claims=(claims.cold_above("warm"),),
)
