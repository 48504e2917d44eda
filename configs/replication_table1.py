r"""The replication's Table 1: wider networks, and SGD with momentum.

Claim: ResNets on CIFAR-10 and CIFAR-100 have a gap that is smaller than in the
paper (60.3 and 57.8 % with SGD, 80.3 and 79.0 % with Adam). On SVHN the gap is
reversed, except with momentum. The MLP with SGD has none.

Protocol: ResNet-18 of width 64 with a max-pool behind the stem, MLP of three
layers of tanh, logistic regression; SGD, Adam and SGD with momentum 0.9, 0.001,
batch 128; all of the official training set, measured on the official test set.
A phase ends at 99 % training accuracy, after 3 epochs without an improvement of
more than 0.2 points (the replication: when the standard deviation of the last
three training accuracies is below 0.2 points), or after 200 epochs. Training
accuracy is measured by a second pass. The optimizer keeps its state from half
to all.

    ws-run --config=replication_table1 --workdir=runs/repl1 \
        --settings='cifar10-mlp-momentum'

Cost: about 235 million sample passes for one seed of all cells. Choose cells
with --settings: an image takes the wide network four times as long as the
paper's.
"""

import math

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import comparison
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_replication_config()
    config.experiment = "replication_table1"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.model.depth = 3
    config.model.activation = "tanh"
    config.transform.optimizer = "keep"
    config.train.measured = "clean"
    config.train.patience = 3
    config.train.min_delta = 0.002
    config.train.max_epochs = 200
    config.train.expected_epochs.update({"cold": 60, "warm": 30})
    return config


MODELS = {
    "resnet18": {"model.name": "resnet18"},
    "mlp": {"model.name": "mlp"},
    "logistic": {"model.name": "logistic"},
}
OPTIMIZERS = {
    "sgd": {"optimizer.name": "sgd"},
    "adam": {"optimizer.name": "adam"},
    "momentum": {"optimizer.name": "sgd", "optimizer.momentum": 0.9},
}


def settings(config):
    """Returns the cells of the table, for each arm and seed."""
    return all_settings.product(
        config,
        {
            "data.name": ("cifar10", "svhn_cropped", "cifar100"),
            "model": MODELS,
            "optimizer": OPTIMIZERS,
        },
    )


def _direction(run):
    """The direction of the replication's own two numbers."""
    for arm in run.settled("warm"):
        number = run.number(arm)
        cold = number and comparison.cold_number(run, arm, number)
        if not cold:
            continue
        name = ", ".join(filter(None, arm.cell[1:]))
        gap = cold.mean - number.mean
        ends = arm.cold_final(), arm.final()
        if abs(gap) <= 2 * math.hypot(cold.std, number.std) / math.sqrt(5):
            claim = f"cold and warm end alike, within a point: {name}"
            yield claims.alike(claim, *ends, margin=1.0)
        elif gap > 0:
            yield claims.above(f"cold ends above warm: {name}", *ends)
        else:
            yield claims.above(f"warm ends above cold: {name}", *ends[::-1])


VIEW = view.View(
    paper=("replication_table1",),
    claims=(_direction,),
    note=(
        "The deviations are its standard errors times the root of five. The "
        "cells of the MLP with SGD on SVHN are those of its repository at "
        "learning rate 0.001; the article prints 72.7 (1.0) and 67.3 (1.7) at "
        "0.005."
    ),
)
