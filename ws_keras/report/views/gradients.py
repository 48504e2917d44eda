"""Fig. 5: gradient norms on old and new data in the second phase."""

import numpy as np

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import signs
from ws_keras.report import statistics
from ws_keras.report.views import charts
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs
from ws_keras.storage import rows

_BLOCK = "fig5"
_PANELS = {
    "gradient_norm_old": ("old", "Gradient norm, old data"),
    "gradient_norm_new": ("new", "Gradient norm, new data"),
    "gradient_norm_ratio": ("", "Gradient norm, new over old"),
}
_RATIO = "gradient_norm_ratio"
_SECOND = 2  # round
_HEADER = ("arm", "new / old at the start", "seeds", "paper", "verdict")
_NOTE = (
    "Gradient norm on data not seen before, divided by that on the data of "
    "the first phase, before the first step of the second; mean ± standard "
    "error. The paper's ratios (Fig. 5) are {precision}; a match lies within "
    "30 %.{other}"
)


def blocks(run: runs.Run) -> list:
    """Returns the ratios at the start, the norms and the claims."""
    arms = [arm for arm in run.arms if not arm.is_cold and _lives(run, arm)]
    if not arms:
        text = "No gradient norms have been measured in a second phase yet."
        return [sections.Text(text)]
    return [
        _ratios(run, arms),
        _norms(run, arms),
        _chart(run, arms),
        claims.table(run, _BLOCK, _claims(run, arms)),
    ]


def points(
    run: runs.Run, arm: runs.ArmRuns, measure: str
) -> dict[int, list[tuple[float, float]]]:
    """Returns seed to (thousands of batches since the second phase, value)."""
    found = {}
    for row, life in _lives(run, arm):
        batches = row.steps / max(row.epochs, 1) / 1000
        # A line of its first epoch may be lost.
        start = 1 + sum(
            other.epochs
            for other in arm.rows
            if other.setting == row.setting and other.round < _SECOND
        )
        found[row.seed] = [
            ((epoch.epoch - start) * batches, epoch.measures[measure])
            for epoch in life
            if measure in epoch.measures
        ]
    return {seed: some for seed, some in found.items() if some}


def start_ratio(run: runs.Run, arm: runs.ArmRuns) -> dict[int, float]:
    """Returns seed to the ratio of the norms before the first step."""
    return {
        seed: some[0][1]
        for seed, some in points(run, arm, _RATIO).items()
        if some[0][0] == 0
    }


def _lives(run, arm) -> list[tuple[rows.Row, list[rows.Epoch]]]:
    found = []
    for row in arm.rows:
        life = [
            epoch
            for epoch in run.epochs.get(row.setting, ())
            if epoch.round == _SECOND
        ]
        if row.round == _SECOND and any(e.measures for e in life):
            found.append((row, life))
    return found


def _key(arm: runs.ArmRuns) -> str:
    return "warm" if arm.first.arm == "warm" else f"{arm.first.shrink:g}"


def _fits(arm: runs.ArmRuns) -> bool:
    perturb = paper.numbers()[_BLOCK]["perturb"]
    return arm.first.arm == "warm" or arm.first.perturb == perturb


def _drawn_ratios() -> dict[str, bands.Printed]:
    """Returns arms of the paper, by their shrink, to their ratios."""
    return {
        key: bands.Printed(value, share=bands.RATIO_SHARE, decimals=2)
        for key, value in paper.numbers()[_BLOCK]["start_ratio"].items()
    }


def _name(key: str) -> str:
    """Returns the name of an arm of the paper, as ours has it."""
    perturb = paper.numbers()[_BLOCK]["perturb"]
    return key if key == "warm" else f"shrink_perturb {key}/{perturb:g}"


def _ratios(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Table:
    lines, drawn = [], _drawn_ratios()
    for arm in arms:
        ours = statistics.summarize(start_ratio(run, arm).values())
        number = drawn.get(_key(arm)) if _fits(arm) else None
        is_other = run.is_other(_BLOCK)(arm)
        # Warm's is too rough for a band; a claim below has its bound.
        banded = None if arm.first.arm == "warm" else number
        lines.append(
            (
                arm.name,
                shown.mean_error(ours, 2),
                str(ours.count),
                number.text if number else shown.NOTHING,
                bands.verdict(ours, banded, is_other),
            )
        )
    lines += [
        (_name(key), shown.NOTHING, "0", number.text, bands.NOT_RUN)
        for key, number in drawn.items()
        if key not in {_key(arm) for arm in arms if _fits(arm)}
    ]
    note = _NOTE.format(
        precision=paper.precision(_BLOCK),
        other=finals.other_protocol(run, _BLOCK, arms),
    )
    return sections.Table("Ratio at the start", _HEADER, tuple(lines), note)


def _norms(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Table:
    """Returns how many of the paper's points ours lie near."""
    header = ("arm", "data", "the paper's points", "verdict", "seeds")
    drawn = paper.numbers()[_BLOCK]
    lines = []
    for arm in arms:
        for measure, (data, _) in _PANELS.items():
            theirs = drawn["norms"].get(f"{_key(arm)}/{data}")
            if not data or theirs is None or not _fits(arm):
                continue
            seeds = points(run, arm, measure)
            verdicts = [
                bands.verdict(
                    _at(seeds, batch),
                    bands.Printed(value, share=bands.RATIO_SHARE),
                    run.is_other(_BLOCK)(arm),
                )
                for batch, value in zip(drawn["batch"], theirs, strict=True)
            ]
            counts = {v: verdicts.count(v) for v in dict.fromkeys(verdicts)}
            text = ", ".join(f"{n} {v}" for v, n in counts.items())
            line = (arm.name, data, str(len(verdicts)), text, str(len(seeds)))
            lines.append(line)
    note = (
        "At each batch number of the paper's our mean is interpolated between "
        "epochs; a match lies within 30 % of the paper's norm, whose "
        "definition is not fully known."
    )
    return sections.Table("Norms", header, tuple(lines), note)


def _at(seeds: dict, batch: float) -> statistics.Summary:
    values = []
    for found in seeds.values():
        x, y = zip(*found, strict=True)
        if x[0] <= batch <= x[-1]:
            values.append(float(np.interp(batch, x, y)))
    return statistics.summarize(values)


def _chart(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Chart:
    panels, papers = [], []
    for measure, (data, label) in _PANELS.items():
        ours = [
            charts.series(
                arm.name, arm.name, _mean_line(points(run, arm, measure))
            )
            for arm in arms
        ]
        panels.append(_panel(label, ours, from_zero=bool(data)))
        if data:
            theirs = [s for arm in arms for s in _drawn_norms(arm, data)]
            # Their phase may be much longer, and their norms larger.
            title = f"The paper's, {data} data"
            papers.append(_panel(label, theirs, from_zero=True, title=title))
    stem = charts.name("gradients", run.experiment)
    return sections.Chart(stem, "Gradient norms", (*panels, *papers))


def _panel(label: str, found: list, **options) -> sections.Panel:
    known = tuple(one for one in found if one)
    x = "Batches of the second phase (thousands)"
    return sections.Panel(x, label, known, **options)


def _drawn_norms(arm: runs.ArmRuns, data: str) -> list[sections.Series]:
    drawn = paper.numbers()[_BLOCK]
    theirs = drawn["norms"].get(f"{_key(arm)}/{data}")
    if not theirs or not _fits(arm):
        return []
    points = [(*p, 0.0) for p in zip(drawn["batch"], theirs, strict=True)]
    return [charts.series(charts.paper_name(_BLOCK), arm.name, points, True)]


def _mean_line(seeds: dict) -> list[tuple[float, float, float]]:
    """Returns means where all seeds have a value."""
    lines = [dict(line) for line in seeds.values()]
    found = []
    for x in lines[0] if lines else ():
        if all(x in line for line in lines):
            summary = statistics.summarize(line[x] for line in lines)
            found.append((x, summary.mean, summary.error))
    return found


def _claims(run: runs.Run, arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    ordered = sorted(arms, key=lambda arm: -arm.first.shrink)
    ratios = [start_ratio(run, arm) for arm in ordered]
    falls = [
        signs.above(f"{weak.name} above {strong.name}", larger, smaller)
        for weak, strong, larger, smaller in zip(
            ordered, ordered[1:], ratios, ratios[1:], strict=False
        )
    ]
    claim = "the ratio falls with stronger shrinking"
    found = [signs.every(claim, falls, run.missing_words)]
    for arm, ratio in zip(ordered, ratios, strict=True):
        if arm.first.arm == "warm":
            claim = "the ratio of warm is at least 5"
            found.append(signs.measured(claim, ratio, "ratio", 5.0))
        elif arm.first.shrink <= 0.5:
            claim = f"the ratio of {arm.name} is between 0.9 and 1.3"
            found.append(signs.measured(claim, ratio, "ratio", 0.9, 1.3))
    return found
