"""A sweep as a user runs it, with workers that are really killed."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from launch import checking
from launch import local
from ws_keras.storage import locks
from ws_keras.storage import rows

ROOT = pathlib.Path(__file__).parents[2]
ARMS = ("cold", "warm", "shrink_perturb-0.5-0.1")


def children(folder):
    """Returns setting to process id of the workers that hold its lock."""
    found = {}
    for path in folder.glob(f"own/**/{locks.NAME}"):
        lock = locks.Lock(path)
        if lock.is_held():
            number = re.search(r"process (\d+)", lock.holder())
            if number:  # or it is just being taken
                setting = str(path.parent.relative_to(folder))
                found[setting] = int(number[1])
    return found


def until(condition, process):
    """Waits for what a sweep is expected to do, and returns it."""
    while process.poll() is None:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(process.communicate())


def untimed(folder):
    """Returns all rows below a folder by setting, without their seconds."""
    found = {}
    for row in rows.read_workdir(folder):
        kept = dataclasses.asdict(row)
        for name in (
            "train_seconds",
            "cpu_seconds",
            "trace_seconds",
            "eval_seconds",
        ):
            del kept[name]
        found.setdefault(row.setting, []).append(kept)
    return found


@pytest.fixture(scope="module")
def killed(sweep):
    """A sweep of two workers, one of which is killed after its first round."""
    process = sweep.start("--workers=2")

    def begun():
        running = children(sweep.folder / "run")
        for setting, pid in running.items():
            path = sweep.folder / "run" / setting / "rows.jsonl"
            if path.exists() and path.read_bytes().count(b"\n") == 1:
                return setting, pid, running
        return None

    setting, pid, running = until(begun, process)
    assert locks.Lock(sweep.folder / "run/.in_use").is_held()
    path = pathlib.Path(f"/proc/{next(iter(running.values()))}/environ")
    environment = path.read_bytes().decode(errors="replace").split("\0")
    os.kill(pid, signal.SIGKILL)
    out, err = process.communicate()
    return setting, environment, process.returncode, out, err


def test_a_killed_worker_is_tried_again_and_nothing_is_lost(sweep, killed):
    setting, _, status, out, err = killed
    assert (status, err) == (0, "")
    assert (
        f"{setting}  ended: killed by signal 9 (out of memory?); it will be "
        "tried again"
    ) in out
    found = untimed(sweep.folder / "run")
    assert set(found) == {f"own/{arm}/seed0" for arm in ARMS}
    for setting_rows in found.values():
        assert [row["num_samples"] for row in setting_rows] == [10, 20, 30, 40]
        assert setting_rows[-1]["last"]


def test_one_display_shows_each_round_once(killed):
    out = killed[3]
    shown = re.findall(r"^(own/\S+)  round (\d+) of 4: ", out, re.M)
    assert sorted(shown) == sorted(
        (f"own/{arm}/seed0", str(number))
        for arm in ARMS
        for number in (1, 2, 3, 4)
    )


def test_the_sweep_writes_report_and_gaps_itself(sweep, killed):
    out = killed[3]
    assert (sweep.folder / "run/report/report.md").is_file()
    assert out.count("report/report.md") == 1
    gaps = list((sweep.folder / "run").glob("**/*.gap"))
    assert {p.parent.parent.name for p in gaps} == set(ARMS)
    assert len(gaps) == 3


def test_threads_are_divided(killed):
    cores = len(os.sched_getaffinity(0))
    environment = killed[1]
    for name in (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
    ):
        assert f"{name}={max(1, cores // 2)}" in environment


@pytest.mark.slow
def test_rows_are_those_of_one_process(nursery, sweep, killed):
    threads = dict(v.split("=") for v in killed[1] if "_THREADS=" in v)
    done = nursery.run(
        f"--config={sweep.config}",
        f"--workdir={sweep.folder / 'one'}",
        environment=threads,
    )
    assert done.returncode == 0, done.stderr
    assert untimed(sweep.folder / "one") == untimed(sweep.folder / "run")


@pytest.mark.slow
def test_what_is_finished_begins_no_process(sweep, killed):
    before = {
        path: path.stat().st_mtime_ns
        for path in (sweep.folder / "run/own").rglob("*")
    }
    done = sweep.run()
    assert (done.returncode, done.stderr) == (0, "")
    first = done.stdout.splitlines()[0]
    assert first == "3 of 3 settings finished before, skipped"
    assert "  round 1 of" not in done.stdout
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == before


@pytest.mark.slow
def test_what_fails_twice_is_listed_with_its_last_words(sweep):
    text = sweep.config.read_text() + (
        "\n\ndef settings(config):\n"
        "    from ws_keras import settings\n"
        '    grid = {"optimizer.momentum": (0.5, 0.9)}\n'
        "    return settings.product(config, grid)\n"
    )
    path = sweep.folder / "grid.py"
    path.write_text(text)
    broken, foreign = (
        sweep.folder / "grid/own" / name / "seed0/rows.jsonl"
        for name in ("0.5/warm", "0.9/cold")
    )
    arguments = (
        "--config.optimizer.name=sgd",
        "--config.arms=('cold','warm')",
    )
    options = {"workdir": "grid", "config": path}
    done = sweep.run("--settings=0.5/cold", *arguments, **options)
    assert done.returncode == 0, done.stderr
    for path in (broken, foreign):
        path.parent.mkdir(parents=True)
    broken.write_text("this is no row\n")
    foreign.write_text('{"schema": 99}\n')
    done = sweep.run("--settings=0.9/cold|0.5/", *arguments, **options)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "2 of 3 settings failed twice."
    words = dict(line.split(": ", 1) for line in lines[1:])
    assert set(words) == {"own/0.5/warm/seed0", "own/0.9/cold/seed0"}
    assert "Move the file away" in words["own/0.5/warm/seed0"]
    assert "Received: schema=99" in words["own/0.9/cold/seed0"]
    assert done.stdout.count("it will be tried again") == 2
    assert broken.read_text() == "this is no row\n"
    assert (sweep.folder / "grid/report/report.md").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_an_interruption_reaches_the_workers(sweep, number, status):
    workdir = f"interrupted{status}"
    process = sweep.start(
        "--workers=2", "--config.train.epochs=5000", workdir=workdir
    )
    running = until(
        lambda: len(found := children(sweep.folder / workdir)) == 2 and found,
        process,
    )
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == status
    words, command = err.splitlines()
    assert words.startswith(
        f"Interrupted by {number.name}. 3 settings are not finished"
    )
    assert shlex.split(command) == process.args
    assert not any(
        pathlib.Path(f"/proc/{p}").exists() for p in running.values()
    )


@pytest.mark.quick(every=2)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.rounds.step=41"], "step=41 of 40 samples"),
        (["--settings=tepid"], "'tepid'"),
        (["--launcher=slurm"], "--launcher=slurm needs --dry-run"),
        (["--workers=0"], "workers=0"),
    ],
)
def test_mistakes_are_found_before_anything_runs(sweep, arguments, words):
    done = sweep.run(*arguments, workdir="bad")
    assert done.returncode == 1 and words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == "" and not (sweep.folder / "bad").exists()


@pytest.mark.slow
def test_overwrite_is_done_once(sweep):
    options = {"workdir": "over"}
    first = sweep.run("--settings=cold", **options)
    assert first.returncode == 0, first.stderr
    done = sweep.run(
        "--settings=cold|warm",
        "--config.train.epochs=1",
        "--overwrite",
        **options,
    )
    assert done.returncode == 0, done.stderr
    (old,) = sweep.folder.glob("over.old-*")
    assert [r.epochs for r in rows.read_workdir(old)] == [8] * 4
    assert [r.epochs for r in rows.read_workdir(sweep.folder / "over")] == (
        [1] * 8
    )


def serving(code):
    """A worker that answers what it is asked by a piece of code."""
    code = f"import os, sys\nfor task in sys.stdin:\n    {code}\n"
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getpid(), 9)", "has ended: killed by signal 9"),
        ("sys.exit('no such field')", "has ended: no such field"),
        ("""print('{"error": "no data"}', flush=True)""", "^no data$"),
    ],
)
def test_checks_that_fail_are_a_sentence(code, words):
    pool = local.Local(serving(code), 1)
    with contextlib.closing(pool), pytest.raises(ValueError, match=words):
        checking.ask(pool)


def test_the_sweep_itself_does_without_tensorflow(sweep):
    """Nor does it import what draws reports before there is something."""
    code = (
        "import sys\n"
        "from launch import sweep\n"
        "heavy = {'tensorflow', 'keras', 'scipy', 'pandas', 'plotly'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.slow
def test_each_trial_has_a_limit_and_goes_on_where_the_last_one_was(sweep):
    """One that is only slow ends, with enough of them."""
    arguments = ("--settings=warm", "--workers=1", "--checkpoint_epochs=20")
    arguments += ("--config.train.epochs=150", "--config.train.batch_size=10")
    done = sweep.run(*arguments, "--timeout=8", "--retries=0", workdir="slow")
    assert done.returncode == 1
    assert done.stderr.startswith("1 of 1 settings failed once.")
    assert "did not end in 8 s (--timeout)" in done.stderr
    done = sweep.run(*arguments, "--timeout=60", "--retries=20", workdir="slow")
    assert done.returncode == 0, done.stderr
    (path,) = rows.find(sweep.folder / "slow")
    found = rows.read(path)
    assert found[-1].last and {row.epochs for row in found} == {150}
