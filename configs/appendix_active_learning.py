"""Appendix: batch active learning.

Claim: warm starts also hurt where the model itself chooses the samples that are
labelled next: random (cold) ends above warm. As far as we know, the paper's
text does not say that shrink-perturb helps here.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128. Each round
chooses 1,000 samples by the margin between the two largest probabilities (as
the paper), by entropy, by BADGE's gradients or at random, and trains to 99 %
training accuracy.

    pip install 'ws_keras[active]'  # BADGE takes k-means++ from scikit-learn
    ws-run --config=appendix_active_learning --workdir=runs/active

Cost: as much as Figure 2 for each way of choosing: 29 million sample passes for
one seed, and one forward pass over the unlabelled samples in each round.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_active_learning"
    config.arms = ("cold", "warm", "shrink_perturb-0.4-0.1")
    config.seeds = (0, 1, 2)
    config.rounds.protocol = "active"
    return config


def settings(config):
    """Returns the ways of choosing, for each arm and seed."""
    names = ("margin", "random", "entropy", "badge")
    return all_settings.product(config, {"rounds.acquisition": names})


VIEW = view.View(
    x=view.SAMPLES,
    claims=(claims.cold_above("warm"),),
)
