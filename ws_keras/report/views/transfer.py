"""Fig. 9: pre-training on one data set, then a share of another."""

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
from ws_keras.report.views import run as runs

_BLOCK = "fig9"
_SOURCE = "data.source"
_FRACTION = "rounds.fraction"
_KINDS = ("cold", "warm", "shrink_perturb")
_MARGIN = 1.0  # points
_WIDE_MARGIN = 2.0  # where the paper's own curve falls short
_WIDE = ("svhn_cropped", "cifar100")
_HEADER = (
    "source → target",
    "fraction",
    "arm",
    "accuracy %",
    "minus cold",
    "95 % interval",
    "seeds",
    "paper %",
    "verdict",
)
_NOTE = (
    "Held-out accuracy on the target, mean ± standard error over finished "
    "seeds. Cold starts know no source and stand beside each. The paper's "
    "numbers (Fig. 9) are {precision}; a match lies within 2 points, within 3 "
    "at the two rough fractions.{other}"
)


def blocks(run: runs.Run) -> list:
    """Returns a table and a panel for each pair, and the claims."""
    pairs = _pairs(run)
    return [
        _table(run, pairs),
        _chart(run, pairs),
        claims.table(run, _BLOCK, [_claim(run, *pair) for pair in pairs]),
    ]


def _pairs(run: runs.Run) -> list[tuple[str, str]]:
    found = {
        (str(arm.labels[_SOURCE]), arm.cell.dataset)
        for arm in run.arms
        if _SOURCE in arm.labels
    }
    order = [tuple(n.split("/")) for n in paper.numbers()[_BLOCK]["panels"]]
    known = [pair for pair in order if pair in found]
    return [*known, *sorted(found - set(known))]


def _curve(run, source: str, target: str, kind: str) -> list[runs.ArmRuns]:
    some = [
        arm
        for arm in run.pick(kind, dataset=target)
        if arm.is_cold or str(arm.labels.get(_SOURCE)) == source
    ]
    return sorted(some, key=_fraction)


def _fraction(arm: runs.ArmRuns) -> float:
    value = arm.labels.get(_FRACTION)
    return value if isinstance(value, float) else 1.0


def _table(run: runs.Run, pairs) -> sections.Table:
    lines = []
    for pair in pairs:
        arms = [a for kind in _KINDS for a in _curve(run, *pair, kind)]
        arms.sort(key=_fraction)
        name = " → ".join(pair)
        lines += [_line(run, arm, name, pair[0]) for arm in arms]
        lines += _not_run(name, pair, arms)
    note = _NOTE.format(
        precision=paper.precision(_BLOCK),
        other=finals.other_protocol(run, _BLOCK, run.arms),
    )
    return sections.Table("By pair", _HEADER, tuple(lines), note)


def _line(run, arm: runs.ArmRuns, name: str, source: str) -> tuple[str, ...]:
    number = printed.transfer(arm.last, source)
    is_other = run.is_other(_BLOCK)(arm)
    begun = bool(arm.runs.unfinished)
    gap = statistics.paired({}, {}) if arm.is_cold else arm.gap()
    return (
        name,
        f"{_fraction(arm):g}",
        arm.name,
        shown.mean_error(arm.summary()),
        shown.difference(gap, runs=arm.runs),
        shown.interval(gap),
        shown.seeds(arm.runs),
        number.text if number else shown.NOTHING,
        bands.verdict(arm.summary(), number, is_other, begun),
    )


def _not_run(name: str, pair, arms) -> list[tuple[str, ...]]:
    """Returns lines for the points of a paper's panel that ours lacks."""
    block = paper.numbers()[_BLOCK]
    ours = {(arm.first.arm, _fraction(arm)) for arm in arms}
    return [
        (name, f"{fraction:g}", kind, *[shown.NOTHING] * 3, "0")
        + (f"{value:.1f}", bands.NOT_RUN)
        for kind, curve in block["panels"].get("/".join(pair), {}).items()
        for fraction, value in zip(block["fractions"], curve, strict=True)
        if (kind, fraction) not in ours
    ]


def _chart(run: runs.Run, pairs) -> sections.Chart:
    panels = []
    block = paper.numbers()[_BLOCK]
    for pair in pairs:
        found = []
        for kind in _KINDS:
            arms = _curve(run, *pair, kind)
            points = [
                (_fraction(a), a.summary().mean, a.summary().error)
                for a in arms
            ]
            # A legend has one entry for the cold starts of all panels.
            found.append(charts.series(kind, kind, points))
            curve = block["panels"].get("/".join(pair), {}).get(kind)
            if curve:
                theirs = [
                    (*point, 0.0)
                    for point in zip(block["fractions"], curve, strict=True)
                ]
                name = charts.paper_name(_BLOCK)
                found.append(charts.series(name, kind, theirs, True))
        panels.append(
            sections.Panel(
                "Fraction of the target",
                charts.ACCURACY,
                tuple(one for one in found if one),
                title=" → ".join(pair),
            )
        )
    stem = charts.name("transfer", run.experiment)
    return sections.Chart(stem, "Transfer between data sets", tuple(panels))


def _claim(run: runs.Run, source: str, target: str) -> signs.Sign:
    margin = _WIDE_MARGIN if (source, target) == _WIDE else _MARGIN
    warm = {_fraction(a): a for a in _curve(run, source, target, "warm")}
    found = []
    for arm in _curve(run, source, target, "shrink_perturb"):
        fraction = _fraction(arm)
        other = warm[fraction].final() if fraction in warm else {}
        name = f"at {fraction:g}"
        found += [
            signs.above(f"{name} warm", arm.final(), other, -margin),
            signs.above(f"{name} cold", arm.final(), arm.cold_final(), -margin),
        ]
    claim = (
        f"shrink-perturb is at most {margin:g} points below the better of "
        f"cold and warm at every fraction run: {source} → {target}"
    )
    return signs.every(claim, found, run.missing_words)
