"""Figures of rows: curves over samples, curves over epochs, bars of cells."""

import itertools
import math
import pathlib
from collections.abc import Iterable

import numpy as np

from ws_keras.results import paper
from ws_keras.results import rows
from ws_keras.results import statistics

# Okabe & Ito (2008), without yellow, which is too pale for a line on white.
# Cold is orange and warm is blue, as in the paper.
COLORS = {"cold": "#E69F00", "warm": "#0072B2"}
OTHER_COLORS = ("#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
LINES = ("-", "--", ":", "-.")
DPI = 150
_SEEDS = 50  # lines of an arm; more of them hide each other
_PAPER = "paper"
_POINTS = {
    "linestyle": "",
    "marker": "D",
    "markersize": 5.5,
    "markerfacecolor": "none",
    "color": "#444444",
}
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    "font.size": 10,
    # The same rows give the same file, byte for byte.
    "svg.hashsalt": "ws_keras",
}
_PANELS = {
    "accuracy": "Held-out accuracy (%)",
    "train_seconds": "Training time per round (s)",
    "sample_passes": "Passes per round (thousands)",
}


def online(
    arms: dict[str, list[rows.Row]], path: pathlib.Path, title: str = ""
) -> list[pathlib.Path]:
    """Draws accuracy, time and sample passes over samples, like Fig. 2.

    Args:
        arms: Arm label to its rows, of one cell.
        path: File without suffix.
        title: Above the panels. Defaults to none.

    Returns:
        Paths of the PNG and the SVG file.
    """
    with _Canvas(path, len(_PANELS), title) as canvas:
        for axes, (field, name) in zip(
            canvas.panels, _PANELS.items(), strict=True
        ):
            _label(axes, "Samples (thousands)", name)
            for arm, style in _styles(arms).items():
                _over_samples(axes, arm, arms[arm], field, style)
            if field != "accuracy":
                axes.set_ylim(bottom=0)
        canvas.legend()
    return canvas.paths


def curves(
    arms: dict[str, dict[str, list[rows.Epoch]]],
    path: pathlib.Path,
    title: str = "",
    firsts: dict[str, rows.Row] | None = None,
) -> list[pathlib.Path]:
    """Draws training and held-out accuracy over epochs, like Fig. 1.

    Seeds whose rounds have the same lengths are shown as mean and standard
    error. Where the lengths differ, a mean at one epoch would mix rounds, so
    every seed has its own thin line, up to 50 of them.

    Args:
        arms: Arm label to setting id to its epochs.
        path: File without suffix.
        title: Above the panels. Defaults to none.
        firsts: Arm label to a row of its first round, for the paper's points.
            Defaults to none.

    Returns:
        Paths of the PNG and the SVG file.
    """
    panels = {
        "train_accuracy": "Training accuracy (%)",
        "accuracy": _PANELS["accuracy"],
    }
    with _Canvas(path, len(panels), title) as canvas:
        for axes, (field, name) in zip(
            canvas.panels, panels.items(), strict=True
        ):
            _label(axes, "Epoch", name)
            for arm, style in _styles(arms).items():
                _over_epochs(axes, arm, arms[arm], field, style)
                first = (firsts or {}).get(arm)
                curve = first and paper.epochs(first, field)
                _points(axes, curve, style, scale=1)
        canvas.legend()
    return canvas.paths


def cells(
    found: dict[statistics.Cell, dict[str, list[rows.Row]]],
    path: pathlib.Path,
    title: str = "",
) -> list[pathlib.Path]:
    """Draws final accuracies as grouped bars, like Table 1.

    One panel per data set, one group per model and optimizer, one bar per
    arm with its standard deviation over seeds.

    Args:
        found: What `statistics.cells` returns, of two-phase experiments.
        path: File without suffix.
        title: Above the panels. Defaults to none.

    Returns:
        Paths of the PNG and the SVG file.
    """
    names = list(dict.fromkeys(arm for arms in found.values() for arm in arms))
    styles = _styles(names)
    datasets = list(dict.fromkeys(cell.dataset for cell in found))
    with _Canvas(path, len(datasets), title) as canvas:
        for axes, dataset in zip(canvas.panels, datasets, strict=True):
            chosen = {c: a for c, a in found.items() if c.dataset == dataset}
            _bars(axes, chosen, styles)
            axes.set_title(dataset, fontsize=10)
        canvas.legend()
    return canvas.paths


class _Canvas:
    """A row of panels that is written as PNG and SVG when the block ends."""

    def __init__(self, path: pathlib.Path, num_panels: int, title: str):
        self._matplotlib = _import_matplotlib()
        self.paths = [path.with_name(path.name + s) for s in (".png", ".svg")]
        self._num_panels = num_panels
        self._title = title

    def __enter__(self):
        self._style = self._matplotlib.rc_context(_STYLE)
        self._style.__enter__()
        # Figure rather than pyplot: no window system, no global state.
        self._figure = self._matplotlib.figure.Figure(
            figsize=(max(6.4, 4.2 * self._num_panels), 3.9),
            layout="constrained",
        )
        self.panels = self._figure.subplots(1, self._num_panels, squeeze=False)
        self.panels = list(self.panels[0])
        if self._title:
            self._figure.suptitle(self._title, fontsize=11)
        return self

    def legend(self) -> None:
        """One legend below all panels, each entry once."""
        entries = {}
        for axes in self.panels:
            handles, names = axes.get_legend_handles_labels()
            for name, handle in zip(names, handles, strict=True):
                entries.setdefault(name, handle)
        # The paper's points have the color of an arm each; their one entry
        # has none and comes last.
        papers = [name for name in entries if name.startswith(_PAPER)]
        for name in papers:
            del entries[name]
            entries[name] = self._matplotlib.lines.Line2D([], [], **_POINTS)
        self._figure.legend(
            entries.values(),
            entries.keys(),
            loc="outside lower center",
            ncols=min(len(entries), 1 + self._num_panels),
        )

    def __exit__(self, kind, *error):
        try:
            if kind is None:
                self._save()
        finally:
            self._style.__exit__(kind, *error)

    def _save(self) -> None:
        png, svg = self.paths
        png.parent.mkdir(parents=True, exist_ok=True)
        self._figure.savefig(png, dpi=DPI)
        self._figure.savefig(svg, metadata={"Date": None})


def _import_matplotlib():
    try:
        import matplotlib.figure
        import matplotlib.lines
    except ImportError:
        raise ImportError(
            "Figures need matplotlib. Install it with "
            "`pip install 'ws_keras[report]'`."
        ) from None
    return matplotlib


def _styles(arms: Iterable[str]) -> dict[str, dict]:
    """Returns arm label to color and line, the same in every panel."""
    others = itertools.product(LINES, OTHER_COLORS)
    styles = {}
    for arm in arms:
        line, color = ("-", COLORS[arm]) if arm in COLORS else next(others)
        styles[arm] = {"linestyle": line, "color": color}
    return styles


def _label(axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _over_samples(axes, arm: str, arm_rows, field: str, style: dict) -> None:
    ours = statistics.by_samples(arm_rows, field)
    scale = 1000 if field == "sample_passes" else 1
    summaries = [statistics.summarize(v.values()) for v in ours.values()]
    x = [size / 1000 for size in ours]
    _band(axes, arm, x, summaries, style, scale)
    # The paper's seconds are those of another machine; the table has them.
    if field == "accuracy":
        curve = paper.online(arm_rows[0], field)
        _points(axes, curve, style, scale=1000, limit=max(ours))


def _over_epochs(axes, arm: str, settings, field: str, style: dict) -> None:
    lengths = {tuple(e.round for e in found) for found in settings.values()}
    if len(lengths) == 1:
        matched = zip(*settings.values(), strict=True)
        summaries = [
            statistics.summarize(getattr(epoch, field) for epoch in epochs)
            for epochs in matched
        ]
        x = [epoch.epoch for epoch in next(iter(settings.values()))]
        _band(axes, arm, x, summaries, style, marker="")
        return
    shown = list(settings.values())[:_SEEDS]
    which = "each" if len(shown) == len(settings) else f"first {_SEEDS}, each"
    for number, found in enumerate(shown):
        x = [epoch.epoch for epoch in found]
        y = [getattr(epoch, field) for epoch in found]
        name = None if number else f"{arm} ({which} seed)"
        axes.plot(*_known(x, y), linewidth=0.9, label=name, **style)


def _band(axes, arm, x, summaries, style, scale=1, marker="o") -> None:
    x, mean, error = _known(
        x,
        [summary.mean / scale for summary in summaries],
        [summary.error / scale for summary in summaries],
    )
    error = np.nan_to_num(error)
    size = 3.5 if len(x) < 12 else 2
    axes.plot(x, mean, marker=marker, markersize=size, label=arm, **style)
    axes.fill_between(
        x, mean - error, mean + error, color=style["color"], alpha=0.2, lw=0
    )


def _known(x, y, *others) -> tuple[np.ndarray, ...]:
    """Drops points without a value, so that a line bridges what is unknown."""
    known = ~np.isnan(np.array(y, float))
    return tuple(np.array(v, float)[known] for v in (x, y, *others))


def _points(axes, curve, style, scale, limit=math.inf) -> None:
    if not curve:
        return
    points = [
        (x, y) for x, y in zip(curve.x, curve.y, strict=True) if x <= limit
    ]
    if not points:
        return
    axes.plot(
        [x / scale for x, _ in points],
        [y for _, y in points],
        label=f"{_PAPER} ({curve.where}), in the arm's color",
        zorder=3,
        **{**_POINTS, "color": style["color"]},
    )


def _bars(axes, found, styles: dict[str, dict]) -> None:
    width = 0.8 / len(styles)
    for group, (cell, arms) in enumerate(found.items()):
        for number, arm in enumerate(styles):
            x = group + (number - (len(styles) - 1) / 2) * width
            if arm in arms:
                runs = statistics.runs(arms[arm])
                _bar(axes, x, width, arm, runs, styles[arm]["color"])
                _printed(axes, x, paper.table1(cell, arm, runs))
    names = [f"{cell.model}\n{cell.optimizer}" for cell in found]
    axes.set_xticks(range(len(found)), names)
    axes.set_xlim(-0.6, len(found) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.set_axisbelow(True)
    axes.set_ylabel(_PANELS["accuracy"])


def _bar(axes, x, width, arm: str, runs: statistics.Runs, color: str) -> None:
    ours = statistics.summarize(statistics.final(runs, "accuracy").values())
    axes.bar(
        x,
        np.nan_to_num(ours.mean),
        width * 0.92,
        yerr=np.nan_to_num(ours.std),
        color=color,
        error_kw={"elinewidth": 1, "capsize": 2},
        label=arm,
    )


def _printed(axes, x, printed: tuple[float, float] | None) -> None:
    if printed:
        axes.errorbar(
            x,
            printed[0],
            printed[1],
            elinewidth=1,
            capsize=2,
            label=f"{_PAPER} (Table 1), mean and std",
            **{**_POINTS, "markerfacecolor": "white"},
        )
