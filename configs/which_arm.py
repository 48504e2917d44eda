r"""What should I use? The arms of this package on one protocol.

This project's own question, not the paper's: after ten rounds of 1,000 new
images, how accurate is each way to begin a round, and what has it cost? Cold
and warm, shrink-perturb in four strengths, its relatives, DASH and the pull to
the first weights. `warm_reset` is `warm` here, where each round has a new
optimizer.

CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, 99 %.

    python -m launch.run --config=which_arm --workdir=runs/which_arm

About 10 million sample passes for one seed.
"""

from ws_keras.configs import base

from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "which_arm"
    config.arms = (
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
        "l2_init-0.0001",
    )
    config.seeds = (0, 1, 2)
    config.rounds.limit = 10
    return config


settings = base.settings
VIEW = view.View(
    paper=("fig2_online", "fig7_shrink_sweep"),
    x=view.SAMPLES,
)
