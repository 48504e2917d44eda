"""Ratios of programs that take turns: the only speeds that are compared.

Machines differ, and stall now and then. So each program does one short piece of
work, then the next program does, round after round. A ratio is taken within
each round, and its median and quartiles over the rounds are reported.
"""

import contextlib
import dataclasses
import datetime
import functools
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
from importlib import metadata

from benchmarks import turns

AUTHORS = "the authors' way"
OURS = "ws_keras"


@dataclasses.dataclass(frozen=True)
class Row:
    """A program against a peer, over the same rounds.

    `wall` and `cpu` are the peer's seconds divided by the program's (above 1
    the program is the faster one), as (quartile, median, quartile). Work
    without samples counts as one. `facts` are the medians of what else the
    program reports, `conditions` where and when it was measured. `turns` has
    each round: when it ended, and seconds and samples of program and peer.
    """

    work: str
    program: str
    peer: str
    pairs: int
    wall: tuple[float, float, float]
    cpu: tuple[float, float, float]
    samples_per_second: float
    cpu_seconds_per_1000: float
    peer_samples_per_second: float
    peer_cpu_seconds_per_1000: float
    at_least: float | None = None
    facts: dict = dataclasses.field(default_factory=dict)
    conditions: dict = dataclasses.field(default_factory=dict)
    turns: list[dict] = dataclasses.field(default_factory=list)


def compare(
    work: str,
    programs: dict[str, dict],
    count: int,
    at_least: dict[str, float] | None = None,
    tolerance: float | None = None,
) -> list[Row]:
    """Runs programs in turn and compares the first with each other one.

    Args:
        work: What they do.
        programs: Name to arguments of `turns.Program`.
        count: Number of rounds, after one that is not counted.
        at_least: Name of a peer to the ratio that is aimed at. Defaults to
            none.
        tolerance: Largest relative difference of the losses of the first two
            rounds. Defaults to no check.

    Returns:
        A `Row` for each program but the first.

    Raises:
        RuntimeError: If the programs do not do the same: other numbers of
            weights or samples, or other losses.
    """
    with turns.open_programs(*programs.values()) as opened:
        _check_equal("weights", {p.ready["num_params"] for p in opened})
        rounds = [[program() for program in opened] for _ in range(count + 1)]
    for replies in rounds:
        _check_equal("samples", {reply["samples"] for reply in replies})
    if tolerance is not None:
        _check_losses(work, list(programs), rounds[:2], tolerance)
    by_program = dict(zip(programs, zip(*rounds[1:], strict=True), strict=True))
    (name, ours), *peers = by_program.items()
    return [
        row(work, name, ours, peer, theirs, (at_least or {}).get(peer))
        for peer, theirs in peers
    ]


def row(
    work: str,
    name: str,
    ours: list[dict],
    peer: str,
    theirs: list[dict],
    at_least: float | None = None,
) -> Row:
    """Returns the comparison of two programs.

    Args:
        work: What they did.
        name: The program.
        ours: Its reports, with `wall`, `cpu` and `samples`.
        peer: The other program.
        theirs: Its reports, of the same rounds.
        at_least: Ratio that is aimed at. Defaults to none.
    """
    return Row(
        work=work,
        program=name,
        peer=peer,
        pairs=len(ours),
        wall=ratios(ours, theirs, "wall"),
        cpu=ratios(ours, theirs, "cpu"),
        samples_per_second=1 / _cost(ours, "wall"),
        cpu_seconds_per_1000=1000 * _cost(ours, "cpu"),
        peer_samples_per_second=1 / _cost(theirs, "wall"),
        peer_cpu_seconds_per_1000=1000 * _cost(theirs, "cpu"),
        at_least=at_least,
        facts={
            name: statistics.median(reply[name] for reply in ours)
            for name in set(ours[0]) - _COSTS
        },
        conditions=conditions(),
        turns=[_turn(a, b) for a, b in zip(ours, theirs, strict=True)],
    )


def _turn(ours: dict, theirs: dict) -> dict:
    """Returns a round as it was, of which a row has quartiles alone."""
    found = {
        name: (ours[name], theirs[name]) for name in ("wall", "cpu", "samples")
    }
    return {"ended": theirs.get("ended"), **found}


@functools.cache
def conditions() -> dict:
    """Returns the day, the state of the code, the processor and versions."""
    versions = {}
    for name in ("tensorflow", "keras", "torch", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "date": datetime.date.today().isoformat(),
        "revision": _revision(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        **versions,
    }


def _revision() -> str:
    """Returns the commit; it is dirty if more than results has changed."""

    def git(*arguments):
        return subprocess.run(
            ["git", *arguments],
            cwd=pathlib.Path(__file__).parent,
            capture_output=True,
            text=True,
        )

    found = git("describe", "--always").stdout.strip()
    changed = git(
        "diff", "--quiet", "HEAD", "--", ":/", ":(top,exclude)results"
    )
    return found + "-dirty" * (changed.returncode == 1)


def _processor() -> str:
    path = pathlib.Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor()
    found = re.search(r"^model name\s*: (.*)$", path.read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


_COSTS = {"wall", "cpu", "samples", "loss", "ended"}


def ratios(ours, theirs, unit: str) -> tuple[float, float, float]:
    """Returns quartile, median and quartile of `theirs / ours`."""
    found = [b[unit] / a[unit] for a, b in zip(ours, theirs, strict=True)]
    if len(found) == 1:
        return (found[0],) * 3
    return tuple(statistics.quantiles(found, n=4, method="inclusive"))


def _cost(replies, unit: str) -> float:
    return statistics.median(r[unit] / max(r["samples"], 1) for r in replies)


def _check_equal(what: str, found: set) -> None:
    if len(found) > 1:
        raise RuntimeError(
            f"All programs must have the same {what}. Received: {found}."
        )


def _check_losses(work, names, rounds, tolerance) -> None:
    for replies in rounds:
        first, *others = (reply["loss"] for reply in replies)
        for name, loss in zip(names[1:], others, strict=True):
            if not abs(loss - first) <= tolerance * abs(first):
                raise RuntimeError(
                    f"{name!r} does not train as {names[0]!r} does at {work}: "
                    f"loss {loss} instead of {first}."
                )


def write(path: pathlib.Path, rows: list[Row]) -> None:
    """Writes rows, one JSON object a line; those of the same work go."""
    new = {row.work for row in rows}
    kept = [row for row in read(path) if row.work not in new]
    lines = [json.dumps(dataclasses.asdict(row)) for row in [*kept, *rows]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def read(path: pathlib.Path) -> list[Row]:
    """Returns the rows of a file, none if there is no file."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        fields = json.loads(line)
        for unit in ("wall", "cpu"):
            fields[unit] = tuple(fields[unit])
        found.append(Row(**fields))
    return found
