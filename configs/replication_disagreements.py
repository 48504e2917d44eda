r"""Which difference makes the replication's gap smaller than the paper's?

Claim: warm starts end below cold ones with each difference. The replication's
ResNet with Adam has a gap of 1.3 points on CIFAR-10, the paper's 3.6. The two
differ in the network, the data that accuracies are measured on, the state that
warm starts keep, and in the mode of the network while it is measured.

Protocol: CIFAR-10, Adam 0.001, batch 128, half and then all of 6,000 images;
cold and warm; three seeds. Each setting changes one choice of the paper's
protocol to that of the replication, and the last setting changes all of them:

    width-64          64 to 512 channels, in place of 16 to 128
    network           the same with a max-pool behind the stem and
                      convolutions that start normal
    official_test     measured on the official test set, and fitted on a
                      random part of all training images
    keep_statistics   batch norm's moments are kept from half to all
    keep_optimizer    Adam's moments are kept from half to all
    clean             training accuracy by a second pass
    replication       all of these

In each setting accuracy is measured three times: as usual, with moments
measured anew on training samples, and in training mode, by the moments of each
batch of held-out samples, as in the replication's Table 1.

    ws-run --config=replication_disagreements --workdir=runs/disagreements \
        --settings='seed0$'

Cost: about 2.3 million sample passes for one seed. Three eighths of them are
those of the wide networks, which take 16 times as long for an image, or 4 times
with the max-pool.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import ablation
from ws_keras.report import claims
from ws_keras.report import view

_NETWORK = {
    "model.width": 64,
    "model.max_pool": True,
    "model.initializer": "kaiming",
}
# What is as in the replication, by name.
CHOICES = {
    "official_test": {"data.split": "official_test"},
    "keep_statistics": {"transform.statistics": "keep"},
    "keep_optimizer": {"transform.optimizer": "keep"},
    "clean": {"train.measured": "clean"},
    "network": _NETWORK,
    "width-64": {"model.width": 64},
}
CHOICES["replication"] = {
    field: value for one in CHOICES.values() for field, value in one.items()
}


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "replication_disagreements"
    config.arms = ("cold", "warm")
    config.seeds = (0, 1, 2)
    config.data.samples = 6000
    config.rounds.protocol = "two_phase"
    config.diagnostics.shrunk = (1.0,)
    config.diagnostics.training_mode = True
    return config


def settings(config):
    """Returns the paper's protocol and each choice, for each arm and seed."""
    found = all_settings.product(config)
    return found + all_settings.product(config, {"choice": CHOICES})


VIEW = view.View(
    claims=(claims.cold_above("warm"),),
    folds=(ablation.fold("choice"),),
    note="Each choice is compared with the paper's protocol of the same seed.",
)
