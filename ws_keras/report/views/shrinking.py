"""Fig. 6: what all weights times a number still predict."""

import re

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

_BLOCK = "fig6"
_POINTS = 3.0
_NAME = re.compile(r"shrunk/(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/accuracy")
_NOTE = (
    "Held-out accuracy in percent after all weights were multiplied, mean ± "
    "standard error over n seeds. Beside it the replication's curve, "
    "{precision}; a match lies within 3 points.{other}"
)
_THEIRS = "replication"


def blocks(run: runs.Run) -> list:
    """Returns accuracy and entropy over the factor, and the claims."""
    arms = [arm for arm in run.arms if _shrinks(arm)]
    if not arms:
        return [sections.Text("No shrunk network has been measured yet.")]
    return [
        _table(run, arms),
        _chart(run, arms),
        claims.table(run, _BLOCK, _claims(arms)),
    ]


def measured(
    arm: runs.ArmRuns, shrink: float, what: str = "accuracy"
) -> dict[int, float]:
    """Returns seed to accuracy or entropy of the weights times a factor."""
    name = f"shrunk/{shrink:g}/{what}"
    return {
        seed: found[-1].measures[name]
        for seed, found in arm.runs.finished.items()
        if name in found[-1].measures
    }


def _model(arm: runs.ArmRuns) -> str:
    return str(arm.labels.get("model", arm.cell.model))


def _shrinks(*arms: runs.ArmRuns) -> list[float]:
    """Returns the factors that were measured, the largest first."""
    found = {
        float(match[1])
        for arm in arms
        for seed_rows in arm.runs.finished.values()
        for name in seed_rows[-1].measures
        if (match := _NAME.fullmatch(name))
    }
    return sorted(found, reverse=True)


def _printed(arm: runs.ArmRuns, shrink: float) -> bands.Printed | None:
    return _number(_model(arm), shrink)


def _number(model: str, shrink: float) -> bands.Printed | None:
    drawn = paper.numbers()[_BLOCK]
    curve = drawn["accuracy"].get(model)
    if curve is None or shrink not in drawn["shrink"]:
        return None
    value = curve[drawn["shrink"].index(shrink)]
    return bands.Printed(value, points=_POINTS)


def _table(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Table:
    known = paper.numbers()[_BLOCK]
    absent = known["accuracy"].keys() - set(map(_model, arms))
    header = ["shrink"]
    for arm in arms:
        header += [f"{_model(arm)} (n = {len(arm.runs.finished)})", _THEIRS]
    for model in sorted(absent):
        header += [f"{model} (n = 0)", _THEIRS]
    lines = []
    for shrink in _shrinks(*arms):
        line = [t for arm in arms for t in _cells(run, arm, shrink)]
        for model in sorted(absent):
            line += [shown.NOTHING, _not_run(model, shrink)]
        lines.append((f"{shrink:g}", *line))
    note = _NOTE.format(
        precision=paper.precision(_BLOCK),
        other=finals.other_protocol(run, _BLOCK, arms),
    )
    return sections.Table("Accuracy", tuple(header), tuple(lines), note)


def _not_run(model: str, shrink: float) -> str:
    number = _number(model, shrink)
    return f"{number.text} {bands.NOT_RUN}" if number else shown.NOTHING


def _cells(run, arm: runs.ArmRuns, shrink: float) -> tuple[str, str]:
    ours = statistics.summarize(measured(arm, shrink).values())
    number = _printed(arm, shrink)
    if number is None:
        return shown.mean_error(ours), shown.NOTHING
    verdict = bands.verdict(ours, number, run.is_other(_BLOCK)(arm))
    return shown.mean_error(ours), f"{number.text} {verdict}"


def _chart(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Chart:
    panels = []
    for what, label in (
        ("accuracy", charts.ACCURACY),
        ("entropy", "Entropy of the outputs (nats)"),
    ):
        found = []
        for arm in arms:
            name = _model(arm)
            points = [
                (shrink, summary.mean, summary.error)
                for shrink in _shrinks(arm)
                for summary in [
                    statistics.summarize(measured(arm, shrink, what).values())
                ]
            ]
            found.append(charts.series(name, name, points))
            theirs = [
                (shrink, number.value, 0.0)
                for shrink in _shrinks(arm)
                if what == "accuracy" and (number := _printed(arm, shrink))
            ]
            where = charts.paper_name(_BLOCK)
            found.append(charts.series(where, name, theirs, is_paper=True))
        known = tuple(one for one in found if one)
        panels.append(sections.Panel("Shrink", label, known))
    stem = charts.name("shrinking", run.experiment)
    return sections.Chart(stem, "Weights times a factor", tuple(panels))


def _claims(arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    lost = {}
    for arm in arms:  # cold, which is the first, is judged
        lost.setdefault(_model(arm), _drops(arm))
    residual, biased, free = (
        lost.get(name, {})
        for name in ("resnet18", "mlp_relu", "mlp_relu_no_bias")
    )
    worst = _worst({s: drop for s, drop in biased.items() if s < 0.8})
    return [
        signs.every(
            "resnet18 stays within a point down to 0.1",
            _keep({s: drop for s, drop in residual.items() if s >= 0.1}, 1.0),
        ),
        signs.above(
            "mlp_relu loses more than a point somewhere below 0.8",
            worst,
            dict.fromkeys(worst, 0.0),
            least=1.0,
        ),
        signs.every(
            "mlp_relu_no_bias keeps its accuracy at every factor above 0",
            _keep(free, 0.1),
        ),
    ]


def _drops(arm: runs.ArmRuns) -> dict[float, dict[int, float]]:
    """Returns what is lost at each factor between 0 and 1, by seed."""
    whole = measured(arm, 1.0)
    return {s: _drop(arm, s, whole) for s in _shrinks(arm) if 0 < s < 1}


def _drop(arm, shrink: float, whole: dict[int, float]) -> dict[int, float]:
    ours = measured(arm, shrink)
    return {seed: whole[seed] - ours[seed] for seed in ours if seed in whole}


def _keep(drops: dict[float, dict], reach: float) -> list[signs.Sign]:
    return [
        signs.between(
            f"at {shrink:g}", drop, dict.fromkeys(drop, 0.0), -reach, reach
        )
        for shrink, drop in drops.items()
    ]


def _worst(drops: dict[float, dict]) -> dict[int, float]:
    """Returns the drop of each seed at the factor with the largest mean."""
    known = [drop for drop in drops.values() if drop]
    return max(known, key=lambda d: sum(d.values()) / len(d), default={})
