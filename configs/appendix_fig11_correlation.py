"""Appendix, Figure 11: how far a network has moved, against its accuracy.

Claim: warm-started ResNets that generalize well have weights that no longer
correlate with the weights at the start of their second phase. This is not so
for logistic regression.

Protocol: CIFAR-10, ResNet-18 of width 16 and logistic regression, SGD, half and
then all of the data. The paper states neither data nor runs: here the runs
differ in the learning rate and batch size of the second phase, as in Figure 3.
The measure is Pearson's correlation over all trainable weights.

    ws-run --config=appendix_fig11_correlation --workdir=runs/fig11

Cost: about 120 million sample passes for one seed.
"""

import math

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import formatting
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import tables
from ws_keras.report import view

MODELS = {
    "resnet18": {"model.name": "resnet18"},
    # It may never get to 99 %.
    "logistic": {
        "model.name": "logistic",
        "train.patience": 10,
        "train.min_delta": 0.001,
    },
}


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_fig11_correlation"
    config.arms = ("warm",)
    config.seeds = (0, 1)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.diagnostics.measures = ("weight_correlation",)
    config.train.max_epochs = 1000
    config.train.expected_epochs.update({"cold": 100, "warm": 100})
    return config


def settings(config):
    """Returns the second phases, for each network."""
    return all_settings.product(
        config,
        {
            "model": MODELS,
            "second.learning_rate": (0.001, 0.01, 0.1),
            "second.batch_size": (16, 32, 64, 128),
        },
    )


_MEASURE = "weight_correlation"
_LABEL = "Correlation of weights before and after"
_NEAR_ZERO = 0.2


def _pairs(arms):
    found = []
    for arm in arms:
        moved, accuracy = arm.final(_MEASURE), arm.final()
        found += [(moved[seed], accuracy[seed]) for seed in moved]
    return [pair for pair in found if pair[0] == pair[0]]


def _correlated(pairs):
    return statistics.correlate(*zip(*pairs, strict=True))


def _by_model(some):
    found = {}
    for arm in some:
        found.setdefault((arm.cell.model, arm.kind), []).append(arm)
    pairs = {key: _pairs(arms) for key, arms in found.items()}
    return {key: known for key, known in pairs.items() if known}


def _chart(run):
    found = [
        (model, kind, [(*pair, math.nan) for pair in pairs])
        for (model, kind), pairs in _by_model(run.arms).items()
    ]
    title = "Weights that stay near their start, and accuracy"
    return charts.scatter(run, found, _LABEL, title)


def _table(run):
    header = ("model", "arm", "Pearson", "95 % interval", "Spearman", "runs")
    lines = []
    for (model, kind), pairs in _by_model(run.arms).items():
        found = _correlated(pairs)
        pearson, spearman = (
            sections.Number(value, decimals=2, is_signed=True)
            for value in (found.pearson, found.spearman)
        )
        ends = None
        if not math.isnan(found.low):
            ends = sections.Interval(found.low, found.high, 2)
        lines.append((model, kind, pearson, ends, spearman, found.count))
    note = (
        "Over finished runs, each one seed of one setting; the interval is "
        "Fisher's, which takes runs as independent of each other."
    )
    return sections.Table("", header, tuple(lines), note)


def _all(run):
    return [sections.Fold("Last rounds", (tables.arms(run),))]


def _claims(run):
    kinds = claims.Answer
    for (model, kind), pairs in _by_model(run.settled("warm")).items():
        found = _correlated(pairs)
        signed = formatting.signed(found.pearson, 2)
        because = f"Pearson {signed}, n = {found.count}"
        is_below, is_above = found.high < 0, found.low > 0
        if model == "logistic":
            claim = "accuracy does not fall with correlation: logistic"
            # An interval around zero shows no relation, and no absence of one.
            answer = kinds.FAILS if is_below else kinds.INCONCLUSIVE
            answer = kinds.HOLDS if is_above else answer
            yield claims.Result(claim, answer, because)
            continue
        claim = f"accuracy falls with correlation: {model}, {kind}"
        answer = kinds.HOLDS if is_below else kinds.INCONCLUSIVE
        answer = kinds.FAILS if is_above else answer
        yield claims.Result(claim, answer, because)
        moved, accuracy = max(pairs, key=lambda pair: pair[1])
        near = abs(moved) <= _NEAR_ZERO
        answer = kinds.HOLDS if near else kinds.FAILS
        yield claims.Result(
            f"the best warm run has forgotten its start: {model}",
            answer if len(pairs) > 3 else kinds.INCONCLUSIVE,
            f"correlation {formatting.signed(moved, 2)} at {accuracy:.1f} %, "
            f"best of n = {len(pairs)}",
        )


VIEW = view.View(
    chart=_chart,
    table=_table,
    folds=(_all,),
    claims=(_claims,),
)
