"""Figure 4: how little training on half of the data hurts.

Claim: a warm start is damaged even if its first phase was short: from 30 to 40
epochs on, before the held-out accuracy of the first phase peaks. From 120
epochs on it loses 7 per cent of the accuracy.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001 (inferred), batch 128. The
first phase ends after START epochs, from 5 to 350 in steps of 5 as in the
paper; then follow 350 epochs on all the data. The order of the samples depends
only on the epoch, so that each first phase is the beginning of the longest one.

    ws-run --config=fig4_checkpoints --workdir=runs/fig4

Cost: about 1,000 million sample passes for one seed and all 70 starts. A
selection: --settings='/(25|50|75|100|150|200|350)/|cold'
"""

import math

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import charts
from ws_keras.report import claims
from ws_keras.report import columns
from ws_keras.report import comparison
from ws_keras.report import formatting
from ws_keras.report import paper
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "fig4_checkpoints"
    config.arms = ("warm",)
    config.seeds = (0, 1)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.epochs = 350
    return config


def settings(config):
    """Returns the starts, and the cold runs on all the data."""
    starts = {"train.first_epochs": tuple(range(5, 355, 5))}
    return [
        *all_settings.product(config, {}, ("cold",), base.ONE_PHASE),
        *all_settings.product(config, starts),
    ]


_NAME = "fig4_checkpoints"
_HARMLESS = 1.5  # per cent
_EARLY = 25  # epochs
_LATE = 60


def _harm(arm):
    """Returns seed to the difference from cold in per cent of cold."""
    ours, cold = arm.final(), arm.cold_final()
    return {s: 100 * (ours[s] / cold[s] - 1) for s in ours if cold.get(s)}


def _half(arm):
    """Returns the accuracy after the first phase."""
    found = arm.runs.finished.values()
    return statistics.summarize(rounds[0].accuracy for rounds in found)


def _table(run):
    header = ("start epoch", "half-data accuracy %", "accuracy %")
    header += (
        "difference %",
        "95 % interval",
        "seeds",
        "paper %",
        "comparison",
    )
    lines = []
    for arm in run.along_x("warm"):
        harm = _harm(arm)
        number = run.number(arm, measure="difference")
        ours = statistics.summarize(harm.values())
        effect = statistics.level(harm)
        lines.append(
            (
                int(run.x_of(arm)),
                formatting.mean(_half(arm)),
                formatting.mean(arm.summary()),
                formatting.difference(effect, len(arm.runs.finished)),
                formatting.interval(effect),
                columns.seeds(arm.runs),
                number and number.cell_of_table(),
                comparison.of_arm(run, arm, number, ours),
            )
        )
    note = (
        "Mean ± standard error over finished seeds. The difference is that of "
        "the last round to the cold start of the same seed, in per cent of "
        "its accuracy. What was read from a figure has what it is exact to; a "
        "match lies within 2 per cent."
    )
    return sections.Table("", header, tuple(lines), note)


def _chart(run):
    arms = run.along_x("warm")
    panels = []
    for x, y, read, measure in (
        ("Epochs on half of the data", charts.ACCURACY, _half, "half_accuracy"),
        (
            "Epoch from which the second phase starts",
            "Difference from cold (%)",
            lambda arm: statistics.level(_harm(arm)),
            "difference",
        ),
    ):
        points = [(run.x_of(a), read(a).mean, read(a).error) for a in arms]
        theirs = [(n.x, n.mean) for n in paper.of(_NAME, measure)]
        found = charts.known(
            [
                charts.series("warm", "warm", points),
                charts.paper_series("warm", "Fig. 4", theirs),
            ]
        )
        panels.append(sections.Panel(x, y, found))
    return charts.chart(run, "Warm starts from early epochs", panels, "start")


def _claims(run):
    arms = [arm for arm in run.along_x("warm") if run.is_settled(arm)]
    if run.limit or run.unfinished:
        return
    (plateau,) = paper.of(_NAME, "plateau")

    def within(least, most, low, high):
        return [
            claims.measured(
                f"epoch {run.x_of(a):g}", _harm(a), low, high, unit="%"
            )
            for a in arms
            if least <= run.x_of(a) <= most
        ]

    yield from claims.every(
        f"within {_HARMLESS:g} % of cold up to epoch {_EARLY}",
        within(0, _EARLY, -_HARMLESS, _HARMLESS),
    )
    below = -math.inf, math.nextafter(0, -1)
    yield from claims.every(
        f"below cold from epoch {_LATE} on", within(_LATE, math.inf, *below)
    )
    level = plateau.mean - plateau.tolerance, plateau.mean + plateau.tolerance
    yield from claims.every(
        f"levels off at {plateau.mean:g} ± {plateau.tolerance:g} % beyond "
        f"epoch {plateau.x:g}",
        within(plateau.x + 1, math.inf, *level),
    )
    if not arms:
        return
    peak = max(arms, key=lambda arm: _half(arm).mean)
    claim = "the harm begins before the half-data accuracy peaks"
    # The best of the first or last epoch tried may not be the peak.
    if peak not in (arms[0], arms[-1]):
        before = run.x_of(arms[arms.index(peak) - 1])
        (last,) = within(before, before, *below)
        because = f"at {last.claim} {last.because}"
        yield claims.Result(claim, last.answer, because)


VIEW = view.View(
    paper=(_NAME,),
    x="train.first_epochs",
    chart=_chart,
    table=_table,
    claims=(_claims,),
)
