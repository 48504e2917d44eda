r"""Figure 3: learning rate and batch size of both phases against accuracy.

Claim: some warm starts come as far as cold ones, and then take about as long as
training from scratch, so that nothing is saved. The replication contradicts:
its warm starts reach the same accuracy sooner.

CIFAR-10, ResNet-18 of width 16, SGD; learning rates 0.001, 0.01 and 0.1 and
batches of 16 to 128, drawn independently for both phases: 144 warm pairs and
12 cold runs on all the data; 99 % training accuracy ends a phase. The best of
them are at 78 to 80 % (cold) and 78 to 79 % (warm).

    python -m launch.run --config=fig3_hyperparameters --workdir=runs/fig3

At most 460 million sample passes for one seed; higher rates are several times
cheaper. Times count the second phase alone.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings

RATES = (0.001, 0.01, 0.1)
BATCHES = (16, 32, 64, 128)


def get_config():
    """Returns the config of Figure 3."""
    config = base.get_config()
    config.experiment = "fig3_hyperparameters"
    config.arms = ("warm",)
    config.seeds = (0, 1)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.max_epochs = 1000
    config.train.expected_epochs.update({"cold": 60, "warm": 60})
    return config


def settings(config):
    """Returns the warm pairs, and the cold runs on all the data."""
    first = {"optimizer.learning_rate": RATES, "train.batch_size": BATCHES}
    second = {"second.learning_rate": RATES, "second.batch_size": BATCHES}
    return [
        *all_settings.product(config, first, ("cold",), base.ONE_PHASE),
        *all_settings.product(config, first | second),
    ]
