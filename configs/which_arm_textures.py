"""Which start is best on textures? All arms of the package, no download.

Four rounds of 500 new images and the quickstart's residual network, five seeds.
The report shows accuracy after the last round against the cost of all rounds,
and the frontier: the arms that no other arm beats with fewer sample passes. The
methods use the constants of their articles, which were chosen for other
networks and data.

    ws-run --config=which_arm_textures --workdir=runs/textures

About 1.6 million sample passes for one seed.
"""

from ws_keras.configs import base
from ws_keras.configs import quickstart
from ws_keras.configs import which_arm

from ws_keras.report import frontier
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = quickstart.get_config()
    config.experiment = "which_arm_textures"
    config.arms = which_arm.ARMS
    config.rounds.limit = 4
    return config


settings = base.settings
VIEW = view.View(
    title="Which start is best on textures?",
    x=view.SAMPLES,
    chart=frontier.chart,
    folds=(frontier.beside("warm", "shrink_perturb 0.4/0.1"),),
)
