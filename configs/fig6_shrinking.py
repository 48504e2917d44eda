r"""Figure 6: shrinking all weights keeps what a network predicts.

Claim: a residual network with batch norm predicts nearly the same down to a
shrink of 0.1, an MLP without biases exactly the same, an MLP with biases until
about 0.6; only the confidence falls.

As the replication did, whose curves are the ones that are known: all of
CIFAR-10 and its test set, 50 epochs of SGD 0.1, and MLPs of three hidden layers
with rectifiers and with tanh, each with and without biases. ResNet-18 is the
paper's, of width 16. Then copies are shrunk without noise, batch norm measures
its moments anew on 2,000 training samples, and accuracy and entropy are
measured.

    python -m launch.run --config=fig6_shrinking --workdir=runs/fig6

Expected, percent, of the replication:

    shrink                    1      0.8    0.6    0.4    0.2    0.1    0.05
    ResNet-18 of width 64     77.9   77.9   77.9   77.9   78.0   78.0   73.5
    rectifiers, biases        49.3   47.6   36.1   15.7   10.0    9.9    9.9
    rectifiers, no biases     48.0   48.0   48.0   48.0   48.0   48.0   48.0
    tanh, biases              44.2   45.1   45.1   44.1   36.9   25.0   16.5
    tanh, no biases           43.3   43.9   44.3   44.6   43.6   42.7   40.6

2.5 million sample passes for each network and seed.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig6_shrinking"
    config.arms = ("cold",)
    config.seeds = (0, 1, 2)
    config.data.normalization = "cifar10"
    config.data.split = "official_test"
    config.model.depth = 3
    config.rounds.protocol = "one_phase"
    config.rounds.fraction = 1.0
    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 0.1
    config.train.epochs = 50
    config.diagnostics.shrunk = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.0)
    return config


def _mlp(activation, use_bias):
    return {
        "model.name": "mlp",
        "model.activation": activation,
        "model.use_bias": use_bias,
    }


MODELS = {
    "resnet18": {"model.name": "resnet18"},
    "mlp_relu": _mlp("relu", True),
    "mlp_relu_no_bias": _mlp("relu", False),
    "mlp_tanh": _mlp("tanh", True),
    "mlp_tanh_no_bias": _mlp("tanh", False),
}


def settings(config):
    """Returns one setting for each network and seed."""
    return all_settings.product(config, {"model": MODELS})
