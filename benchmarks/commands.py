"""Whole commands in turn: wall clock, CPU-seconds and peak memory."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks import pairs
from benchmarks import turns


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a command took; memory in MB, that of its largest process."""

    wall: float
    cpu: float
    peak_memory: float


def run(command: list[str]) -> Cost:
    """Runs a command to its end.

    Raises:
        RuntimeError: If it fails.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status:
            output.seek(0)
            tail = output.read()[-2000:]
            raise RuntimeError(f"A command has failed: {command}\n{tail}")
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_memory=usage.ru_maxrss * 1024 / 1e6,
    )


def compare(
    work: str,
    samples: int,
    commands: dict[str, Callable[[], list[str]]],
    count: int,
    at_least: float | None = None,
) -> pairs.Row:
    """Runs two commands in turn.

    Args:
        work: What they do.
        samples: How many samples each one trains on, all epochs together.
        commands: Name to a function that gives the command of one run.
        count: Number of pairs.
        at_least: Ratio that is aimed at. Defaults to none.

    Returns:
        The `pairs.Row`; `facts` holds the peak memory of the first one.
    """
    found = {name: [] for name in commands}
    for _ in range(count):
        for name, command in commands.items():
            found[name].append(dataclasses.asdict(run(command())))
    for costs in found.values():
        for cost in costs:
            cost["samples"] = samples
    (name, ours), (peer, theirs) = found.items()
    return pairs.row(work, name, ours, peer, theirs, at_least)


def python(statement: str) -> None:
    """Runs a statement on `work` and `ours` in a process of its own."""
    # In a process of its own: this one must not load TensorFlow, whose
    # threads would be in the way of what is measured.
    code = (
        "from benchmarks import work\n"
        "from benchmarks.programs import ours\n"
        f"{statement}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=turns.env())
