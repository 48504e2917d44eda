"""Fig. 11: how far weights stay from where they began, and accuracy."""

import math

from ws_keras.report import correlation
from ws_keras.report import sections
from ws_keras.report import shown
from ws_keras.report import signs
from ws_keras.report.views import charts
from ws_keras.report.views import finals
from ws_keras.report.views import run as runs

_MEASURE = "weight_correlation"
_LABEL = "Correlation of weights before and after"
_HEADER = ("model", "arm", "Pearson", "95 % interval", "Spearman", "runs")
_NOTE = (
    "Over finished runs, each one seed of one setting; the interval is "
    "Fisher's, which takes runs as independent of each other."
)
_NEAR_ZERO = 0.2


def blocks(run: runs.Run) -> list:
    """Returns the coefficients, the scatter and the claims."""
    models = list(dict.fromkeys(arm.cell.model for arm in run.arms))
    found = {
        (model, kind): _pairs(run, model, kind)
        for model in models
        for kind in ("warm", "cold")
    }
    found = {key: pairs for key, pairs in found.items() if pairs}
    return [
        _table(found),
        *_chart(run, models, found),
        signs.table(_claims(found)),
        finals.table(run, "Last round"),
    ]


def _pairs(run: runs.Run, model: str, kind: str) -> list[tuple[float, float]]:
    found = [
        (seed_rows[-1].measures.get(_MEASURE, math.nan), seed_rows[-1].accuracy)
        for arm in run.pick(kind, model=model)
        for seed_rows in arm.runs.finished.values()
    ]
    return [pair for pair in found if not any(map(math.isnan, pair))]


def _correlate(pairs: list) -> correlation.Correlation:
    return correlation.correlate(*zip(*pairs, strict=True))


def _table(found: dict) -> sections.Table:
    lines = []
    for (model, kind), pairs in found.items():
        value = _correlate(pairs)
        interval = shown.NOTHING
        if not math.isnan(value.low):
            low, high = (shown.signed(v, 2) for v in (value.low, value.high))
            interval = f"{low} to {high}"
        pearson, spearman = map(_shown, (value.pearson, value.spearman))
        line = (model, kind, pearson, interval, spearman, str(value.count))
        lines.append(line)
    title = "Correlation of weights with accuracy"
    return sections.Table(title, _HEADER, tuple(lines), _NOTE)


def _shown(value: float) -> str:
    return shown.NOTHING if math.isnan(value) else shown.signed(value, 2)


def _chart(run, models: list[str], found: dict) -> list[sections.Chart]:
    panels = []
    for model in models:
        series = [
            charts.series(kind, kind, [(*pair, math.nan) for pair in pairs])
            for (name, kind), pairs in found.items()
            if name == model
        ]
        known = tuple(one for one in series if one)
        if known:
            panels.append(
                sections.Panel(
                    _LABEL, charts.ACCURACY, known, "points", title=model
                )
            )
    if not panels:
        return []
    stem = charts.name("correlation", run.experiment)
    title = "Weights that stay near their start, and accuracy"
    return [sections.Chart(stem, title, tuple(panels))]


def _claims(found: dict) -> list[signs.Sign]:
    claims = []
    for (model, kind), pairs in found.items():
        if kind != "warm":
            continue
        value = _correlate(pairs)
        because = f"Pearson {_shown(value.pearson)}, n = {value.count}"
        is_known = not math.isnan(value.low)
        if model == "logistic":
            claim = "accuracy does not fall with correlation: logistic"
            # An interval around zero shows no relation, and no absence of one.
            answer = False if is_known and value.high < 0 else None
            answer = True if is_known and value.low > 0 else answer
            claims.append(signs.Sign(claim, answer, because))
            continue
        claim = f"accuracy falls with correlation: {model}, warm"
        answer = None
        if is_known and not value.low <= 0 <= value.high:
            answer = value.high < 0
        claims.append(signs.Sign(claim, answer, because))
        best = max(pairs, key=lambda pair: pair[1])
        claims.append(
            signs.Sign(
                f"the best warm run has forgotten its start: {model}",
                abs(best[0]) <= _NEAR_ZERO if is_known else None,
                f"correlation {shown.signed(best[0], 2)} at {best[1]:.1f} %, "
                f"best of n = {value.count}",
            )
        )
    return claims
