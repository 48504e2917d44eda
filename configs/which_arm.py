r"""Which arm should I use? The arms of this package on one protocol.

This experiment is not from the paper. It asks how accurate each arm is after
ten rounds of 1,000 new images, and what it costs. It runs all arms with the
constants of their articles. Only `warm_reset` and `rewarm` are left out: they
equal `warm` and `rewarm_reset` here, because each round has a new optimizer.
`hare_tortoise` runs with two decays. The article's decay of 0.999 needs
thousands of steps in a round, and early rounds have hundreds, so that 0.99 runs
as well. The frontier has the arms that no other arm beats with fewer passes.

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, 99 % training
accuracy.

    ws-run --config=which_arm --workdir=runs/which_arm

Cost: about 20 million sample passes for one seed. The first five rounds
(--config.rounds.limit=5) take 0.17 million for warm and 0.24 million for cold,
by the rows of Figure 2, and about 5 million for all arms and one seed.
--config=which_arm_textures does the same on textures, and
--config=which_arm_cifar100 on CIFAR-100 in two rounds.
"""

from ws_keras.configs import base

from ws_keras.report import frontier
from ws_keras.report import view

ARMS = (
    "cold",
    "warm",
    "head_reset",
    "first_layers-3",
    "last_layer-0.4-0.1",
    "shrink_perturb-0.8-0.01",
    "shrink_perturb-0.6-0.01",
    "shrink_perturb-0.4-0.1",
    "shrink_perturb-0.2-0.1",
    "dash-0.3-0.3",
    "fire",
    "norm_reset",
    "soft_rescaling-0.001",
    "rewarm_reset",
    "hare_tortoise",
    "hare_tortoise-10-0.99",
    "weight_averaging",
    "l2_init-0.0001",
    "parseval",
    "distill",
    "redo-0.1",
    "snr-0.99",
    "continual_backprop-0.0001",
)


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "which_arm"
    config.arms = ARMS
    config.seeds = (0, 1, 2)
    config.rounds.limit = 10
    return config


settings = base.settings
VIEW = view.View(
    paper=("fig2_online", "fig7_shrink_sweep"),
    x=view.SAMPLES,
    chart=frontier.chart,
    folds=(frontier.beside("warm", "shrink_perturb 0.4/0.1"),),
)
