r"""Figure 8: the grid of shrink and perturb, online.

Claim: noise after the shrink helps both accuracy and time. Shrink 0 and perturb
1 is a cold start, shrink 1 and perturb 0 a warm one. The paper's grid is not
known; cells where no weight is left to learn with stay blank there too.

CIFAR-10, ResNet-18 of width 16, Adam 0.001 (inferred), batch 128, 1,000 new
samples in each round, each trained to 99 %, but no longer than 30 epochs
without an improvement and 100 in all: with both at 0 a round cannot learn.

    python -m launch.run --config=fig8_grid --workdir=runs/fig8

About 450 million sample passes for one seed and all rounds.
"""

from ws_keras.configs import base


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig8_grid"
    shrinks = ("0", "0.2", "0.4", "0.6", "0.8", "1")
    perturbs = ("0", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1", "1")
    config.arms = tuple(
        f"shrink_perturb-{shrink}-{perturb}"
        for shrink in shrinks
        for perturb in perturbs
    )
    config.seeds = (0, 1)
    # A round that cannot learn (both 0) is to end.
    config.train.patience = 30
    config.train.max_epochs = 100
    return config


settings = base.settings
