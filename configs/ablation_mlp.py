r"""Which choice moves the numbers of Table 1's multilayer perceptron?

Claim: none of the choices that the paper leaves open changes a cold start by
more than a point. Then the network explains the level of Table 1's multilayer
perceptron with Adam (41.8 % here with three layers of tanh after a cold start,
46.3 % with two of rectifiers, 39.4 % in the paper).

Protocol: CIFAR-10, three hidden layers of 100 units with tanh, Adam 0.001,
batch 128, half and then all of 33,333 images; cold and warm; three seeds. Each
setting changes one choice of Table 1:

    no_plateau              a round ends at 99 % training accuracy alone, or
                            after 1,000 epochs, in place of after 10 epochs
                            without a gain of 0.1 point
    clean                   training accuracy measured in a pass after the
                            epoch, in place of that counted during the epoch
    epsilon-1e-7            Adam's epsilon, in place of 1e-8: Keras' default
    pixels-channel          pixels of mean 0 and deviation 1 for each channel,
                            in place of [-1, 1]: the replication's choice
    initializer-keras       weights as Keras draws them, in place of PyTorch's
    split-40000             a fifth is held out, in place of a third, and so
                            40,000 images are fitted in place of 33,333

    ws-run --config=ablation_mlp --workdir=runs/ablation_mlp

For the network of the authors' code, with two layers of rectifiers:

    ws-run --config=ablation_mlp --config.model.depth=2 \
        --config.model.activation=relu --workdir=runs/ablation_relu

Cost: about 80 million sample passes for one seed of all choices.
"""

from ws_keras.configs import base
from ws_keras.configs import table1_two_phase as table1

from ws_keras import settings as all_settings
from ws_keras.report import ablation
from ws_keras.report import view

# The fields that differ from Table 1, by the name of the choice.
CHOICES = {
    "no_plateau": {
        "train.patience": None,
        "train.max_epochs": 1000,
        "train.expected_epochs.cold": 238,  # of our rows
    },
    "clean": {"train.measured": "clean"},
    "epsilon-1e-7": {"optimizer.epsilon": 1e-7},
    "pixels-channel": {"data.normalization": "channel"},
    "initializer-keras": {"model.initializer": "keras"},
    "split-40000": {"data.held_out": 0.2},
}


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "ablation_mlp"
    config.arms = ("cold", "warm")
    config.seeds = (0, 1, 2)
    config.rounds.protocol = "two_phase"
    config.update_from_flattened_dict(
        {**table1.MODELS["mlp_tanh"], **table1.PLATEAU}
    )
    cold, warm = table1.EPOCHS["mlp_tanh", "adam"]
    config.train.expected_epochs.update({"cold": cold, "warm": warm})
    return config


def settings(config):
    """Returns Table 1's protocol and each choice, for each arm and seed."""
    return [
        *all_settings.product(config),
        *all_settings.product(config, {"choice": CHOICES}),
    ]


VIEW = view.View(
    claims=(ablation.alike("choice"),),
    folds=(ablation.fold("choice"),),
    note="Each choice is compared with Table 1's protocol of the same seed.",
)
