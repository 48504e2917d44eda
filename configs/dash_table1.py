r"""DASH, Table 1: 50 chunks of data that add up.

Claim: in the last round DASH is ahead of shrink-perturb, that of cold, and that
of warm (84.1, 81.3, 67.3 and 63.5 % on CIFAR-10 with SGD); warm takes the
fewest steps. A reset of the momentum, of the last layer, and a pull to the
first weights do not help.

CIFAR-10 in 50 chunks, ResNet-18 of width 64 with max-pool at 0.001, MLP at
0.01; SGD with momentum 0.9, batch 128, 99.9 % training accuracy, official test
set. The optimizer's state and batch norm's statistics go on from chunk to
chunk; shrink-perturb's noise is Gaussian, and gamma and beta are left alone.

    python -m launch.run --config=dash_table1 --workdir=runs/dash

About 19 million sample passes of the wide network for the cold arm and one
seed, and 4 million for the warm one.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "dash_table1"
    config.arms = (
        "cold",
        "warm",
        "warm_reset",
        "head_reset",
        "l2_init-0.01",
        "shrink_perturb-0.3-0.01",
        "dash-0.3-0.3",
    )
    config.data.split = "official_test"
    config.data.normalization = "channel"
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.9
    config.model.width = 64
    config.model.max_pool = True
    config.transform.noise = "gaussian"
    config.transform.first_round = False
    config.transform.norms = "keep"
    config.transform.statistics = "keep"
    config.transform.optimizer = "keep"
    config.train.threshold = 0.999
    config.train.expected_epochs.update(
        {"cold": 15, "warm": 3, "shrink_perturb": 15}
    )
    return config


MODELS = {
    "resnet18": {"model.name": "resnet18"},
    "mlp": {
        "model.name": "mlp",
        "model.depth": 2,
        "data.normalization": "half",
        "optimizer.learning_rate": 0.01,
    },
}


def settings(config):
    """Returns both networks, for each arm and seed."""
    return all_settings.product(config, {"model": MODELS})
