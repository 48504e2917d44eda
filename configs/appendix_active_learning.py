r"""Appendix: batch active learning.

Claim: where the model itself chooses the samples that are labelled next, warm
starts hurt as well: random (cold) ends above warm. That shrink-perturb helps
is not in the paper's text as far as it is known.

CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, 1,000 samples chosen in
each round by the margin of the two largest probabilities (the paper's), by
entropy, by BADGE's gradients or at random; each round trained to 99 %.

    pip install 'ws_keras[active]'  # BADGE takes k-means++ from scikit-learn
    python -m launch.run --config=appendix_active_learning --workdir=runs/active

As Figure 2 for each way of choosing, 29 million sample passes for one seed, and
a pass over the rest in each round.
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
