r"""Figure 9: pre-training on another data set, over the fraction of the target.

Claim: shrink-perturb (0.3, 0.0001) is no worse than a warm start where
pre-training pays and no worse than a cold one where it does not.

Protocol: the six pairs of CIFAR-10, CIFAR-100 and SVHN; ResNet-18 of width 16,
Adam 0.001 (inferred), batch 128, 99 % training accuracy. First all of the
source, then a fraction of the target; the last layer is drawn anew where the
classes differ. With all of the target the paper has, for its pairs:

    percent                   cold    warm    shrink-perturb
    CIFAR-10 to SVHN          93.2    93.0    94.0
    CIFAR-10 to CIFAR-100     48.1    45.5    50.4
    SVHN to CIFAR-10          79.7    74.5    79.1
    SVHN to CIFAR-100         48.0    39.8    47.0
    CIFAR-100 to CIFAR-10     79.7    79.2    82.1
    CIFAR-100 to SVHN         93.1    92.2    93.5

One pair, with the cold starts on its target:

    ws-run --config=fig9_transfer --workdir=runs/fig9 \
        --settings='/(cifar100-)?cifar10-[^-]*/'

Cost: about 22 million sample passes for that pair and one seed; 144 million for
all six pairs. The source is learned anew for each fraction and arm.
"""

import dataclasses

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig9_transfer"
    config.arms = ("warm", "shrink_perturb-0.3-0.0001")
    config.seeds = (0, 1)
    config.rounds.protocol = "transfer"
    # The source is learned as usual.
    config.transform.first_round = False
    # The setting says from where; see `settings`.
    config.data.source = "cifar100"
    return config


FRACTIONS = (0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.18, 0.3, 0.5, 0.7, 0.9, 1.0)
NAMES = ("cifar10", "svhn_cropped", "cifar100")


def settings(config):
    """Returns the pairs, and the cold runs on each target."""
    fractions = {"rounds.fraction": FRACTIONS}
    cold = {"rounds.protocol": "one_phase", "data.source": None}
    found = all_settings.product(
        config, {"data.name": NAMES} | fractions, ("cold",), cold
    )
    for target in NAMES:
        grid = {
            "data.source": tuple(name for name in NAMES if name != target),
            "data.name": (target,),
            **fractions,
        }
        found += all_settings.product(config, grid)
    return found


_MARGIN = 1.0  # points
_WIDE_MARGIN = 2.0  # where the paper's own curve falls short
_WIDE = ("svhn_cropped", "cifar100")


def _beside_each_source(rows):
    """Returns rows with cold starts, which know no source, beside each."""
    sources = {
        (row.labels["data.source"], row.dataset)
        for row in rows
        if "data.source" in row.labels and row.last
    }
    found = []
    for row in rows:
        beside = [s for s, target in sorted(sources) if target == row.dataset]
        if "data.source" in row.labels or not beside:
            found.append(row)
            continue
        for source in beside:
            labels = {"data.source": source, **row.labels}
            found.append(dataclasses.replace(row, labels=labels))
    return found


def _no_worse(run):
    pairs = {}
    for arm in run.settled("shrink_perturb"):
        pair = (str(arm.labels.get("data.source")), arm.cell.dataset)
        pairs.setdefault(pair, []).append(arm)
    for pair, arms in pairs.items():
        margin = _WIDE_MARGIN if pair == _WIDE else _MARGIN
        warm = {arm.cell: arm.final() for arm in run.settled("warm")}
        yield from claims.every(
            f"shrink-perturb is at most {margin:g} points below the better of "
            f"cold and warm at every fraction: {' to '.join(pair)}",
            [
                claims.above(
                    f"at {run.x_of(arm) or 1:g} {name}", ours, other, -margin
                )
                for arm in arms
                for ours in [arm.final()]
                for name, other in (
                    ("warm", warm.get(arm.cell, {})),
                    ("cold", arm.cold_final()),
                )
                if other
            ],
        )


VIEW = view.View(
    paper=("fig9_transfer",),
    cell=("data.source", "dataset", "model", "optimizer"),
    x="rounds.fraction",
    rows=_beside_each_source,
    chart=charts.over,
    claims=(_no_worse,),
)
