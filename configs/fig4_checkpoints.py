r"""Figure 4: how little training on half of the data hurts.

Claim: a warm start from a network that was trained for a little while is
damaged already: from 30 to 40 epochs on, before the held-out accuracy of the
first phase peaks, and by 7 per cent of the accuracy from 120 epochs on.

CIFAR-10, ResNet-18 of width 16, SGD 0.001 (inferred), batch 128. The first
phase ends after START epochs, START from 5 to 350 in steps of 5 as in the
paper; then 350 epochs on all the data. As the order of the samples depends on
the epoch alone, each first phase is the beginning of the longest one.

    python -m launch.run --config=fig4_checkpoints --workdir=runs/fig4

About 1,000 million sample passes for one seed and all 70 starts; some of them:
--settings='/(25|50|75|100|150|200|350)/|cold'
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig4_checkpoints"
    config.arms = ("warm",)
    config.seeds = (0, 1)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.epochs = 350
    return config


def settings(config):
    """Returns the starts, and the cold runs on all the data."""
    starts = {"train.first_epochs": tuple(range(5, 355, 5))}
    return [
        *all_settings.product(config, {}, ("cold",), base.ONE_PHASE),
        *all_settings.product(config, starts),
    ]
