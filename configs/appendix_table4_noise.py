"""Appendix, Table 4: noise without shrinking.

Claim: noise alone improves a warm start, but leaves it below a cold one, and
the noise that generalizes best takes longer than training from scratch. The
paper has 54.4, 53.5, 52.9, 49.9 and 50.8 % for noise of 0.01, 0.001, 0.0001,
0.00001 and 0, at 4.9, 1.1, 0.49, 0.43 and 0.40 times cold's time, and 55.2 %
for cold.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001 (inferred), batch 128, half
and then all of the data, 99 % training accuracy. The caption speaks of standard
deviations, so the noise is Gaussian with one scale for all weights.

    ws-run --config=appendix_table4_noise --workdir=runs/table4

Cost: about 35 million sample passes for one seed if all noise takes the epochs
of a warm start. By the paper's times, noise of 0.01 alone takes 39 million.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_table4_noise"
    config.arms = (
        "cold",
        "warm",
        "shrink_perturb-1-1e-5",
        "shrink_perturb-1-1e-4",
        "shrink_perturb-1-1e-3",
        "shrink_perturb-1-1e-2",
    )
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.transform.noise = "gaussian"
    # The noise is that of the second phase.
    config.transform.first_round = False
    config.train.max_epochs = 1000
    return config


settings = base.settings
# More and less noise; the accuracies of the two least are not ordered.
_NOISY = ("warm", "shrink_perturb")
VIEW = view.View(
    paper=("appendix_table4_noise",),
    cost="minutes",
    claims=(
        claims.cold_above(*_NOISY),
        claims.ordered(*_NOISY, by="perturb", values=(1e-5, 1e-4, 1e-3, 1e-2)),
        claims.ordered(*_NOISY, by="perturb", values=(0.0, 1e-4)),
        claims.ordered(
            *_NOISY,
            by="perturb",
            values=(0.0, 1e-5, 1e-4, 1e-3, 1e-2),
            field="steps",
        ),
        claims.dearer_than_cold("shrink_perturb", perturb=1e-3),
        claims.dearer_than_cold("shrink_perturb", perturb=1e-2),
    ),
    note="The deviation 91.0 of 14.6 minutes is probably a misprint.",
)
