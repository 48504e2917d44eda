"""Curves over epochs and rounds: means and bands over seeds."""

from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ws_keras.report import charts
from ws_keras.report import grouping
from ws_keras.report import recipe
from ws_keras.report import runs
from ws_keras.report import sections
from ws_keras.report import statistics
from ws_keras.storage import rows

_CELLS = 12  # figures of one experiment
_POINTS = 20  # of a round, where seeds have rounds of different lengths
LABELS = {
    "gradient_norm_old": "Gradient norm, old data",
    "gradient_norm_new": "Gradient norm, new data",
    "gradient_norm_ratio": "Gradient norm, new over old",
}
Read = Callable[[rows.Epoch], float]
Life = list[rows.Epoch]


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
    count = recipe.field_of(run.config, "train.monitor_samples")
    samples = f"{count:,}" if isinstance(count, int) else "some"
    labels = {
        "train_accuracy": "Training accuracy (%)",
        "accuracy": f"Accuracy on {samples} held-out samples (%)",
    }

    def panels(arms):
        for field, label in labels.items():
            read = _reader(getattr, field)
            yield _panel(run, arms, label, read, f"epoch_{field}")

    return _charts(run, panels, "Accuracy, epoch by epoch", "epochs")


def measures(run: runs.Run) -> list:
    """Returns a chart of the diagnostics of each cell that has any."""

    def panels(arms):
        names = dict.fromkeys(
            name
            for arm in arms
            for life in _lives(run, arm)
            for epoch in life
            for name in epoch.measures
        )
        for name in names:
            read = _reader(lambda e, n: e.measures.get(n, np.nan), name)
            yield _panel(run, arms, LABELS.get(name, name), read)

    return _charts(run, panels, "Diagnostics, epoch by epoch", "diagnostics")


def _reader(read: Callable, name: str) -> Read:
    return lambda epoch: read(epoch, name)


def _lives(run: runs.Run, arm: runs.Arm) -> list[Life]:
    """Returns the epochs of each seed of an arm."""
    settings = dict.fromkeys(row.setting for row in arm.rows)
    return [run.epochs[name] for name in settings if name in run.epochs]


def _charts(run: runs.Run, make: Callable, title: str, stem: str) -> list:
    cells = run.cells()
    some = [
        (cell, arms)
        for cell, arms in cells.items()
        if any(_lives(run, arm) for arm in arms)
    ]
    found = []
    for cell, arms in some[:_CELLS]:
        panels = tuple(panel for panel in make(arms) if panel.series)
        words = filter(None, [grouping.cell_name(cell, cells), title])
        if panels:
            name = charts.name(stem, *cell)
            found.append(sections.Chart(name, ": ".join(words), panels))
    if found and len(some) > _CELLS:
        text = (
            f"The first {_CELLS} of {len(some)} cells are drawn; TensorBoard "
            "shows all of them."
        )
        found.append(sections.Text(text))
    return found


def _panel(
    run: runs.Run,
    arms: Sequence[runs.Arm],
    label: str,
    read: Read,
    measure: str = "",
) -> sections.Panel:
    lives = {arm: _lives(run, arm) for arm in arms}
    is_alike = all(map(_are_alike, lives.values()))
    found = []
    for arm, some in lives.items():
        points = (_over_epochs if is_alike else _stretched)(some, read)
        found.append(charts.series(arm.name, arm.name, points))
        theirs = run.curve(arm, measure) if is_alike and measure else []
        if theirs and not run.others(arm, theirs[0]):
            found.append(charts.paper_curve(theirs))
    x = "Epoch" if is_alike else "Round (each stretched to the same length)"
    return sections.Panel(x, label, charts.known(found))


def _are_alike(some: Sequence[Life]) -> bool:
    """Returns whether the rounds of all seeds have the same lengths."""
    return len({tuple((e.round, e.epoch) for e in life) for life in some}) <= 1


def _over_epochs(some: Sequence[Life], read: Read) -> list[tuple]:
    found = []
    for matched in zip(*some, strict=True):
        mean = statistics.summarize(map(read, matched))
        found.append((matched[0].epoch, mean.mean, mean.error))
    return found


def _stretched(some: Sequence[Life], read: Read) -> list[tuple]:
    """Returns means over seeds, with all rounds of the same length."""
    lines = [line for life in some if (line := _in_rounds(life, read))]
    end = max((x[-1] for x, _ in lines), default=0)
    found = []
    for place in np.arange(1, round(end * _POINTS) + 1) / _POINTS:
        mean = statistics.summarize(
            float(np.interp(place, x, y))
            for x, y in lines
            if x[0] - 1 / _POINTS <= place <= x[-1]
        )
        found.append((float(place), mean.mean, mean.error))
    return found


def _in_rounds(life: Life, read: Read) -> list[tuple]:
    """Returns the rounds that have passed at each epoch, and its values."""
    rounds = {}
    for epoch in life:
        rounds.setdefault(epoch.round, []).append(epoch)
    points = [
        (number - 1 + place / len(some), read(epoch))
        for number, some in sorted(rounds.items())
        for place, epoch in enumerate(some, 1)
    ]
    points = [point for point in points if not np.isnan(point[1])]
    return list(zip(*points, strict=True))
