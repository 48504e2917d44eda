"""Claims of experiments of many rounds, and what they show besides curves."""

import functools
from collections.abc import Callable

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import signs
from ws_keras.report import statistics
from ws_keras.report.views import claims
from ws_keras.report.views import costs
from ws_keras.report.views import finals
from ws_keras.report.views import online
from ws_keras.report.views import run as runs

# Arms to why a claim about their last rounds is not decided yet.
ToCome = Callable[..., str]
_FROM = 5000  # samples from which Fig. 2 is judged
_STEPS = 4.0  # times those of warm
_NEAR = 2.0  # points
_NO_GAP = 0.99  # the threshold at which SVHN has none
_SHRINKS = (1.0, 0.8, 0.6, 0.4, 0.2)


def fig2(run: runs.Run) -> list:
    """Returns Fig. 2: warm falls behind cold, and costs less."""
    found = []
    for arm in run.pick("warm"):
        sizes = _common_sizes(arm, _FROM)
        found += [
            signs.every(
                f"cold is above warm in every round from {_FROM:,} samples on",
                [_above(arm, size) for size in sizes],
                claims.to_come("fig2", arm) or run.missing_words,
            ),
            _widens(arm),
            _dearer(arm),
        ]
    ends = {k: c[-1] for k, c in paper.numbers()["fig2"]["accuracy"].items()}
    absent = finals.cells("fig2", ends)
    table = claims.table(run, "fig2", found)
    return [*online.blocks(run, absent=absent), table]


def fig7(run: runs.Run) -> list:
    """Returns Fig. 7: stronger shrinking generalizes better and costs more."""
    to_come = functools.partial(claims.to_come, "fig7")
    found = _ordered(run, to_come)
    found += [
        signs.unless(to_come(arm), _near_cold(arm)) for arm in _shrunk(run, 0.6)
    ]
    found.append(_cheaper(run, to_come))
    # The paper calls its shrink 0 random; it stands beside both readings.
    ends = {"cold": paper.numbers()["fig7"]["accuracy"]["0"][-1]}
    absent = finals.cells("fig7", ends | online.shrinks())
    return [
        *online.blocks(run, "fig7", printed.shrink_sweep, absent),
        costs.table(run, "fig7", printed.online_cost),
        claims.table(run, "fig7", found),
    ]


def _near_cold(arm: runs.ArmRuns) -> signs.Sign:
    claim = f"shrink {arm.first.shrink:g} ends within {_NEAR:g} points of cold"
    ends = arm.final(), arm.cold_final()
    return signs.between(claim, *ends, -_NEAR, _NEAR)


def svhn(run: runs.Run) -> list:
    """Returns the replication's online runs, whose gap hangs on the stop."""
    name = "replication_online"
    found = [
        signs.unless(claims.limited(run, arm), _gap_at_threshold(arm))
        for arm in run.pick("warm")
    ]
    lookup = printed.replication_online
    blocks = online.blocks(run, name, lookup, _absent_svhn())
    return [*blocks, claims.table(run, name, found)]


def _gap_at_threshold(arm: runs.ArmRuns) -> signs.Sign:
    threshold = arm.labels.get("train.threshold", "")
    stop = f"stopping at {finals.word(threshold)}"
    if threshold == _NO_GAP:
        claim = f"cold and warm end alike, {stop}"
        return signs.within_spread(claim, arm.cold_final(), arm.final())
    return signs.above(
        f"cold ends above warm, {stop}", arm.cold_final(), arm.final()
    )


def _absent_svhn() -> list[tuple[finals.Columns, bands.Printed]]:
    block = paper.numbers()["replication_online"]
    found = []
    for key, series in block["series"].items():
        dataset, threshold = key.split("/")
        if dataset == "svhn_cropped":
            names = {"dataset": dataset, "train.threshold": threshold}
            ends = {arm: series[arm][-1] for arm in ("cold", "warm")}
            found += finals.cells("replication_online", ends, **names)
    return found


def replication(run: runs.Run) -> list:
    """Returns the replication's Fig. 6, which has no printed numbers."""
    to_come = functools.partial(claims.limited, run)
    found = [*_ordered(run, to_come), _cheaper(run, to_come)]
    return [*online.blocks(run), signs.table(found)]


def quickstart(run: runs.Run) -> list:
    """Returns many rounds and whether warm ends below cold."""
    return [*online.blocks(run), signs.table(claims.cold_above(run))]


def acquisition(run: runs.Run) -> list:
    """Returns active learning, a curve for each way of choosing samples.

    No numbers of the paper are known.
    """
    blocks = online.blocks(run, lookup=finals.nothing)
    found = [
        signs.unless(claims.limited(run, arm), sign)
        for arm, sign in zip(
            run.pick("warm"), claims.cold_above(run), strict=True
        )
    ]
    return [*blocks, signs.table(found)]


def last_layer(run: runs.Run) -> list:
    """Returns Fig. 14: shrinking the last layer alone does not help."""
    found = [
        signs.unless(
            claims.limited(run, arm),
            signs.beyond_spread(
                f"{arm.name} ends below cold by more than two deviations",
                arm.cold_final(),
                arm.final(),
            ),
        )
        for arm in run.pick("last_layer")
    ]
    return [*online.blocks(run), signs.table(found)]


def _common_sizes(arm: runs.ArmRuns, least: int) -> list[int]:
    ours, cold = (
        {row.num_samples for row in found}
        for found in (arm.rows, arm.cold_rows)
    )
    return sorted(size for size in ours & cold if size >= least)


def _above(arm: runs.ArmRuns, size: int) -> signs.Sign:
    cold = statistics.by_seed(
        [row for row in arm.cold_rows if row.num_samples == size], "accuracy"
    )
    ours = statistics.by_seed(
        [row for row in arm.rows if row.num_samples == size], "accuracy"
    )
    return signs.above(f"{size:,}", cold, ours)


def _widens(arm: runs.ArmRuns) -> signs.Sign:
    claim = f"the gap at the end is wider than at {_FROM:,} samples"
    because = claims.to_come("fig2", arm)
    if because:
        return signs.Sign(claim, None, because)
    gaps = [
        {
            seed: cold[seed] - value
            for seed, value in arm.at(size).items()
            if seed in cold
        }
        for size in (arm.last.num_samples, _FROM)
        for cold in [statistics.final(_only(arm, size), "accuracy")]
    ]
    return signs.above(claim, *gaps)


def _only(arm: runs.ArmRuns, size: int) -> statistics.Runs:
    """Returns the cold runs with the rounds up to so many samples."""
    finished = {
        seed: [row for row in found if row.num_samples <= size]
        for seed, found in arm.cold.finished.items()
    }
    kept = {s: f for s, f in finished.items() if f}
    return statistics.Runs(kept, arm.cold.unfinished, arm.cold.broken)


def _dearer(arm: runs.ArmRuns) -> signs.Sign:
    claim = f"the last round of cold has {_STEPS:g} times the steps of warm"
    because = claims.to_come("fig2", arm)
    if because:
        return signs.Sign(claim, None, because)
    steps = {s: _STEPS * n for s, n in arm.final("steps").items()}
    return signs.above(claim, arm.cold_final("steps"), steps, unit="steps")


def _shrunk(run: runs.Run, *shrinks: float) -> list[runs.ArmRuns]:
    arms = run.pick("shrink_perturb", "warm")
    some = [a for a in arms if not shrinks or a.first.shrink in shrinks]
    return sorted(some, key=lambda arm: -arm.first.shrink)


def _ordered(run: runs.Run, to_come: ToCome) -> list[signs.Sign]:
    by_shrink = {arm.first.shrink: arm for arm in _shrunk(run)}
    found = []
    for weak, strong in zip(_SHRINKS, _SHRINKS[1:], strict=False):
        claim = f"shrink {strong:g} ends above {weak:g}"
        pair = [by_shrink.get(shrink) for shrink in (strong, weak)]
        finals_of = [arm.final() if arm else {} for arm in pair]
        sign = signs.above(claim, *finals_of)
        found.append(signs.unless(to_come(*pair), sign))
    return found


def _cheaper(run: runs.Run, to_come: ToCome) -> signs.Sign:
    arms = [arm for arm in _shrunk(run) if arm.first.shrink > 0]
    spent = [arm.final("sample_passes") for arm in arms]
    names = [f"shrink {arm.first.shrink:g}" for arm in arms]
    if arms:
        spent.append(arms[0].cold_final("sample_passes"))
        names.append("cold")
    steps = zip(names[1:], spent[1:], spent, strict=False)
    sign = signs.every(
        "the last round costs more, the stronger the shrinking, cold most",
        [
            signs.above(name, strong, weak, unit="passes")
            for name, strong, weak in steps
        ],
        run.missing_words,
    )
    return signs.unless(to_come(*arms), sign)
