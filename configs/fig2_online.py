r"""Figure 2: online learning, 1,000 new samples in each round.

CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, each round trained to
99 % on all samples so far. The paper's random (cold) and warm start, and the
shrink-perturb of its section 5.

    python -m launch.run --config=configs/fig2_online.py --workdir=runs/fig2

All 34 rounds are about 10 million sample passes per cold setting. The first
five: --config.rounds.limit=5
"""

from ws_keras.configs import base


def get_config():
    """Returns the config of Figure 2."""
    config = base.get_config()
    config.experiment = "fig2_online"
    config.arms = (
        "cold",
        "warm",
        "shrink_perturb-0.6-0.01",
        "shrink_perturb-0.4-0.1",
    )
    return config


settings = base.settings
