r"""Figure 2: online learning, 1,000 new samples in each round.

Claim: the gap between random (cold) and warm starts widens with the data, to
12 points after 34 rounds (75.9 and 63.6 %), while the time of a warm round
stays about the same and that of a cold one grows with the data. Shrink-perturb
(section 5) closes the gap.

CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, each round trained to
99 % on all samples so far.

    python -m launch.run --config=fig2_online --workdir=runs/fig2

All 34 rounds are about 11 million sample passes for each cold setting. The
first five: --config.rounds.limit=5
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
