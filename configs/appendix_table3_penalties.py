r"""Appendix, Table 3: penalties in both phases.

Claim: an L2 penalty, adversarial training and a confidence penalty, each in
four strengths, help a little and leave the gap: cold is ahead of warm in all
twelve columns.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001 (inferred), batch 128, half
and then all of the data, 99 % training accuracy. Neither form nor unit of the
penalties is known: L2 is weight / 2 times the sum of squares, the confidence
penalty subtracts weight times the entropy from the loss (Pereyra et al.), and
adversarial training moves images along the sign of the gradient, by weight
times the range of the pixels, and gives them half of the loss (Goodfellow et
al.).

    ws-run --config=appendix_table3_penalties \
        --workdir=runs/table3 --settings='l2-0.1'

The paper's numbers, percent, cold and warm:

    weight           0.1            0.01           0.001          0.0001
    L2               72.7   63.9    55.4   51.2    54.6   50.5    55.1   50.4
    adversarial      54.8   52.4    55.1   52.6    55.3   52.7    55.6   50.4
    confidence       53.1   50.3    55.8   50.0    55.4   51.2    55.9   49.3

Cost: about 13 million sample passes for each column and seed; adversarial
training takes three times as long.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_table3_penalties"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.max_epochs = 1000
    return config


def settings(config):
    """Returns the columns of the table, for each arm and seed."""
    return all_settings.product(
        config,
        {
            "penalty.name": ("l2", "adversarial", "confidence"),
            "penalty.weight": (0.1, 0.01, 0.001, 0.0001),
        },
    )


VIEW = view.View(
    paper=("appendix_table3_penalties",),
    cell=("dataset", "model", "optimizer", "penalty.name"),
    x="penalty.weight",
    chart=charts.over,
    claims=(claims.cold_above("warm"),),
)
