r"""When does warm-starting hurt? Six factors at two levels, on textures.

This experiment is not from the paper. It asks whether re-warming, a fresh
optimizer, weight decay, batch norm, augmentation and training beyond 99 %
change how far a warm start ends below a cold one, and how much shrink-perturb
gains.

The 16 cells are a regular fraction 2^(6-2) of resolution IV. With A re-warming,
B the optimizer, C weight decay and D the norm, the generators are augmentation
= ABC and beyond = BCD. Main effects are therefore confounded neither with each
other nor with interactions of two factors. These interactions are confounded
with one another.

Training uses half of 600 images, then all of them. The network is that of the
quickstart with max-pool, trained by Adam 0.002 with batches of 64. A cold start
trains on all images at once. A round ends when 99 % of its images are
classified correctly in a clean pass (without augmentation, batch norm in
inference mode). All cells therefore match in training accuracy. They differ in
training loss, which is reported. At one level of the last factor, ten epochs
follow. The report counts rounds that miss 99 % within 80 epochs. Re-warming is
a linear rise of the learning rate over the first 3 epochs of each round, also
of a cold start.
Weight decay (AdamW, of all weights) removes 0.04 % of each weight per step, a
fifth in 560 steps. Augmentation shifts an image by up to a pixel, because a
flip would change the class of a texture. A cold start always has a new
optimizer.

    ws-run --config=factorial --workdir=runs/factorial

1.7 million sample passes for one seed, by its rows. On 2,000 images of
CIFAR-10, with --config.data.name=cifar10 --config.data.samples=2000
--config.train.max_epochs=150, 13 million.
"""

from ws_keras.configs import base
from ws_keras.configs import quickstart

from ws_keras import settings as all_settings
from ws_keras.report import factors
from ws_keras.report import view

# Factor to its levels, and each to the fields of a config.
GRID = {
    "re-warming": {"level": {}, "3 epochs": {"optimizer.warm_up": 0.0375}},
    "optimizer state": {
        "kept": {"transform.optimizer": "keep"},
        "reset": {"transform.optimizer": "reset"},
    },
    "weight decay": {
        "no decay": {},
        "decay 0.2": {"optimizer.weight_decay": 0.2},
    },
    "norm": {
        "no norm": {"model.norm": "none"},
        "batch norm": {"model.norm": "batch"},
    },
    "augmentation": {
        "as they are": {},
        "shifted": {"data.augmentation": "shift"},
    },
    "beyond 99 %": {
        "stop": {},
        "10 epochs": {"train.extra_epochs": 10},
    },
}
FACTORS = {name: tuple(levels) for name, levels in GRID.items()}


def get_config():
    """Returns the config of this experiment."""
    config = quickstart.get_config()
    config.experiment = "factorial"
    config.arms = ("cold", "warm", "shrink_perturb-0.4-0.1")
    config.seeds = (0, 1)
    config.data.samples = 600
    config.rounds.protocol = "two_phase"
    config.rounds.limit = None
    config.model.max_pool = True
    config.optimizer.learning_rate = 0.002
    # All arms end the first round with the same network.
    config.transform.first_round = False
    config.train.measured = "clean"
    config.train.max_epochs = 80
    config.train.expected_epochs.update(
        {"cold": 45, "warm": 34, "shrink_perturb": 45}
    )
    config.train.monitor_samples = 0
    return config


def is_in_fraction(labels) -> bool:
    """Returns whether a cell of the full factorial is one of the fraction."""
    a, b, c, d, e, f = (
        1 if labels[name] == levels[1] else -1
        for name, levels in FACTORS.items()
    )
    return e == a * b * c and f == b * c * d


def settings(config):
    """Returns the 16 cells for each arm, seed by seed."""
    found = []
    for arm in config.arms:
        fixed = base.ONE_PHASE if arm == "cold" else {}
        found += all_settings.product(config, GRID, (arm,), fixed)
    some = [s for s in found if is_in_fraction(dict(s.labels))]
    return sorted(some, key=lambda setting: setting.seed)


VIEW = view.View(
    title="When does warm-starting hurt?",
    chart=factors.chart(FACTORS),
    table=factors.table(FACTORS),
    folds=(factors.matched(FACTORS),),
    answer=factors.sentences(FACTORS),
)
