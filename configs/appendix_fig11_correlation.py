r"""Appendix, Figure 11: how far a network has moved, against its accuracy.

Claim: warm-started ResNets that generalize well have weights that no longer
correlate with those that their second phase began with; logistic regression
does not behave so.

CIFAR-10, ResNet-18 of width 16 and logistic regression, SGD, half and then all
of the data. Neither data nor runs are stated: the spread comes from learning
rate and batch size of the second phase, as in Figure 3. Pearson's correlation
over all trained weights.

    python -m launch.run --config=appendix_fig11_correlation \
        --workdir=runs/fig11

About 120 million sample passes for one seed.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings

MODELS = {
    "resnet18": {"model.name": "resnet18"},
    # It may never get to 99 %.
    "logistic": {
        "model.name": "logistic",
        "train.patience": 10,
        "train.min_delta": 0.001,
    },
}


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_fig11_correlation"
    config.arms = ("warm",)
    config.seeds = (0, 1)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.diagnostics.measures = ("weight_correlation",)
    config.train.max_epochs = 1000
    config.train.expected_epochs.update({"cold": 100, "warm": 100})
    return config


def settings(config):
    """Returns the second phases, for each network."""
    return all_settings.product(
        config,
        {
            "model": MODELS,
            "second.learning_rate": (0.001, 0.01, 0.1),
            "second.batch_size": (16, 32, 64, 128),
        },
    )
