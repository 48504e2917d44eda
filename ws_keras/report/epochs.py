"""Curves over epochs and rounds: means and bands over seeds."""

from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ws_keras.report import charts
from ws_keras.report import paper
from ws_keras.report import per_round
from ws_keras.report import recipe
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.storage import rows

_CELLS = 12  # figures of one experiment
_POINTS = 20  # of a round, where seeds have rounds of different lengths
_LABELS = {
    "gradient_norm_old": "Gradient norm, old data",
    "gradient_norm_new": "Gradient norm, new data",
    "gradient_norm_ratio": "Gradient norm, new over old",
}
Read = Callable[[rows.Epoch], float]


def accuracy(run: runs.Run) -> sections.Chart | None:
    """Training and held-out accuracy over the life of each arm."""
    found = curves(run)
    if not found:
        return None
    return sections.Chart(found[0].name, found[0].title, found[0].panels, True)


def curves(run: runs.Run) -> list:
    """Returns a chart of accuracies for each cell that has epochs.

    Seeds are shown as mean and standard error: over epochs where their rounds
    have the same lengths, else over rounds, each stretched to the same length.
    """
    return _charts(run, _accuracies, "Accuracy, epoch by epoch", "epochs")


def measures(run: runs.Run) -> list:
    """Returns a chart of the diagnostics of each cell that has any."""
    return _charts(run, _measures, "Diagnostics, epoch by epoch", "diagnostics")


def lives(run: runs.Run, arm: runs.Arm) -> dict[str, list[rows.Epoch]]:
    """Returns setting to its epochs, for the seeds of an arm."""
    settings = dict.fromkeys(row.setting for row in arm.rows)
    return {name: run.epochs[name] for name in settings if name in run.epochs}


def _charts(run: runs.Run, make: Callable, title: str, stem: str) -> list:
    cells = run.cells()
    some = [
        (cell, arms)
        for cell, arms in cells.items()
        if any(lives(run, arm) for arm in arms)
    ]
    found = []
    for cell, arms in some[:_CELLS]:
        panels = [panel for panel in make(run, arms) if panel.series]
        words = ": ".join(
            filter(None, [per_round.cell_name(cell, cells), title])
        )
        if panels:
            name = charts.name(stem, *cell)
            found.append(sections.Chart(name, words, tuple(panels)))
    if found and len(some) > _CELLS:
        text = (
            f"The first {_CELLS} of {len(some)} cells are drawn; TensorBoard "
            "shows all of them."
        )
        found.append(sections.Text(text))
    return found


def _accuracies(run: runs.Run, arms: Sequence[runs.Arm]):
    label = f"Accuracy on {_monitored(run)} held-out samples (%)"
    fields = {"train_accuracy": "Training accuracy (%)", "accuracy": label}
    for field, words in fields.items():
        yield _panel(run, arms, words, _field(field), f"epoch_{field}")


def _measures(run: runs.Run, arms: Sequence[runs.Arm]):
    names = dict.fromkeys(
        name
        for arm in arms
        for life in lives(run, arm).values()
        for epoch in life
        for name in epoch.measures
    )
    for name in names:
        yield _panel(run, arms, _LABELS.get(name, name), _measure(name))


def _panel(
    run, arms: Sequence[runs.Arm], label: str, read: Read, measure: str = ""
) -> sections.Panel:
    alike = all(_are_alike(run, arm) for arm in arms)
    found = []
    for arm in arms:
        some = list(lives(run, arm).values())
        points = _over_epochs(some, read) if alike else _stretched(some, read)
        found.append(charts.series(arm.name, arm.name, points))
        if alike and measure:
            found.append(_drawn(run, arm, measure))
    x = "Epoch" if alike else "Round (each stretched to the same length)"
    return sections.Panel(x, label, charts.known(found))


def _are_alike(run: runs.Run, arm: runs.Arm) -> bool:
    some = lives(run, arm).values()
    return len({tuple((e.round, e.epoch) for e in life) for life in some}) <= 1


def _drawn(run: runs.Run, arm: runs.Arm, measure: str):
    """Returns a paper's curve over epochs, of rounds of the same length."""
    numbers = [
        number
        for name in run.view.paper
        for number in paper.of(name, measure)
        if number.arm == arm.name and number.cell == run.key(arm)
    ]
    same = numbers and not run.others(arm, numbers[0])
    if not same:
        return None
    points = [(number.x, number.mean) for number in numbers]
    return charts.paper_series(arm.name, numbers[0].source, points)


def _over_epochs(some: list[list[rows.Epoch]], read: Read) -> list[tuple]:
    if not some:
        return []
    found = []
    for matched in zip(*some, strict=True):
        summary = statistics.summarize(map(read, matched))
        found.append((matched[0].epoch, summary.mean, summary.error))
    return found


def _stretched(some: list[list[rows.Epoch]], read: Read) -> list[tuple]:
    """Returns means over seeds, each round taken as long as each other one."""
    lines = [line for life in some if (line := _in_rounds(life, read))]
    if not lines:
        return []
    end = max(x[-1] for x, _ in lines)
    found = []
    for place in np.arange(1, round(end * _POINTS) + 1) / _POINTS:
        known = [
            float(np.interp(place, x, y))
            for x, y in lines
            if x[0] - 1 / _POINTS <= place <= x[-1]
        ]
        summary = statistics.summarize(known)
        found.append((float(place), summary.mean, summary.error))
    return found


def _in_rounds(life: list[rows.Epoch], read: Read):
    lengths = {}
    for epoch in life:
        lengths.setdefault(epoch.round, []).append(epoch)
    points = [
        (number - 1 + place / len(some), read(epoch))
        for number, some in sorted(lengths.items())
        for place, epoch in enumerate(some, 1)
    ]
    points = [point for point in points if point[1] == point[1]]
    return list(zip(*points, strict=True)) if points else None


def _monitored(run: runs.Run) -> str:
    """Returns how many samples the curves are of; tables take all."""
    count = recipe.field_of(run.config, "train.monitor_samples")
    return f"{count:,}" if isinstance(count, int) else "some"


def _field(field: str) -> Read:
    return lambda epoch: getattr(epoch, field)


def _measure(name: str) -> Read:
    return lambda epoch: epoch.measures.get(name, float("nan"))
