"""Whether a long run keeps its size: memory, threads, open files.

    python -m benchmarks.soak --minutes=45

Starts `launch.run` with hundreds of small rounds, one arm after the other in
one process, samples its size from outside every few seconds, and ends it by
SIGTERM. Writes the samples to `soak.jsonl` in `results/benchmarks`, and prints
how fast each number grows, over the whole run and within the longest arm.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app
from absl import flags

from benchmarks import output
from ws_keras.storage import rows

flags.adopt_module_key_flags(output)

_MINUTES = flags.DEFINE_float("minutes", 45.0, "Length of the run.")
_SECONDS = 5.0
_COMMAND = [
    sys.executable,
    "-m",
    "launch.run",
    "--config=quickstart",
    "--config.rounds.step=10",
    "--config.rounds.limit=150",
    "--config.model.name=mlp",
    "--config.train.epochs=2",
    "--config.train.batch_size=10",
    f"--config.seeds={tuple(range(100))}",
]
_MEBIBYTE = 2**20


def sample(pid: int, workdir: pathlib.Path, start: float) -> dict:
    """Returns what a process holds now, and how many rounds are done."""
    process = pathlib.Path("/proc", str(pid))
    pages = int((process / "statm").read_text().split()[1])
    done = [len(rows.scan(path).records) for path in rows.find(workdir)]
    return {
        "seconds": round(time.monotonic() - start, 1),
        "resident": pages * os.sysconf("SC_PAGE_SIZE") / _MEBIBYTE,
        "threads": len(os.listdir(process / "task")),
        "files": len(os.listdir(process / "fd")),
        "arms": len(done),
        "rounds": sum(done),
    }


def watch(minutes: float, path: pathlib.Path) -> list[dict]:
    """Runs rounds for some minutes; writes and returns the samples."""
    found = []
    path.write_text("")
    with tempfile.TemporaryDirectory() as workdir:
        start = time.monotonic()
        process = subprocess.Popen(
            [*_COMMAND, f"--workdir={workdir}/run"], stdout=subprocess.DEVNULL
        )
        while time.monotonic() - start < 60 * minutes:
            time.sleep(_SECONDS)
            if process.poll() is not None:
                break
            found.append(sample(process.pid, pathlib.Path(workdir), start))
            with path.open("a") as file:
                file.write(f"{json.dumps(found[-1])}\n")
        process.send_signal(signal.SIGTERM)
        status = process.wait()
        if status != 128 + signal.SIGTERM:
            raise RuntimeError(f"The run ended by itself, with {status}.")
    return found


def slope(samples: list[dict], unit: str, per: str) -> float:
    """Returns the growth of a figure by a straight line through all samples."""
    x, y = ([point[name] for point in samples] for name in (per, unit))
    return float(np.polyfit(x, y, 1)[0]) if len(set(x)) > 1 else 0.0


def summary(samples: list[dict]) -> str:
    """Returns how the figures grow, for people."""
    # The first arm imports, loads and traces.
    settled = [point for point in samples if point["arms"] > 1] or samples
    first, last = settled[0], settled[-1]
    lines = [
        f"{last['seconds'] / 60:.0f} minutes, {last['rounds']} rounds, "
        f"{last['arms']} arms; after the first arm:"
    ]
    for unit in ("resident", "threads", "files"):
        hourly = 3600 * slope(settled, unit, "seconds")
        lines.append(
            f"{unit}: {first[unit]:.0f} -> {last[unit]:.0f}, "
            f"{hourly:+.1f} an hour, "
            f"{slope(settled, unit, 'arms'):+.2f} an arm"
        )
    arms = [point["arms"] for point in settled]
    longest = max(set(arms), key=arms.count)
    inside = [point for point in settled if point["arms"] == longest]
    grown = 100 * slope(inside, "resident", "rounds")
    lines.append(f"inside an arm: {grown:+.2f} MiB resident in 100 rounds")
    return "\n".join(lines)


def main(_) -> None:
    """Runs, writes and prints."""
    samples = watch(_MINUTES.value, output.folder() / "soak.jsonl")
    print(summary(samples))


if __name__ == "__main__":
    app.run(main)
