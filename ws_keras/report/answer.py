"""The first sentences of a report, and the warnings that come with them."""

import math
from collections.abc import Sequence

from ws_keras.report import claims
from ws_keras.report import formatting
from ws_keras.report import grouping
from ws_keras.report import origin
from ws_keras.report import runs
from ws_keras.report import scale as scales
from ws_keras.report import statistics
from ws_keras.report import tables
from ws_keras.storage import metric as metrics

# For the chance level. The classes of other data sets are not known.
_CLASSES = {
    "cifar10": 10,
    "cifar100": 100,
    "fashion_mnist": 10,
    "mnist": 10,
    "mnist_rgb": 10,
    "svhn_cropped": 10,
    "textures": 10,
}
_CHANCE = 1.2  # times chance
_JUMP = 1.5  # times the held-out loss of the round before
_SHOWN = 3  # settings
_CHANGES = 6  # fields


def sentences(run: runs.Run) -> list[str]:
    """Returns the result of a run in a few sentences."""
    metric = metrics.of(run.rows[0])
    if not metric.is_accuracy:
        return _of_metric(run, metric)
    said = run.view.answer(run) if run.view.answer else []
    return said or against_cold(run) or _levels(run)


def against_cold(run: runs.Run) -> list[str]:
    """Returns what warm costs, and what the best other arm gains."""
    if len(run.cells()) > 1:
        return _over_cells(run)
    compared = [arm for arm in run.arms if not arm.is_cold and arm.gap().count]
    ends = next((a.last for a in run.arms if a.runs.finished), None)
    found = [
        f"{arm.name} {_against_cold(arm)}"
        for arm in compared
        if arm.kind == "warm"
    ]
    others = [arm for arm in compared if arm.kind != "warm"]
    if others:
        best = max(others, key=lambda arm: arm.gap().mean)
        which = f"the best of {len(others)} other arms, {best.name},"
        which = which if len(others) > 1 else f"the arm {best.name}"
        text = f"{which} {_against_cold(best)}"
        found.append(_capital(text) if found else text)
        found += _in_round_1(run, best)
    if found:
        found[0] = f"After {ends.num_samples:,} samples, {found[0]}"
    return found


def banners(run: runs.Run) -> list[str]:
    """Returns warnings about what is missing or wrong."""
    found = incomplete(run)
    if run.changes:
        words = _listed(run.changes, _CHANGES)
        found.append(
            f"This run differs from its recipe: {words}. Claims are judged on "
            "this run as it is."
        )
    if run.limit and run.view.claims:
        found.append(
            f"This run stops after round {run.limit}, earlier than its recipe. "
            "Claims about the last round are not judged."
        )
    capped = [arm for arm in run.arms if arm.is_capped and not arm.is_cold]
    if capped and run.view.claims:
        named = _listed([_in_cell(run, arm) for arm in capped])
        found.append(
            "In the last round, these arms or their cold starts reached the "
            f"limit of epochs before they fitted the training samples: {named}."
            " Claims about these arms are not judged."
        )
    return [*found, *_chance(run), *_jumps(run)]


def incomplete(run: runs.Run) -> list[str]:
    """Returns a warning if settings of a run are unfinished."""
    progress = origin.progress(run.planned, run.rows)
    if not progress:
        return []
    text = f"This run is incomplete: {progress}"
    if run.view.claims:
        text += " Claims that need the other settings are not judged."
    return [text]


def _of_metric(run: runs.Run, metric: metrics.Metric) -> list[str]:
    found = [
        f"{arm.name} {scales.number(arm.summary().mean)}"
        for arm in run.arms
        if arm.runs.finished
    ]
    better = "higher" if metric.mode == "max" else "lower"
    words = (
        f"Held-out {metric.name} after the last round ({better} is better): "
    )
    return [f"{words}{', '.join(found)}."] if found else []


def _against_cold(arm: runs.Arm) -> str:
    gap = arm.gap()
    is_one = gap.count < 2
    if gap.low > 0 or is_one and gap.mean > 0:
        ends = formatting.in_words(gap)
        words = f"is {gap.mean:.1f} points of accuracy above cold ({ends}) and"
    elif gap.high < 0 or is_one and gap.mean < 0:
        ends = formatting.in_words(gap.times(-1))
        words = f"is {-gap.mean:.1f} points of accuracy below cold ({ends}) and"
    else:
        ends = formatting.in_words(gap)
        signed = formatting.signed(gap.mean)
        words = (
            "does not differ significantly from cold: "
            f"{signed} points of accuracy ({ends}). It"
        )
    return f"{words} takes {_passes(arm.total_ratio())}."


def _passes(cost: statistics.Ratio) -> str:
    if not cost.count:
        return "an unknown number of sample passes"
    words = f"{100 * cost.mean:.0f} % of cold's sample passes"
    if cost.count > 1:
        words += f" ({100 * cost.low:.0f} to {100 * cost.high:.0f} %)"
    return words


def _in_round_1(run: runs.Run, arm: runs.Arm) -> list[str]:
    if not run.is_online or tables.begins_alike(arm):
        return []
    first, since = (
        f"{formatting.signed(effect.mean)} ({formatting.in_words(effect)})"
        for effect in (arm.gap_at(1), tables.since_round_1(arm))
    )
    return [
        f"Of these {formatting.signed(arm.gap().mean)} points, {first} come "
        "from round 1, where the transform only acts on the first "
        f"initialization, and {since} from the later rounds."
    ]


def _over_cells(run: runs.Run) -> list[str]:
    # Cells that differ only where a label stands have no words of their own.
    varying = grouping.varying(run.cells()) or ["cell"]
    where = f"{varying[0]}s"
    if len(varying) > 1:
        where = f"combinations of {formatting.listed(varying)}"
    by_name = {}
    for arm in run.arms:
        if not arm.is_cold and arm.gap().count:
            by_name.setdefault(arm.name, []).append(arm.gap())
    found = []
    for name, gaps in by_name.items():
        signs = [gap.sign for gap in gaps]
        means = sorted(gap.mean for gap in gaps)
        low, high = map(formatting.signed, (means[0], means[-1]))
        span = f"range from {low} to {high}" if low != high else f"are {low}"
        found.append(
            f"{_capital(name)} is significantly below cold in "
            f"{signs.count(-1)} of {len(gaps)} {where}, and significantly "
            f"above it in {signs.count(1)}. The differences {span} points."
        )
    return found[:_SHOWN]


def _levels(run: runs.Run) -> list[str]:
    """Returns how far each arm has come, where nothing can be compared."""
    found = []
    for arm in run.arms[:_SHOWN]:
        level = statistics.level(arm.latest())
        if level.count:
            few = "one seed" if level.count == 1 else f"{level.count} seeds"
            found.append(f"{claims.named(arm)} {level.mean:.1f} % ({few})")
    if not found:
        return []
    size = max(max(arm.by_samples(), default=0) for arm in run.arms)
    more = f", and {len(run.arms) - _SHOWN} more" * (len(run.arms) > _SHOWN)
    return [f"Accuracy after up to {size:,} samples: {', '.join(found)}{more}."]


def _chance(run: runs.Run) -> list[str]:
    """Returns a warning where all arms are at chance level."""
    best = {}
    for arm in run.arms:
        mean = statistics.level(arm.latest()).mean
        if not math.isnan(mean):
            dataset = arm.cell.dataset
            best[dataset] = max(mean, best.get(dataset, mean))
    return [
        f"All arms are at chance level on {dataset}: their accuracies are at "
        f"most {level:.1f} %, and chance is {100 / classes:g} %. The networks "
        "have learned nothing, so that no start can be judged."
        for dataset, level in best.items()
        if (classes := _CLASSES.get(dataset))
        and level <= _CHANCE * 100 / classes
    ]


def _jumps(run: runs.Run) -> list[str]:
    """Returns a warning about rounds whose only epoch raised the loss."""
    before, found = {}, []
    for row in sorted(run.rows, key=lambda row: (row.setting, row.round)):
        old = before.get(row.setting, math.nan)
        before[row.setting] = row.eval_loss
        if row.epochs == 1 and row.eval_loss > _JUMP * old:
            found.append(
                f"{row.setting} round {row.round}: {old:.2f} to "
                f"{row.eval_loss:.2f}"
            )
    if not found:
        return []
    rounds = "1 round" if len(found) == 1 else f"{len(found)} rounds"
    return [
        f"In {rounds}, training stopped after one epoch although the held-out "
        f"loss rose sharply ({_listed(found)}). The cause may be batch norm's "
        "moments, which lag behind the weights, and not the weights."
    ]


def _listed(words: Sequence[str], shown: int = _SHOWN) -> str:
    more = [f"and {len(words) - shown} more"] * (len(words) > shown)
    return ", ".join([*words[:shown], *more])


def _in_cell(run: runs.Run, arm: runs.Arm) -> str:
    """Returns the name of an arm, with its cell if there are several."""
    cell = grouping.cell_name(arm.cell, run.cells())
    return f"{arm.name} ({cell})" if cell else arm.name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
