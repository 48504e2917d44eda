"""Fig. 8: many rounds over a grid of shrink and perturb."""

import dataclasses
import math

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import printed
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import signs
from ws_keras.report import statistics
from ws_keras.report.views import charts
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import online
from ws_keras.report.views import run as runs

_SAME = 1e-9  # no worse is no difference, too
_COLD = (0.0, 1.0)  # shrink and perturb of the corner that starts anew
_WARM = (1.0, 0.0)


def blocks(run: runs.Run) -> list:
    """Returns Fig. 8: accuracy and cost over shrink and perturb."""
    arms = _beside_corner(run.pick("shrink_perturb", "cold", "warm"))
    title = "Last round of each cell"
    # Fig. 7 draws the warm start for shrink 1.
    absent = finals.cells("fig7", online.shrinks("1"))
    return [
        finals.table(run, title, "fig7", printed.online, absent, arms),
        _heat(run, arms),
        claims.table(run, "fig7", [*_noise_helps(arms), *_corners(run, arms)]),
    ]


def _beside_corner(arms: list[runs.ArmRuns]) -> list[runs.ArmRuns]:
    """Returns the arms with that of shrink 0 and perturb 1 as their cold."""
    corner = next((a for a in arms if _place(a) == _COLD), None)
    if corner is None:
        return arms
    return [
        arm
        if arm.cold_rows or arm is corner
        else dataclasses.replace(arm, cold_rows=corner.rows)
        for arm in arms
    ]


def _place(arm: runs.ArmRuns) -> tuple[float, float]:
    return arm.first.shrink, arm.first.perturb


def _heat(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Chart:
    shrinks = sorted({arm.first.shrink for arm in arms})
    perturbs = sorted({arm.first.perturb for arm in arms})
    at = {(arm.first.perturb, arm.first.shrink): arm for arm in arms}
    panels = []
    for field, label in (
        ("accuracy", charts.ACCURACY),
        ("train_seconds", "Training seconds, all rounds"),
        ("sample_passes", "Passes in thousands, all rounds"),
    ):
        values = tuple(
            tuple(_level(at.get((p, s)), field) for s in shrinks)
            for p in perturbs
        )
        panels.append(
            sections.Panel(
                "Shrink",
                "Perturb",
                kind="heat",
                title=label,
                x=tuple(f"{s:g}" for s in shrinks),
                y=tuple(f"{p:g}" for p in perturbs),
                values=values,
            )
        )
    stem = charts.name("grid", run.experiment)
    return sections.Chart(stem, "Shrink and perturb", tuple(panels))


def _level(arm: runs.ArmRuns | None, field: str) -> float:
    if arm is None:
        return math.nan
    if field == "accuracy":
        return arm.summary().mean
    scale = 1000 if field == "sample_passes" else 1
    return statistics.summarize(arm.total(field).values()).mean / scale


def _noise_helps(arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    found = []
    for shrink in (0.2, 0.4, 0.6):
        column = [arm for arm in arms if arm.first.shrink == shrink]
        silent = [arm for arm in column if not arm.first.perturb]
        noisy = [a for a in column if a.first.perturb and a.summary().count]
        claim = f"at shrink {shrink:g} some noise is no worse than none"
        if not silent or not noisy:
            found.append(signs.Sign(claim, None, bands.NOT_RUN))
            continue
        best = max(noisy, key=lambda arm: arm.summary().mean)
        better = signs.above(
            f"accuracy at {best.first.perturb:g}",
            best.final(),
            silent[0].final(),
            -_SAME,
        )
        cheaper = signs.above(
            "steps", silent[0].total("steps"), best.total("steps"), -_SAME
        )
        sign = signs.every(claim, [better, cheaper])
        found.append(signs.unless(claims.to_come("fig7", *column), sign))
    return found


def _corners(run: runs.Run, arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    at = {_place(arm): arm for arm in arms}
    found = []
    for corner, name in ((_COLD, "cold"), (_WARM, "warm")):
        claim = f"the corner {corner[0]:g}/{corner[1]:g} is {name} of Fig. 2"
        arm = at.get(corner)
        value = paper.numbers()["fig2"]["accuracy"][name][-1]
        number = bands.Printed(value)
        summary = arm.summary() if arm else None
        is_other = bool(arm) and run.is_other("fig2")(arm)
        end = paper.numbers()["fig2"]["num_samples"][-1]
        is_other = is_other or bool(arm and arm.last.num_samples != end)
        verdict = bands.verdict(summary, number, is_other)
        because, answer = f"{verdict}, {number.text}", None
        if summary and summary.count:
            because = (
                f"{verdict}: ours {shown.mean_error(summary)}, {number.text}, "
                f"n = {summary.count}"
            )
        if summary and summary.count > 1:
            answer = {bands.MATCH: True, bands.DIFFERS: False}.get(verdict)
        found.append(signs.Sign(claim, answer, because))
    return found
