r"""FIRE's warm start: a tenth of CIFAR-10, then all of it, in equal steps.

Claim: FIRE ends above a warm start and above the other ways to begin, and near
or above a full reset (FIRE, arXiv 2602.08040). Its numbers appear only in a
figure, so that only the order is tested.

Protocol: CIFAR-10, ResNet-18 of width 64 without max-pool, official test set;
Adam 0.001, batch 256, norm of the gradient at most 0.5, a linear rise of the
learning rate over the first tenth of each stage. Both stages have as many steps
as the article's 100 epochs of all data: the first has 1,000 epochs of its
tenth. ReDo, self-normalized resets and continual backprop act in the
second stage.

    ws-run --config=fire_protocol --workdir=runs/fire

Three things differ from the article. Shrink-perturb draws fresh noise, where
the authors mix 0.2 of the old weights with 0.8 of the first ones. Muon is left
out, because it is an optimizer and not a start. The classes of the tenth are
not balanced. For a CPU, add --config.data.samples=5000 --config.model.width=16
--config.train.epochs=10 --config.train.first_epochs=100.

Cost: 10 million sample passes of the wide network for each arm and seed.
"""

from ws_keras.configs import base

from ws_keras.report import claims
from ws_keras.report import view

SCALE = 100  # epochs of all data, in each stage
FRACTION = 0.1


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fire_protocol"
    config.arms = (
        "cold",
        "warm",
        "shrink_perturb-0.2-0.8",
        "dash-0.3-0.05",
        "fire",
        "parseval-0.001",
        "l2_init-0.001",
        "redo-0.5",
        "snr-0.99",
        "continual_backprop-0.0001-1000",
    )
    config.seeds = (0, 1, 2)
    config.data.split = "official_test"
    config.data.normalization = "channel"
    config.rounds.protocol = "two_phase"
    config.rounds.fraction = FRACTION
    config.model.width = 64
    config.optimizer.clip_norm = 0.5
    config.optimizer.warm_up = 0.1
    config.train.batch_size = 256
    config.train.epochs = SCALE
    config.train.first_epochs = round(SCALE / FRACTION)
    # All arms end the first stage with the same network.
    config.transform.first_round = False
    config.transform.norms = "keep"
    config.transform.statistics = "keep"
    return config


settings = base.settings


def _fire_leads(run):
    """FIRE above each other arm but the full reset."""
    for fire in run.settled("fire"):
        for arm in run.settled():
            if arm.kind not in ("fire", "cold"):
                text = f"FIRE ends above {claims.named(arm)}"
                yield claims.above(text, fire.final(), arm.final())


VIEW = view.View(
    title="FIRE's warm start",
    claims=(claims.not_below_cold("fire", margin=1.0), _fire_leads),
)
