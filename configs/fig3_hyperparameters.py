"""Figure 3: learning rate and batch size of both phases against accuracy.

Claim: some warm starts are as accurate as cold ones, but then take about as
long as training from scratch, so that they save nothing. The replication
contradicts this: its warm starts reach the same accuracy sooner.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD; learning rates 0.001, 0.01 and
0.1 and batches of 16 to 128, combined freely in both phases: 144 warm pairs and
12 cold runs on all the data. A phase ends at 99 % training accuracy. The best
runs of the paper have 78 to 80 % (cold) and 78 to 79 % (warm).

    ws-run --config=fig3_hyperparameters --workdir=runs/fig3

Cost: at most 460 million sample passes for one seed; higher rates are several
times cheaper. Times count the second phase only.
"""

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
from ws_keras.report import tables
from ws_keras.report import view

RATES = (0.001, 0.01, 0.1)
BATCHES = (16, 32, 64, 128)


def get_config():
    """Returns the config of Figure 3."""
    config = base.get_config()
    config.experiment = "fig3_hyperparameters"
    config.arms = ("warm",)
    config.seeds = (0, 1)
    config.rounds.protocol = "two_phase"
    config.optimizer.name = "sgd"
    config.train.max_epochs = 1000
    config.train.expected_epochs.update({"cold": 60, "warm": 60})
    return config


def settings(config):
    """Returns the warm pairs, and the cold runs on all the data."""
    first = {"optimizer.learning_rate": RATES, "train.batch_size": BATCHES}
    second = {"second.learning_rate": RATES, "second.batch_size": BATCHES}
    return [
        *all_settings.product(config, first, ("cold",), base.ONE_PHASE),
        *all_settings.product(config, first | second),
    ]


_KINDS = ("cold", "warm")
_NEAR = 1.0  # points from the best cold accuracy
_SAVED = 0.5  # of the steps
_NAME = "fig3_hyperparameters"


def _best(run, kind):
    some = [arm for arm in run.pick(kind) if arm.summary().count]
    return max(some, key=lambda arm: arm.summary().mean, default=None)


def _of_paper(kind, measure):
    found = {n.measure: n.mean for n in _numbers(kind)}
    return found[f"{measure}_from"], found[f"{measure}_to"]


def _numbers(kind, *names):
    names = names or ("best_from", "best_to")
    every = [n for name in names for n in paper.of(_NAME, name)]
    return [number for number in every if number.arm == kind]


def _table(run):
    header = ("arm", "settings", "best %", "minus cold", "seeds")
    header += ("paper %", "comparison")
    lines = []
    for kind in _KINDS:
        low, high = _of_paper(kind, "best")
        arm = _best(run, kind)
        done = [a for a in run.pick(kind) if a.summary().count]
        said = gap = None
        if arm and kind != "cold":
            gap = formatting.difference(arm.gap())
        if arm:
            number = _numbers(kind)[0]
            said = comparison.compare(
                arm.summary(), (low + high) / 2, tolerance=(high - low) / 2 + 2
            )
            if run.others(arm, number):
                said = comparison.Comparison.OTHER_PROTOCOL
        lines.append(
            (
                kind,
                f"{len(done)} of {len(run.pick(kind))}",
                arm and formatting.mean(arm.summary()),
                gap,
                arm and columns.seeds(arm.runs),
                f"~{low:g} to {high:g}",
                said,
            )
        )
    note = (
        "The best mean accuracy of an arm over its settings; minus the cold "
        "start with the rate and batch of its second phase. The paper's range "
        "is by eye; a match lies within it or 2 points beside it."
    )
    return sections.Table("", header, tuple(lines), note)


def _chart(run):
    def points(kind):
        for arm in run.pick(kind):
            y = arm.summary()
            if y.count:
                yield arm.summary("sample_passes").mean / 1000, y.mean, y.error

    found = [("", kind, list(points(kind))) for kind in _KINDS]
    label = "Sample passes of the last round (thousands)"
    return charts.scatter(run, found, label, "Accuracy against cost")


def _all(run):
    measures = ("seconds", "accuracy")
    names = [f"{m}_{end}" for m in measures for end in ("from", "to")]
    clusters = {}
    for kind in _KINDS:
        for number in _numbers(kind, *names):
            key = (kind, number.cell)
            clusters.setdefault(key, {})[number.measure] = number.mean
    lines = tuple(
        (
            kind,
            *(f"~{n[f'{m}_from']:g} to {n[f'{m}_to']:g}" for m in measures),
        )
        for (kind, _), n in clusters.items()
    )
    note = (
        "By eye: clusters, not points; the grid is the replication's. The left "
        "end of the slow warm dots is our reading; the figure has them up to "
        "5000 s."
    )
    header = ("arm", "seconds", "accuracy %")
    theirs = sections.Table("", header, lines, note)
    return [
        sections.Fold("All rates and batch sizes", (tables.arms(run),)),
        sections.Fold("The paper's clusters", (theirs,)),
    ]


def _saves_nothing(run):
    cold, warm = (run.settled(kind) for kind in _KINDS)
    if not cold or not warm or run.unfinished:
        return
    least = max(arm.summary().mean for arm in cold) - _NEAR
    steps = [
        [a.summary("steps").mean for a in some if a.summary().mean >= least]
        for some in (cold, warm)
    ]
    seeds = min(arm.summary().count for arm in cold + warm)
    holds = not steps[1] or min(steps[1]) >= _SAVED * min(steps[0])
    answer = claims.Answer.HOLDS if holds else claims.Answer.FAILS
    because = f"no warm start of {len(warm)} comes within a point"
    if steps[1]:
        because = (
            f"the fastest of {len(steps[1])} such warm starts takes "
            f"{min(steps[1]) / min(steps[0]):.2f} of the steps"
        )
    yield claims.Result(
        "no warm start within a point of the best cold one takes less than "
        "half the steps of the fastest such cold one (the replication says "
        "that one does)",
        answer if seeds >= statistics.MIN_SEEDS else claims.Answer.INCONCLUSIVE,
        f"n = {seeds} at least: {because}",
    )


VIEW = view.View(
    chart=_chart,
    table=_table,
    folds=(_all,),
    claims=(_saves_nothing,),
)
