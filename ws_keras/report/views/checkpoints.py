"""Fig. 4: how little training on a half harms what follows."""

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

_LABEL = "train.first_epochs"
_BLOCK = "fig4"
_HEADER = (
    "start epoch",
    "half-data accuracy %",
    "accuracy %",
    "difference %",
    "95 % interval",
    "seeds",
    "paper",
    "verdict",
)
_NOTE = (
    "Mean ± standard error over finished seeds. The difference is that of the "
    "last round to the cold start of the same seed, in per cent of its "
    "accuracy. The paper's numbers (Fig. 4) are {precision}; a match lies "
    "within 2 per cent.{other}"
)
_EARLY = 25  # epochs
_LATE = 60
_HARMLESS = 1.5  # per cent


def blocks(run: runs.Run) -> list:
    """Returns the table over start epochs, both panels and the claims."""
    arms = run.numbered(_LABEL, "warm")
    return [
        _table(run, arms),
        _chart(run, arms),
        claims.table(run, _BLOCK, _claims(run, arms)),
    ]


def differences(arm: runs.ArmRuns) -> dict[int, float]:
    """Returns seed to the difference from cold in per cent of cold."""
    ours, cold = arm.final(), arm.cold_final()
    return {
        seed: 100 * (ours[seed] - cold[seed]) / cold[seed]
        for seed in ours
        if cold.get(seed)
    }


def _start(arm: runs.ArmRuns) -> int:
    return arm.labels[_LABEL]


def _half(arm: runs.ArmRuns) -> statistics.Summary:
    return statistics.summarize(
        found[0].accuracy for found in arm.runs.finished.values()
    )


def _difference(arm: runs.ArmRuns) -> statistics.Difference:
    found = differences(arm)
    return statistics.paired(found, dict.fromkeys(found, 0.0))


def _drawn() -> dict[int, bands.Printed]:
    """Returns start epoch to the paper's difference."""
    drawn = paper.numbers()[_BLOCK]["difference"]
    pairs = zip(drawn["start_epoch"], drawn["value"], strict=True)
    return {start: bands.Printed(value) for start, value in pairs}


def _table(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Table:
    note = _NOTE.format(
        precision=paper.precision(_BLOCK),
        other=finals.other_protocol(run, _BLOCK, arms),
    )
    lines = [_line(run, arm) for arm in arms]
    ran = set(map(_start, arms))
    lines += [_absent(s, n) for s, n in _drawn().items() if s not in ran]
    lines.sort(key=lambda line: float(line[0]))
    return sections.Table("By start epoch", _HEADER, tuple(lines), note)


def _absent(start: int, number: bands.Printed) -> tuple[str, ...]:
    nothing = [shown.NOTHING] * 4
    return (str(start), *nothing, "0", number.text, bands.NOT_RUN)


def _line(run: runs.Run, arm: runs.ArmRuns) -> tuple[str, ...]:
    found = _difference(arm)
    number = _drawn().get(_start(arm))
    summary = statistics.summarize(differences(arm).values())
    is_other = run.is_other(_BLOCK)(arm)
    begun = bool(arm.runs.unfinished)
    return (
        str(_start(arm)),
        shown.mean_error(_half(arm)),
        shown.mean_error(arm.summary()),
        shown.difference(found, runs=arm.runs),
        shown.interval(found),
        shown.seeds(arm.runs),
        number.text if number else shown.NOTHING,
        bands.verdict(summary, number, is_other, begun),
    )


def _chart(run: runs.Run, arms: list[runs.ArmRuns]) -> sections.Chart:
    drawn = paper.numbers()[_BLOCK]
    half, right = drawn["half_data"], drawn["difference"]
    halves = [(_start(a), _half(a).mean, _half(a).error) for a in arms]
    gaps = [
        (_start(a), _difference(a).mean, _difference(a).error) for a in arms
    ]
    panels = [
        _panel(
            "Epochs on half of the data",
            charts.ACCURACY,
            halves,
            zip(half["epoch"], half["accuracy"], strict=True),
        ),
        _panel(
            "Epoch from which the second phase starts",
            "Difference from cold (%)",
            gaps,
            zip(right["start_epoch"], right["value"], strict=True),
        ),
    ]
    stem = charts.name("checkpoints", run.experiment)
    return sections.Chart(stem, "Warm starts from early epochs", tuple(panels))


def _panel(x: str, y: str, ours, theirs) -> sections.Panel:
    points = [(place, value, 0.0) for place, value in theirs]
    name = charts.paper_name(_BLOCK)
    found = [
        charts.series("warm", "warm", ours),
        charts.series(name, "warm", points, is_paper=True),
    ]
    return sections.Panel(x, y, tuple(one for one in found if one))


def _claims(run: runs.Run, arms: list[runs.ArmRuns]) -> list[signs.Sign]:
    found = [
        signs.every(
            f"within {_HARMLESS:g} % of cold up to epoch {_EARLY}",
            [
                _between(arm, -_HARMLESS, _HARMLESS)
                for arm in arms
                if _start(arm) <= _EARLY
            ],
            run.missing_words,
        ),
        signs.every(
            f"below cold from epoch {_LATE} on",
            [_below(arm) for arm in arms if _start(arm) >= _LATE],
            run.missing_words,
        ),
        _level(run, arms),
    ]
    measured = [arm for arm in arms if _half(arm).count]
    claim = "the harm begins before the half-data accuracy peaks"
    if not measured:
        return [*found, signs.Sign(claim, None, bands.NOT_RUN)]
    peak = max(measured, key=lambda arm: _half(arm).mean)
    # The best of the first or last epoch tried may not be the peak.
    if peak in (measured[0], measured[-1]):
        because = f"no peak between the epochs that ran, {_start(peak)} is best"
        return [*found, signs.Sign(claim, None, because)]
    before = [arm for arm in measured if _start(arm) < _start(peak)]
    last = _below(before[-1])
    because = f"at epoch {_start(before[-1])} {last.because}, in per cent"
    return [*found, signs.Sign(claim, last.answer, because)]


def _level(run: runs.Run, arms: list[runs.ArmRuns]) -> signs.Sign:
    level, beyond = paper.numbers()[_BLOCK]["difference"]["plateau"]
    points = bands.READ_OFF_POINTS
    return signs.every(
        f"levels off at {shown.signed(level)} ± {points:g} % "
        f"beyond epoch {beyond}",
        [
            _between(arm, level - points, level + points)
            for arm in arms
            if _start(arm) > beyond
        ],
        run.missing_words,
    )


def _between(arm: runs.ArmRuns, low: float, high: float) -> signs.Sign:
    ours = differences(arm)
    zero = dict.fromkeys(ours, 0.0)
    return signs.between(f"epoch {_start(arm)}", ours, zero, low, high)


def _below(arm: runs.ArmRuns) -> signs.Sign:
    ours = differences(arm)
    zero = dict.fromkeys(ours, 0.0)
    return signs.above(f"epoch {_start(arm)}", zero, ours)
