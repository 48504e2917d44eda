"""Workers of this machine: their number, memory, end, and last words."""

import contextlib
import math
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

import pytest

from launch import local
from launch import ray_cluster
from launch import scheduler
from launch import worker
from ws_keras.storage import memory

ROOT = pathlib.Path(__file__).parents[2]
MB = 2**20


def python(code):
    return [sys.executable, "-c", code]


def serving(code):
    """A worker that runs a piece of code for each line that it reads."""
    return python(
        "import sys\n"
        "for task in sys.stdin:\n"
        "    task = task.strip()\n"
        f"    exec({code!r})\n"
        "    print(task, flush=True)\n"
    )


class Crowd:
    """A watcher that remembers how many ran side by side."""

    def __init__(self, on_look=lambda running: None):
        self.most = 0
        self._on_look = on_look

    def look(self, running, waiting):
        self.most = max(self.most, len(running))
        self._on_look(running)

    def ended(self, setting, words, again):
        pass


def run(code, workers=2, count=3, watcher=None, **options):
    """Runs so many processes and returns the result and the watcher."""
    watcher = watcher or Crowd()
    with contextlib.closing(
        local.Local(serving(code), workers, **options)
    ) as pool:
        costs = {str(number): 1.0 for number in range(count)}
        return scheduler.Scheduler(costs, pool, watcher).run(), watcher


LARGE = "x = bytearray(60_000_000); import time; time.sleep(0.5)"


def test_as_many_as_there_are_workers():
    result, crowd = run(LARGE, workers=2, available=lambda: math.inf)
    assert len(result.finished) == 3 and crowd.most == 2


def test_one_always_runs_and_no_second_one_without_memory():
    result, crowd = run(LARGE, workers=3, available=lambda: 0.0)
    assert len(result.finished) == 3 and crowd.most == 1


def test_what_running_ones_still_take_is_kept_for_them():
    def available():
        taken = sum(memory.resident(w.pid) for w in pool._running.values())
        return 130.0 * MB - taken

    code = "import time; time.sleep(0.3)\n" + LARGE
    pool = local.Local(serving(code), 3, available)
    first = scheduler.Scheduler({"first": 1.0}, pool, Crowd())
    assert first.run().finished == ["first"]
    pool.close()
    # Each takes about 70 MB in the end. Beside one that has just begun there
    # are still 120, but not for long.
    crowd = Crowd()
    costs = {str(number): 1.0 for number in range(3)}
    result = scheduler.Scheduler(costs, pool, crowd).run()
    assert len(result.finished) == 3 and crowd.most == 1
    pool.close()


NOTED = "import os; open(f'{FOLDER}/{task}', 'w').write(str(os.getpid()))"


def noted(folder):
    return {path.name: int(path.read_text()) for path in folder.iterdir()}


def test_a_worker_takes_one_setting_after_the_other(tmp_path):
    code = NOTED.replace("{FOLDER}", str(tmp_path))
    result, _ = run(code, workers=1, count=4)
    assert len(result.finished) == 4
    assert len(set(noted(tmp_path).values())) == 1


def test_one_that_is_killed_costs_its_own_setting(tmp_path):
    code = NOTED.replace("{FOLDER}", str(tmp_path))
    code += "\nprint('of', task, file=sys.stderr)"
    code += "\nif task == '1': os.kill(os.getpid(), 9)"
    pool = local.Local(serving(code), 1)
    costs = {str(number): 4.0 - number for number in range(4)}
    result = scheduler.Scheduler(costs, pool, Crowd(), retries=0).run()
    pool.close()
    assert result.finished == ["0", "2", "3"]
    assert result.failed == {"1": "killed by signal 9 (out of memory?): of 1"}
    pids = noted(tmp_path)
    assert pids["0"] == pids["1"] != pids["2"] == pids["3"]


def test_one_that_ends_while_it_waits_costs_nothing(tmp_path):
    code = NOTED.replace("{FOLDER}", str(tmp_path))
    with contextlib.closing(local.Local(serving(code), 1)) as pool:
        pool.prepare(3)  # which is no more than there may be
        (idle,) = pool._idle
        os.kill(idle.pid, signal.SIGKILL)
        idle.wait()
        result = scheduler.Scheduler({"a": 1.0}, pool, Crowd(), 0).run()
    assert result.finished == ["a"]


def test_one_that_ends_without_an_answer_has_failed():
    result, _ = run("raise SystemExit", workers=1, count=1)
    assert result.failed == {"0": "ended before it had answered"}


def test_closing_ends_all(tmp_path):
    pool = local.Local(serving("pass"), 2)
    pool.prepare(2)
    pids = [process.pid for process in pool._idle]
    pool.close()
    assert not any(pathlib.Path("/proc", str(pid)).exists() for pid in pids)


def test_peak_and_resident_memory_of_a_process():
    code = "x = bytearray(90_000_000); del x; print(flush=True); input()"
    with subprocess.Popen(
        python(code), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        assert 85 * MB < memory.peak(process.pid) < 150 * MB
        assert 2 * MB < memory.resident(process.pid) < 60 * MB
        process.communicate(b"\n")
    assert memory.peak(process.pid) == memory.resident(process.pid) == 0


def fake(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return memory.available(folder / "proc", folder / "cgroup")


MEMINFO = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:   8000 kB\n"}


@pytest.mark.parametrize(
    ("files", "bytes_left"),
    [
        ({}, math.inf),
        (MEMINFO, 8000 * 1024),
        # Version 2, where the group above has the limit.
        (
            {
                **MEMINFO,
                "proc/self/cgroup": "0::/job/step\n",
                "cgroup/job/step/memory.max": "max\n",
                "cgroup/job/step/memory.current": "100\n",
                "cgroup/job/memory.max": "5000\n",
                "cgroup/job/memory.current": "3000\n",
                "cgroup/job/memory.stat": "anon 1\ninactive_file 500\n",
            },
            2500,
        ),
        # Version 1.
        (
            {
                **MEMINFO,
                "proc/self/cgroup": "3:cpu:/\n2:memory:/job\n0::/\n",
                "cgroup/memory/job/memory.limit_in_bytes": "7000\n",
                "cgroup/memory/job/memory.usage_in_bytes": "6000\n",
                "cgroup/memory/job/memory.stat": "total_inactive_file 10\n",
                "cgroup/memory/memory.limit_in_bytes": f"{2**63 - 1}\n",
                "cgroup/memory/memory.usage_in_bytes": "9000\n",
            },
            1010,
        ),
    ],
)
def test_the_machine_or_its_control_group_has_less(tmp_path, files, bytes_left):
    assert fake(tmp_path, files) == bytes_left


def test_this_machine_has_some_memory():
    assert 0 < memory.available() < 2**50


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('all is well')", None),
        ("raise SystemExit(3)", "exit status 3, without a message"),
        ("raise SystemExit(143)", "stopped by SIGTERM"),
        ("raise SystemExit('a\\n\\nb\\nc\\nd')", "b c d"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9 (out of memory?)"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11 (SIGSEGV)"),
        ("import os; os.write(2, b'\\xff\\nx'); os.abort()", "SIGABRT): � x"),
    ],
)
def test_last_words(code, words):
    found = worker.Worker(python(code)).last_words()
    assert found == words or found.endswith(words)


def test_last_words_are_few():
    code = "import sys; sys.exit('x' * 100_000)"
    assert worker.Worker(python(code)).last_words() == "x" * 500


def test_a_second_interruption_kills_what_does_not_listen(tmp_path):
    code = (
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
        "time.sleep(600)\n"
    )
    pool = local.Local(serving(code), 2, lambda: math.inf)

    def look(running):
        if len(list(tmp_path.iterdir())) == 2:
            queue.interrupt()

    queue = scheduler.Scheduler({"a": 1.0, "b": 1.0}, pool, Crowd(look))
    result = queue.run()
    assert sorted(result.left) == ["a", "b"]
    pids = [path.name for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not any(pathlib.Path("/proc", pid).exists() for pid in pids)


DEAF = (
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen(['sleep', '600'])\n"
    "print('hangs', child.pid, file=sys.stderr, flush=True)\n"
    "time.sleep(600)\n"
)


def wait_for_end(process, seconds=30):
    begun = time.monotonic()
    while not process.has_ended():
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)
    return time.monotonic() - begun


def test_one_that_hangs_is_ended_with_all_that_it_has_begun():
    process = worker.Worker(python(DEAF), timeout=2, grace=1)
    assert 3 <= wait_for_end(process) < 15
    words = process.last_words()
    assert words.startswith("did not end in 2 s (--timeout)")
    child = words.rpartition(" ")[2]
    status = pathlib.Path("/proc", child, "status")
    assert not status.exists() or "Z (zombie)" in status.read_text()


def test_one_that_is_stopped_is_ended():
    """As by SIGSTOP, or in the middle of a device's driver."""
    process = worker.Worker(["sleep", "600"], timeout=0.5, grace=0.5)
    os.kill(process.pid, signal.SIGSTOP)
    wait_for_end(process)
    assert "--timeout" in process.last_words()


@pytest.mark.slow
def test_one_that_is_late_may_keep_what_it_has_done():
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('kept'))\n"
        "time.sleep(600)\n"
    )
    process = worker.Worker(python(code), timeout=3, grace=60)
    assert wait_for_end(process) < 25
    assert process.last_words() == "did not end in 3 s (--timeout): kept"


def test_one_in_time_is_left_alone():
    process = worker.Worker(python("pass"), timeout=60)
    wait_for_end(process)
    assert process.last_words() is None


@pytest.mark.slow
def test_whoever_hangs_keeps_nobody_waiting():
    """Its second trial as well, and the others end."""
    code = "import time\nif task == 'a': time.sleep(600)"
    pool = local.Local(serving(code), 2, timeout=1.5)
    result = scheduler.Scheduler({"a": 2.0, "b": 1.0}, pool, Crowd()).run()
    pool.close()
    assert result.finished == ["b"] and list(result.failed) == ["a"]
    assert "--timeout" in result.failed["a"]


def test_a_task_of_a_cluster_is_ended_as_well(tmp_path):
    """What Ray runs on a node, here without Ray."""
    (tmp_path / "run.json").touch()
    arguments = ["-c", "import time; time.sleep(600)"]
    words = ray_cluster._run(arguments, {}, str(tmp_path), str(tmp_path), 1.0)
    assert words.startswith("did not end in 1 s (--timeout)")


def test_workers_end_with_the_process_that_began_them(tmp_path):
    code = (
        "import sys\n"
        "from launch import worker\n"
        "w = worker.Worker(['sleep', '600'])\n"
        "print(w.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        python(code), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        pid = int(process.stdout.readline())
        # A file descriptor of the process, which is readable at its end.
        handle = os.pidfd_open(pid)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert select.select([handle], [], [], 30)[0] == [handle]
    os.close(handle)


def test_threads_are_at_least_one():
    assert set(local.threads(0).values()) == {"1"}
    assert set(local.threads(4).values()) == {"4"}
    assert local.cores() == len(os.sched_getaffinity(0))


def test_an_answer_that_comes_in_parts_is_one():
    """Else its end would be taken for the answer to the next task."""
    code = (
        "import time\n"
        "print(task[:1], end='', flush=True)\n"
        "time.sleep(0.3)\n"
        "task = task[1:]"
    )
    with contextlib.closing(local.Local(serving(code), 1)) as pool:
        pool.start("first")
        begun = time.monotonic()
        while not list(pool.ended()):
            assert time.monotonic() - begun < 30
        pool.start("second")
        assert not list(pool.ended())
        while not list(pool.ended()):
            assert time.monotonic() - begun < 30
