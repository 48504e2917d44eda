"""Curves over the epochs of an arm's whole life, and diagnostics over them."""

from collections.abc import Callable
from collections.abc import Sequence

from ws_keras.report import paper
from ws_keras.report import protocol
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.report.views import charts
from ws_keras.report.views import run as runs
from ws_keras.storage import rows

_SEEDS = 50  # lines of an arm; more of them hide each other
_CELLS = 12  # figures of one experiment
_UNITS = {
    "gradient_norm_old": "Gradient norm, old data",
    "gradient_norm_new": "Gradient norm, new data",
    "gradient_norm_ratio": "Gradient norm, new over old",
}


def blocks(run: runs.Run) -> list:
    """Returns the curves of each cell that has epochs.

    Seeds whose rounds have the same lengths are shown as mean and standard
    error. Where the lengths differ, a mean at one epoch would mix rounds, so
    every seed has its own line, up to 50 of them.
    """
    cells = [
        (cell, arms)
        for cell, arms in run.cells().items()
        if any(row.setting in run.epochs for arm in arms for row in arm.rows)
    ]
    found = []
    for cell, arms in cells[:_CELLS]:
        found.append(_curves(run, cell, arms))
        found += _measures(run, cell, arms)
    if len(cells) > _CELLS:
        found.append(
            sections.Text(
                f"Curves over epochs are drawn for the first {_CELLS} of "
                f"{len(cells)} cells; TensorBoard shows all of them."
            )
        )
    return found


def lives(run: runs.Run, arm: runs.ArmRuns) -> dict[str, list[rows.Epoch]]:
    """Returns setting to its epochs, for the seeds of an arm."""
    settings = dict.fromkeys(row.setting for row in arm.rows)
    return {name: run.epochs[name] for name in settings if name in run.epochs}


def _curves(run, cell, arms: Sequence[runs.ArmRuns]) -> sections.Chart:
    panels = []
    labels = {
        "train_accuracy": "Training accuracy (%)",
        "accuracy": f"Accuracy on {_monitored(run)} held-out samples (%)",
    }
    for field, label in labels.items():
        found = []
        for arm in arms:
            found += over_epochs(arm.name, lives(run, arm), _reader(field))
            curve = paper.epochs(arm.first, field)
            if curve:
                points = [
                    (*point, 0.0)
                    for point in zip(curve.x, curve.y, strict=True)
                ]
                name = f"paper ({curve.where})"
                found.append(charts.series(name, arm.name, points, True))
        panels.append(sections.Panel("Epoch", label, tuple(found)))
    title = f"{' '.join(filter(None, cell))}: all rounds, epoch by epoch"
    return sections.Chart(charts.name("epochs", *cell), title, tuple(panels))


def _monitored(run: runs.Run) -> str:
    """Returns how many samples the curves are of; tables take all."""
    count = protocol.field_of(run.config, "train.monitor_samples")
    return f"{count:,}" if isinstance(count, int) else "some"


def _measures(run, cell, arms: Sequence[runs.ArmRuns]) -> list[sections.Chart]:
    """Returns a chart of the diagnostics, a panel for each, if there are."""
    names = dict.fromkeys(
        name
        for arm in arms
        for life in lives(run, arm).values()
        for epoch in life
        for name in epoch.measures
    )
    panels = [
        sections.Panel(
            "Epoch",
            _UNITS.get(name, name),
            tuple(
                series
                for arm in arms
                for series in over_epochs(
                    arm.name, lives(run, arm), _measure(name)
                )
            ),
        )
        for name in names
    ]
    if not panels:
        return []
    title = f"{' '.join(filter(None, cell))}: diagnostics, epoch by epoch"
    stem = charts.name("diagnostics", *cell)
    return [sections.Chart(stem, title, tuple(panels))]


def over_epochs(
    arm: str,
    settings: dict[str, list[rows.Epoch]],
    read: Callable[[rows.Epoch], float],
) -> list[sections.Series]:
    """Returns one series of means, or one a seed where lengths differ."""
    lengths = {
        tuple((e.round, e.epoch) for e in found) for found in settings.values()
    }
    if len(lengths) == 1:
        found = list(settings.values())
        summaries = [
            statistics.summarize(map(read, matched))
            for matched in zip(*found, strict=True)
        ]
        points = [
            (epoch.epoch, summary.mean, summary.error)
            for epoch, summary in zip(found[0], summaries, strict=True)
        ]
        return _some(charts.series(arm, arm, points))
    few = list(settings.values())[:_SEEDS]
    which = "each" if len(few) == len(settings) else f"first {_SEEDS}, each"
    name = f"{arm} ({which} seed)"
    return [
        series
        for found in few
        for series in _some(
            charts.series(
                name, arm, [(e.epoch, read(e), float("nan")) for e in found]
            )
        )
    ]


def _some(series: sections.Series | None) -> list[sections.Series]:
    return [] if series is None else [series]


def _reader(field: str) -> Callable[[rows.Epoch], float]:
    return lambda epoch: getattr(epoch, field)


def _measure(name: str) -> Callable[[rows.Epoch], float]:
    return lambda epoch: epoch.measures.get(name, float("nan"))
