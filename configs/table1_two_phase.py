r"""Table 1: half of the data, then all of it.

CIFAR-10, CIFAR-100 and SVHN; ResNet-18, MLP and logistic regression; SGD and
Adam at 0.001, batch 128. A round ends at 99 % training accuracy, or, for the
models that never get there, after 10 epochs without an improvement of more
than 0.1 point (the paper says that it waits for a plateau, not how).

    python -m launch.run --config=configs/table1_two_phase.py \
        --workdir=runs/table1 --settings='cifar10-resnet18-adam'

All cells are about a billion sample passes; choose with --settings.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings


def get_config():
    """Returns the config of Table 1."""
    config = base.get_config()
    config.experiment = "table1_two_phase"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.train.patience = 10
    config.train.min_delta = 0.001
    config.train.max_epochs = 1000
    config.train.expected_epochs.update({"cold": 60, "warm": 30})
    return config


def settings(config):
    """Returns the cells of the table, for each arm and seed."""
    return all_settings.product(
        config,
        {
            "data.name": ("cifar10", "svhn_cropped", "cifar100"),
            "model.name": ("resnet18", "mlp", "logistic"),
            "optimizer.name": ("sgd", "adam"),
        },
    )
