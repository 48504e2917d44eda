r"""Which start is best on CIFAR-100? All arms, half and then all of 10,000.

This experiment is not from the paper. It trains on 5,000 images of a hundred
classes, then on 10,000. The report shows accuracy after the second round
against the cost of both rounds, and the frontier.

CIFAR-100, ResNet-18 of width 16, Adam 0.001, batch 128, 99 %.

    ws-run --config=which_arm_cifar100 --workdir=runs/cifar100

Cost: 0.38 (warm) to 0.47 million sample passes (cold) for each arm and seed, by
the rows of one seed.
"""

from ws_keras.configs import base
from ws_keras.configs import which_arm

from ws_keras.report import frontier
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = which_arm.get_config()
    config.experiment = "which_arm_cifar100"
    config.data.name = "cifar100"
    config.data.samples = 10_000
    config.rounds.protocol = "two_phase"
    config.rounds.limit = None
    # All arms end the first phase with the same network.
    config.transform.first_round = False
    config.train.expected_epochs.update(
        {"cold": 31, "warm": 22, "shrink_perturb": 27}
    )
    return config


settings = base.settings
VIEW = view.View(
    title="Which start is best on CIFAR-100?",
    chart=frontier.chart,
    folds=(frontier.beside("warm", "shrink_perturb 0.4/0.1"),),
)
