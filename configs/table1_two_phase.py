r"""Table 1: half of the data, then all of it.

Claim: a warm start costs held-out accuracy for ResNets and MLPs on all three
data sets, more on CIFAR-10 than on SVHN; logistic regression, which is convex,
loses nothing that matters. All reach the same training accuracy.

CIFAR-10, SVHN and CIFAR-100; ResNet-18, MLP and logistic regression; SGD and
Adam at 0.001, batch 128; random (cold) and warm; five seeds. The MLP in both
readings: two hidden layers of rectifiers (the code), three of tanh (the text).
A round ends at 99 % training accuracy, or, for the models that never get
there, after 10 epochs without an improvement of more than 0.1 point (the paper
says that it waits for a plateau, not how), at the latest after 1,000 epochs, or
200 without convolutions: at this rate SGD still gains a little after 1,000.

    python -m launch.run --config=table1_two_phase --workdir=runs/table1 \
        --settings='cifar10-resnet18-adam'

Expected, CIFAR-10: ResNet-18 with SGD 56.2 cold and 51.7 warm, with Adam 78.0
and 74.4. Choose cells with --settings: an epoch of all the data takes the
networks without convolutions seconds, and ResNet-18 minutes on two cores. About
125 million sample passes for one seed of all cells, if the networks without
convolutions end as early as the others; the MLP with SGD comes to its cap, at 7
(cold) and 10 million (warm) on CIFAR-10.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings

CONVOLUTIONAL = {"resnet18": {"model.name": "resnet18"}}
FLAT = {
    "mlp": {"model.name": "mlp"},
    "mlp_tanh": {
        "model.name": "mlp",
        "model.depth": 3,
        "model.activation": "tanh",
    },
    "logistic": {"model.name": "logistic"},
}
# When a round of the networks ends that may never get to 99 %.
PLATEAU = {
    "train.patience": 10,
    "train.min_delta": 0.001,
    "train.max_epochs": 200,
}


def get_config():
    """Returns the config of Table 1."""
    config = base.get_config()
    config.experiment = "table1_two_phase"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.train.max_epochs = 1000
    config.train.expected_epochs.update({"cold": 60, "warm": 30})
    return config


def settings(config):
    """Returns the cells of the table, for each arm and seed."""

    def cells(models, **fixed):
        grid = {
            "data.name": ("cifar10", "svhn_cropped", "cifar100"),
            "model": models,
            "optimizer.name": ("sgd", "adam"),
        }
        return all_settings.product(config, grid, fixed=fixed)

    return cells(CONVOLUTIONAL) + cells(FLAT, **PLATEAU)
