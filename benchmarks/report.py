"""Table and figure of the measured comparisons."""

import json
import pathlib

from benchmarks import pairs
from benchmarks import shares

_HEAD = (
    "work",
    "against",
    "pairs",
    "times faster, wall clock",
    "CPU-seconds",
    "aim",
    "a second",
    "CPU-s per 1,000",
    "share of the limit",
    "peer: a second",
    "CPU-s per 1,000",
)


def table(rows: list[pairs.Row], found: dict | None = None) -> str:
    """Returns a Markdown table, a line per comparison.

    Args:
        rows: The comparisons.
        found: The machine's limits, as `limits.json` holds them. Defaults to
            `None`.
    """
    lines = [_HEAD, ("---",) * 2 + ("--:",) * (len(_HEAD) - 2)]
    lines += [_cells(row, found) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: pairs.Row, found: dict | None) -> tuple[str, ...]:
    share = shares.share(row, found) if found else None
    return (
        row.work,
        row.peer,
        str(row.pairs),
        _ratio(row.wall),
        _ratio(row.cpu),
        "" if row.at_least is None else f"{row.at_least:.2f}",
        _number(row.samples_per_second),
        _number(row.cpu_seconds_per_1000),
        "" if share is None else f"{100 * share:.0f} %",
        _number(row.peer_samples_per_second),
        _number(row.peer_cpu_seconds_per_1000),
    )


def _ratio(quartiles: tuple[float, float, float]) -> str:
    low, middle, high = quartiles
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write(folder: pathlib.Path) -> None:
    """Writes `tables.md` and `ratios.png` of the rows in a folder."""
    rows = pairs.read(folder / "rows.jsonl")
    measured = folder / "limits.json"
    found = json.loads(measured.read_text()) if measured.exists() else None
    text = table(rows, found) + "\n"
    (folder / "tables.md").write_text(text, encoding="utf8")
    _figure(rows).savefig(folder / "ratios.png", dpi=120)


def _figure(rows: list[pairs.Row]):
    from matplotlib import figure

    drawn = figure.Figure((8, 0.6 + 0.32 * len(rows)), layout="constrained")
    axes = drawn.subplots()
    for place, row in enumerate(rows):
        for unit, shift, colour in (("wall", -0.15, "C0"), ("cpu", 0.15, "C1")):
            low, middle, high = getattr(row, unit)
            axes.errorbar(
                middle,
                place + shift,
                xerr=[[middle - low], [high - middle]],
                fmt="o",
                color=colour,
                markersize=4,
                label=None if place else _UNITS[unit],
            )
        if row.at_least is not None:
            axes.plot(
                [row.at_least] * 2,
                [place - 0.35, place + 0.35],
                color="0.4",
                linewidth=1,
            )
    axes.axvline(1, color="0.8", linewidth=1, zorder=0)
    axes.set_xscale("log")
    ticks = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.minorticks_off()
    names = [f"{row.work}\nagainst {row.peer}" for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("times faster (median and quartiles; grey: aim)")
    axes.legend(loc="lower right", fontsize=8)
    return drawn


_UNITS = {"wall": "wall clock", "cpu": "CPU-seconds"}
