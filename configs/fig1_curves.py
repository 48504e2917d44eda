r"""Figure 1: learning curves of half, then all of the data.

CIFAR-10, ResNet-18 of width 16, SGD 0.001 (inferred from the levels of the
curves), batch 128, 350 epochs in each phase; the held-out third is measured
after every epoch.

    python -m launch.run --config=configs/fig1_curves.py --workdir=runs/fig1

About 17 million sample passes for each arm and seed.
"""

from ws_keras.configs import base


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
