r"""Hare & Tortoise's warm start: a tenth with wrong labels, then the rest.

Claim: a network that goes back to a slow copy of its weights ends above a warm
start, with and without augmentation (Lee et al., ICML 2024, arXiv 2406.02596).
The package has no numbers of this article, so that only the order is tested.

Protocol: CIFAR-10, ResNet-18 of width 64 without max-pool, official test set.
The first stage is a tenth of the images, half of them with a label of another
class; the second is the other nine tenths with their own labels. AdamW 0.001
with decay 0.001, norm of the gradient at most 0.5, a linear rise of the
learning rate over the first tenth of each stage, 100 epochs in each; batch 256
(inferred). Cold is trained on the second stage alone. Augmentation is that of
the replication of the first paper: crops, flips, color and small rotations.

    ws-run --config=hare_tortoise_protocol --workdir=runs/hare

The slow copy acts in both stages. Methods that change weights act only in the
second. Shrink-perturb draws fresh noise, where the authors return to the first
weights. For a CPU, add --config.data.samples=5000 --config.model.width=8
--config.train.epochs=20 --config.train.batch_size=64
--config.arms=cold,warm,hare_tortoise-10-0.99. The
decay is smaller there, because an average over a thousand steps needs several
thousand steps.

Cost: 5 million sample passes of the wide network for each arm, seed and
augmentation.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "hare_tortoise_protocol"
    config.arms = (
        "cold",
        "warm",
        "shrink_perturb-0.2-0.8",
        "head_reset",
        "weight_averaging-0.999",
        "hare_tortoise-10-0.999",
    )
    config.data.split = "official_test"
    config.data.normalization = "channel"
    config.data.label_noise = 0.5
    config.rounds.protocol = "two_parts"
    config.rounds.fraction = 0.1
    config.model.width = 64
    config.optimizer.weight_decay = 0.001
    config.optimizer.clip_norm = 0.5
    config.optimizer.warm_up = 0.1
    config.train.batch_size = 256
    config.train.epochs = 100
    # All arms that change weights end the first stage with the same network.
    config.transform.first_round = False
    config.transform.statistics = "keep"
    return config


def settings(config):
    """Returns both ways, for each arm and seed."""
    names = ("none", "standard")
    return all_settings.product(config, {"data.augmentation": names})


def _slow_leads(run):
    """The slow copy above the warm start, in each way."""
    for arm in run.settled("hare_tortoise"):
        for warm in run.settled("warm"):
            if warm.cell == arm.cell:
                way = arm.labels["data.augmentation"]
                text = f"hare and tortoise end above warm, augmentation {way}"
                yield claims.above(text, arm.final(), warm.final())


VIEW = view.View(
    title="Hare & Tortoise's warm start",
    claims=(_slow_leads,),
)
