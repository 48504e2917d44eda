r"""Figure 5: gradient norms of old and of new data over the second phase.

Claim: in a warm-started network the samples that it has not seen give far
larger gradients than those it has (18 times at the start); shrink-perturb
evens them out: 1.6, 1.35, 1.1 and 1.0 for shrink 0.9, 0.7, 0.5 and 0.3.

CIFAR-10, ResNet-18 of width 16, SGD 0.001, batch 128, perturb 0.01 (the
replication's). Half of the data to 99 %, then 52 epochs on all (the paper's
13.6 thousand steps); before each epoch the norms of the gradients of
mini-batches of 2,000 old and 2,000 new samples are averaged. The noise is
Gaussian, as in the paper's formula, which is inferred: with a hundredth of an
initialization the norms of old data stay nearer to those of the warm start than
in the figure (docs/fidelity.md).

    python -m launch.run --config=fig5_gradients --workdir=runs/fig5

About 4.4 million sample passes for each arm and seed, and 4,000 more for each
epoch that is measured. A subset of the images: --config.data.samples=6000
"""

from ws_keras.configs import base


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig5_gradients"
    config.arms = (
        "warm",
        "shrink_perturb-0.9-0.01",
        "shrink_perturb-0.7-0.01",
        "shrink_perturb-0.5-0.01",
        "shrink_perturb-0.3-0.01",
    )
    config.seeds = (0, 1, 2)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.second.epochs = 52
    # All arms end the first phase with the same network.
    config.transform.first_round = False
    config.transform.noise = "gaussian"
    config.diagnostics.measures = ("gradient_norm",)
    return config


settings = base.settings
