"""The replication's two thresholds on SVHN.

Claim: in online learning to 99 % training accuracy there is no gap on SVHN
(92.1 and 91.9 % at the end). At 99.9 % there is one (93.1 and 92.0 %).

Protocol: a random two thirds of SVHN, 1,000 new samples in each round, measured
on the official test set; ResNet-18 of width 64 with max-pool, Adam 0.001, batch
128. Training accuracy is measured by a second pass.

    ws-run --config=replication_svhn_threshold --workdir=runs/svhn

Cost: about 24 million sample passes of the wide network for each cold setting
at 99 %, and three times as many at 99.9 %.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_replication_config()
    config.experiment = "replication_svhn_threshold"
    config.arms = ("cold", "warm")
    config.seeds = (0, 1, 2)
    config.data.name = "svhn_cropped"
    config.data.samples = 48_838
    config.train.measured = "clean"
    return config


# For the estimate of --list: the higher threshold takes three times as long.
EPOCHS = {
    0.99: {},
    0.999: {
        "train.expected_epochs.cold": 57,
        "train.expected_epochs.warm": 30,
    },
}


def settings(config):
    """Returns both thresholds, for each arm and seed."""
    return [
        setting
        for threshold, epochs in EPOCHS.items()
        for setting in all_settings.product(
            config, {"train.threshold": (threshold,)}, fixed=epochs
        )
    ]


_NO_GAP = 0.99  # the threshold at which there is none


def _at_threshold(run):
    for arm in run.settled("warm"):
        threshold = arm.labels.get("train.threshold", _NO_GAP)
        ends = arm.cold_final(), arm.final()
        stop = f"stopping at {threshold:g}"
        if threshold == _NO_GAP:
            claim = f"cold and warm end alike, within a point, {stop}"
            yield claims.alike(claim, *ends, margin=1.0)
        else:
            yield claims.above(f"cold ends above warm, {stop}", *ends)


VIEW = view.View(
    paper=("replication_svhn_threshold",),
    cell=("dataset", "model", "optimizer", "train.threshold"),
    x=view.SAMPLES,
    claims=(_at_threshold,),
)
