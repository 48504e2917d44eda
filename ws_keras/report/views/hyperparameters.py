"""Fig. 3: time against accuracy over learning rates and batch sizes."""

from ws_keras.report import bands
from ws_keras.report import paper
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import signs
from ws_keras.report.views import charts
from ws_keras.report.views import claims
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs

_BLOCK = "fig3"
_KINDS = ("cold", "warm")
_NEAR = 1.0  # points from the best cold accuracy
_SAVED = 0.5  # of the steps
_HEADER = ("arm", "settings", "best %", "seeds", "paper", "verdict")
_NOTE = (
    "The best mean accuracy of an arm over its settings, ± standard error. "
    "The paper's range is {precision}; a match lies within it or 2 points "
    "beside it.{other}"
)


def blocks(run: runs.Run) -> list:
    """Returns the best of each arm, the scatter, the claim and all points."""
    return [
        _best(run),
        _chart(run),
        _clusters(),
        claims.table(run, _BLOCK, [_claim(run)]),
        finals.table(run, "All learning rates and batch sizes"),
    ]


def _dots(run: runs.Run, kind: str) -> list[runs.ArmRuns]:
    return [arm for arm in run.pick(kind) if arm.summary().count]


def _top(dots: list[runs.ArmRuns]) -> runs.ArmRuns:
    return max(dots, key=lambda arm: arm.summary().mean)


def _best(run: runs.Run) -> sections.Table:
    lines = []
    for kind in _KINDS:
        low, high = paper.numbers()[_BLOCK]["best"][kind]
        reach = (high - low) / 2 + bands.READ_OFF_POINTS
        number = bands.Printed((low + high) / 2, points=reach)
        dots = _dots(run, kind)
        top = _top(dots) if dots else None
        is_other = bool(top) and run.is_other(_BLOCK)(top)
        summary = top.summary() if top else None
        lines.append(
            (
                kind,
                f"{len(dots)} of {len(run.pick(kind))}",
                shown.mean_error(summary) if summary else shown.NOTHING,
                shown.seeds(top.runs) if top else "0",
                f"{low} to {high}",
                bands.verdict(summary, number, is_other),
            )
        )
    note = _NOTE.format(
        precision=paper.precision(_BLOCK),
        other=finals.other_protocol(run, _BLOCK, run.pick(*_KINDS)),
    )
    return sections.Table("The best of each arm", _HEADER, tuple(lines), note)


def _chart(run: runs.Run) -> sections.Chart:
    panels = []
    for field, label, scale in (
        ("train_seconds", "Seconds of the last round", 1),
        ("sample_passes", "Passes of the last round (thousands)", 1000),
    ):
        found = [
            charts.series(
                kind,
                kind,
                [
                    (
                        arm.summary(field).mean / scale,
                        arm.summary().mean,
                        arm.summary().error,
                    )
                    for arm in _dots(run, kind)
                ],
            )
            for kind in _KINDS
        ]
        panels.append(
            sections.Panel(
                label,
                charts.ACCURACY,
                tuple(one for one in found if one),
                "points",
            )
        )
    drawn = paper.numbers()[_BLOCK]["clusters"]["values"]
    theirs = [
        charts.series(
            charts.paper_name(_BLOCK),
            kind,
            [
                ((start + end) / 2, (low + high) / 2, 0.0)
                for arm, start, end, low, high in drawn
                if arm == kind
            ],
            is_paper=True,
        )
        for kind in _KINDS
    ]
    panels.append(
        sections.Panel(
            "Seconds, on the paper's machine",
            charts.ACCURACY,
            tuple(theirs),
            "points",
            title="Middles of the paper's clusters",
        )
    )
    stem = charts.name("hyperparameters", run.experiment)
    return sections.Chart(stem, "Time against accuracy", tuple(panels))


def _clusters() -> sections.Table:
    block = paper.numbers()[_BLOCK]
    lines = tuple(
        (arm, _range(start, end), _range(low, high))
        for arm, start, end, low, high in block["clusters"]["values"]
    )
    note = f"Read {block['precision']}. {block['note']}"
    header = ("arm", "seconds", "accuracy %")
    return sections.Table("The paper's clusters", header, lines, note)


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _claim(run: runs.Run) -> signs.Sign:
    claim = (
        "no warm start within a point of the best cold one takes less than "
        "half the steps of the fastest such cold one (the replication says "
        "that one does)"
    )
    cold, warm = (_dots(run, kind) for kind in _KINDS)
    if not cold or not warm:
        return signs.Sign(claim, None, bands.NOT_RUN)
    least = _top(cold).summary().mean - _NEAR
    fastest = min(_steps(arm) for arm in cold if arm.summary().mean >= least)
    good = [_steps(arm) for arm in warm if arm.summary().mean >= least]
    if not good:
        because = f"no warm start of {len(warm)} comes within a point"
    else:
        because = (
            f"the fastest of {len(good)} such warm starts takes "
            f"{min(good) / fastest:.2f} of the steps"
        )
    because += f"; {_seeds(cold + warm)}"
    answer = not good or min(good) >= _SAVED * fastest
    if _least_seeds(cold + warm) < 2:
        answer = None
    elif answer and run.missing:
        # What has not run may still be such a warm start.
        answer = None
        because += f"; {run.missing_words}"
    return signs.Sign(claim, answer, because)


def _steps(arm: runs.ArmRuns) -> float:
    return arm.summary("steps").mean


def _least_seeds(arms: list[runs.ArmRuns]) -> int:
    return min(arm.summary().count for arm in arms)


def _seeds(arms: list[runs.ArmRuns]) -> str:
    return f"n = {_least_seeds(arms)} at least"
