"""The replication's data augmentation.

Claim: with crops, flips, color jitter and rotations the gap disappears, and so
does the gap between the gradient norms of old and new data. The report tests
whether both become smaller, and whether cold and warm end alike.

Protocol: CIFAR-10, ResNet-18 of width 64 with max-pool, SGD 0.001, batch 128,
350 epochs on half and 350 on all of the data, official test set; with and
without augmentation.

    ws-run --config=replication_augmentation --workdir=runs/aug

Cost: 26 million sample passes of the wide network for each arm and seed.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import gradients
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_replication_config()
    config.experiment = "replication_augmentation"
    config.arms = ("cold", "warm")
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.diagnostics.measures = ("gradient_norm",)
    config.train.epochs = 350
    return config


def settings(config):
    """Returns both ways, for each arm and seed."""
    names = ("none", "standard")
    return all_settings.product(config, {"data.augmentation": names})


def _narrows(run):
    """The gap, and that of the gradient norms of old and new data."""
    name = "data.augmentation"
    warm = {a.labels.get(name): a for a in run.settled("warm")}
    plain = warm.pop("none", None)
    for name, arm in warm.items():
        claim = f"with augmentation {name} cold and warm end alike"
        ends = arm.cold_final(), arm.final()
        yield claims.alike(f"{claim}, within a point", *ends, margin=1.0)
        if plain is None:
            continue
        narrow = f"augmentation {name} narrows the gap"
        yield claims.above(narrow, claims.gap(plain), claims.gap(arm))
        ratios = [gradients.start_ratio(run, a) for a in (plain, arm)]
        if all(ratios):
            yield claims.above(
                f"augmentation {name} brings the gradient norms of new and "
                "old data together (ratio at the start)",
                *ratios,
                unit="",
            )


VIEW = view.View(claims=(_narrows,))
