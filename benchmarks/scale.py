r"""What large sweeps cost beside their training, measured without training.

    python -m benchmarks.scale

For 10 to 100,000 settings: the scheduler with workers that cost nothing, the
files that settings leave (rows, TensorBoard events), the report of their rows,
and a headless Chromium that opens it, if there is one. Writes `scale.jsonl` and
`scale.md` to `results/benchmarks`.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags

from benchmarks import output
from launch import scheduler
from ws_keras import settings as all_settings
from ws_keras.storage import events
from ws_keras.storage import rows
from ws_keras.storage import workdir

flags.adopt_module_key_flags(output)

# Settings and their rounds: 34 as in Figure 2, and 100,000 rows in two ways.
SHAPES = ((10, 34), (1000, 34), (2941, 34), (100_000, 1))
EPOCHS = 10  # of a round
# Events are written for so many settings at most; they are all alike.
WRITTEN = 20
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ARMS = (
    ("cold", 0.0, 1.0),
    ("warm", 1.0, 0.0),
    ("shrink_perturb", 0.6, 0.01),
    ("shrink_perturb", 0.4, 0.1),
)
_HEAD = {
    "settings": "settings",
    "rounds": "rounds",
    "scheduler_us": "scheduler, µs a setting",
    "rows_kb": "rows, kB a setting",
    "events_kb": "events, kB a setting",
    "events_ms": "events, ms a setting",
    "report_s": "report, s",
    "report_cpu_s": "CPU-s",
    "report_mb": "peak MB",
    "page_mb": "page, MB",
    "opened_s": "opened, s",
}

# The peak is that of the program: what `wait4` tells begins with the memory of
# the process that it was forked from.
_REPORT = """
import json, os, sys, time
from ws_keras.storage import memory
from ws_keras.report import writing

start = time.perf_counter()
writing.write(sys.argv[1])
times = os.times()
found = {
    "report_s": time.perf_counter() - start,
    "report_cpu_s": times.user + times.system,
    "report_mb": memory.peak(os.getpid()) / 1e6,
}
print(json.dumps(found))
"""


class Nothing:
    """A `scheduler.Pool` whose settings end at once."""

    def __init__(self, workers: int = 2):
        self._workers = workers
        self._running = []

    def has_room(self) -> bool:
        """Returns whether a worker is free."""
        return len(self._running) < self._workers

    def start(self, setting: str) -> None:
        """Begins nothing."""
        self._running.append(setting)

    def ended(self) -> list[tuple[str, None]]:
        """Returns all that was begun."""
        ended, self._running = self._running, []
        return [(setting, None) for setting in ended]

    def stop(self, at_once: bool) -> None:
        """Has nothing to stop."""


class Silence:
    """A `scheduler.Watcher` that shows nothing."""

    def look(self, running, waiting: int) -> None:
        """Looks away."""

    def ended(self, setting: str, words: str | None, again: bool) -> None:
        """Says nothing."""


def settings(count: int) -> list[all_settings.Setting]:
    """Returns so many settings: four arms, and seeds."""
    found = []
    for number in range(count):
        arm, shrink, perturb = _ARMS[number % len(_ARMS)]
        seed = number // len(_ARMS)
        name = f"scale/{arm}-{shrink}-{perturb}/seed{seed}"
        found.append(all_settings.Setting(name, arm, shrink, perturb, seed))
    return found


def row(setting: all_settings.Setting, number: int, last: bool) -> rows.Row:
    """Returns a row as a run of Figure 2 would write it."""
    return rows.Row(
        setting=setting.id,
        experiment="scale",
        arm=setting.arm,
        shrink=setting.shrink,
        perturb=setting.perturb,
        seed=setting.seed,
        round=number,
        num_samples=1000 * number,
        epochs=EPOCHS,
        steps=8 * EPOCHS * number,
        sample_passes=1000 * EPOCHS * number,
        train_seconds=3.123456789 * number,
        trace_seconds=0.0,
        eval_seconds=0.512345678,
        train_accuracy=99.21234567,
        accuracy=30 + number / 2 + setting.seed % 7,
        loss=0.0512345678,
        eval_loss=2.512345678,
        stopped_by="threshold",
        last=last,
        dataset="cifar10",
        model="resnet18",
        optimizer="adam",
    )


def schedule(found: list[all_settings.Setting]) -> float:
    """Returns microseconds a setting of the scheduler alone."""
    costs = {s.id: float(number) for number, s in enumerate(found)}
    start = time.perf_counter()
    result = scheduler.Scheduler(costs, Nothing(), Silence()).run()
    seconds = time.perf_counter() - start
    assert len(result.finished) == len(found)
    return seconds / len(found) * 1e6


def write_rows(
    folder: workdir.Workdir, found: list[all_settings.Setting], rounds: int
) -> float:
    """Writes the rows of settings and returns kB a setting."""
    folder.prepare({"experiment": "scale"}, {})
    total = 0
    for setting in found:
        # Without an fsync a row, which is for what was paid for by training.
        lines = [
            json.dumps(dataclasses.asdict(row(setting, n, n == rounds)))
            for n in range(1, rounds + 1)
        ]
        path = folder.rows_path(setting.id)
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines) + "\n")
        total += path.stat().st_size
    return total / len(found) / 1e3


def write_events(
    folder: pathlib.Path, found: list[all_settings.Setting], rounds: int
) -> tuple[float, float]:
    """Writes events of settings; returns kB and milliseconds a setting."""
    found = found[:WRITTEN]
    # The first one waits for imports.
    _write_events(folder.with_name("first"), found[0], 1)
    start = time.perf_counter()
    for setting in found:
        _write_events(folder / setting.id, setting, rounds)
    seconds = time.perf_counter() - start
    size = sum(p.stat().st_size for p in folder.glob(f"**/{events.PREFIX}*"))
    return size / len(found) / 1e3, seconds / len(found) * 1e3


def _write_events(path: pathlib.Path, setting, rounds: int) -> None:
    with events.Events(path, {"arm": setting.arm, "seed": 0}) as writer:
        for number in range(1, rounds + 1):
            for epoch in range(1, EPOCHS + 1):
                writer.epoch(
                    rows.Epoch(
                        setting=setting.id,
                        round=number,
                        epoch=EPOCHS * (number - 1) + epoch,
                        loss=1.0 / epoch,
                        train_accuracy=99.0,
                        accuracy=50.0,
                        learning_rate=0.001,
                        samples_per_second=320.0,
                    )
                )
            writer.round(row(setting, number, number == rounds))


def measure(count: int, rounds: int) -> dict:
    """Measures all of it for so many settings of so many rounds."""
    found = settings(count)
    point = {"settings": count, "rounds": rounds}
    point["scheduler_us"] = schedule(found)
    with tempfile.TemporaryDirectory() as name:
        here = pathlib.Path(name)
        point["events_kb"], point["events_ms"] = write_events(
            here / "events", found, rounds
        )
        folder = workdir.Workdir(here / "run")
        point["rows_kb"] = write_rows(folder, found, rounds)
        point |= report(folder.path)
        page = folder.path / "report/report.html"
        point["page_mb"] = page.stat().st_size / 1e6
        return {**point, "opened_s": opened(page)}


def report(path: pathlib.Path) -> dict[str, float]:
    """Returns seconds and peak memory of a process that writes a report."""
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def opened(page: pathlib.Path) -> float | None:
    """Returns seconds of a browser from its start to the page as it stands.

    The least of three, the browser's own start of about a second included.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        return None
    found = []
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu"]
        command += [f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        for _ in range(3):
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, check=True)
            found.append(time.perf_counter() - start)
            assert done.stdout.strip().endswith(b"</html>")
    return min(found)


def table(points: list[dict]) -> str:
    """Returns a Markdown table of points."""
    lines = [list(_HEAD.values()), ["--:"] * len(_HEAD)]
    lines += [[_number(point[name]) for name in _HEAD] for point in points]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.0f}" if value >= 20 else f"{value:.2g}"


def main(_) -> None:
    """Measures and writes."""
    folder = output.folder()
    points = []
    for shape in SHAPES:
        points.append(measure(*shape))
        lines = "".join(f"{json.dumps(point)}\n" for point in points)
        (folder / "scale.jsonl").write_text(lines)
        (folder / "scale.md").write_text(table(points))
    print(table(points), end="")


if __name__ == "__main__":
    app.run(main)
