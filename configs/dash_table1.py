"""DASH, Table 1: 50 chunks of data that add up.

Claim: in the last round DASH is more accurate than shrink-perturb, which is
more accurate than cold, and cold than warm (84.1, 81.3, 67.3 and 63.5 % on
CIFAR-10 with SGD); warm takes the fewest steps. Resetting the momentum,
resetting the last layer, and pulling the weights to the first ones do not help.

Protocol: CIFAR-10 in 50 chunks, ResNet-18 of width 64 with max-pool at 0.001,
MLP at 0.01; SGD with momentum 0.9, batch 128, 99.9 % training accuracy,
official test set. The optimizer's state and batch norm's statistics are kept
from chunk to chunk. Shrink-perturb uses Gaussian noise, and leaves gamma and
beta unchanged. The table also has rows for SAM (cold 75.68, warm 70.99,
shrink-perturb 85.53, DASH 86.75). This package does not have that optimizer.

    ws-run --config=dash_table1 --workdir=runs/dash

Cost: about 19 million sample passes of the wide network for the cold arm and
one seed, and 4 million for the warm one.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "dash_table1"
    config.arms = (
        "cold",
        "warm",
        "warm_reset",
        "head_reset",
        "l2_init-0.01",
        "shrink_perturb-0.3-0.01",
        "dash-0.3-0.3",
    )
    config.data.split = "official_test"
    config.data.normalization = "channel"
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.9
    config.model.width = 64
    config.model.max_pool = True
    config.transform.noise = "gaussian"
    config.transform.first_round = False
    config.transform.norms = "keep"
    config.transform.statistics = "keep"
    config.transform.optimizer = "keep"
    config.train.threshold = 0.999
    config.train.expected_epochs.update(
        {"cold": 15, "warm": 3, "shrink_perturb": 15}
    )
    return config


MODELS = {
    "resnet18": {"model.name": "resnet18"},
    "mlp": {
        "model.name": "mlp",
        "model.depth": 2,
        "data.normalization": "half",
        "optimizer.learning_rate": 0.01,
        # By our rows of five chunks.
        "train.expected_epochs.cold": 50,
        "train.expected_epochs.warm": 20,
        "train.expected_epochs.shrink_perturb": 39,
    },
}


def settings(config):
    """Returns both networks, for each arm and seed."""
    return all_settings.product(config, {"model": MODELS})


_ORDER = ("dash", "shrink_perturb", "cold", "warm")
_NO_HELP = ("warm_reset", "head_reset", "l2_init")
_SAME = 1e-9  # no higher is no difference, too


def _ranking(run):
    for model in dict.fromkeys(arm.cell.model for arm in run.arms):
        at = {arm.kind: arm for arm in run.settled(model=model)}
        pairs = list(zip(_ORDER, _ORDER[1:], strict=False))
        for better, worse in pairs:
            if better in at and worse in at:
                claim = f"{better} ends above {worse}, {model}"
                yield claims.above(claim, at[better].final(), at[worse].final())
        for kind in _NO_HELP:
            if kind in at and "cold" in at:
                claim = f"{kind} ends no higher than cold, {model}"
                ends = at["cold"].final(), at[kind].final()
                yield claims.above(claim, *ends, -_SAME)
        dearer = [k for k in _ORDER[:3] if k in at and "warm" in at]
        yield from claims.every(
            f"warm has the fewest steps, {model}",
            [
                claims.above(
                    kind,
                    at[kind].final("steps"),
                    at["warm"].final("steps"),
                    unit="steps",
                )
                for kind in dearer
            ],
        )


def _beside(run):
    """Returns steps and means over the chunks beside DASH's."""
    header, lines = ["model", "arm"], []
    measures = ("steps", "mean_accuracy", "mean_steps")
    for measure in measures:
        header += [measure.replace("_", " "), "DASH's", "comparison"]
    for arm in run.arms:
        line = [arm.cell.model, arm.name]
        for measure in measures:
            ours = _measured(arm, measure)
            number = run.number(arm, measure=measure)
            decimals = 1 if measure.endswith("accuracy") else 0
            line += [
                formatting.mean(ours, decimals),
                number and number.cell_of_table(decimals),
                comparison.of_arm(run, arm, number, ours),
            ]
        lines.append(tuple(line))
    note = "Of the last chunk, and means over the chunks."
    table = sections.Table("", tuple(header), tuple(lines), note)
    return [sections.Fold("Steps and means over the chunks", (table,))]


def _measured(arm, measure):
    if measure == "steps":
        return arm.summary("steps")
    field = measure.removeprefix("mean_")
    return statistics.summarize(
        statistics.summarize(getattr(row, field) for row in found).mean
        for found in arm.runs.finished.values()
    )


VIEW = view.View(
    paper=("dash_table1",),
    chart=charts.curve,
    claims=(_ranking,),
    folds=(_beside,),
    note="What the columns of DASH's table mean is inferred.",
)
