"""Workers of this machine: their number, memory, end, and last words."""

import math
import os
import pathlib
import select
import signal
import subprocess
import sys

import pytest

from launch import local
from launch import scheduler
from launch import worker
from ws_keras import memory

ROOT = pathlib.Path(__file__).parents[2]
MB = 2**20


def python(code):
    return [sys.executable, "-c", code]


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
    pool = local.Local(lambda setting: python(code), workers, **options)
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
    pool = local.Local(lambda setting: python(code), 3, available)
    first = scheduler.Scheduler({"first": 1.0}, pool, Crowd())
    assert first.run().finished == ["first"]
    # Each takes about 70 MB in the end. Beside one that has just begun there
    # are still 120, but not for long.
    crowd = Crowd()
    costs = {str(number): 1.0 for number in range(3)}
    result = scheduler.Scheduler(costs, pool, crowd).run()
    assert len(result.finished) == 3 and crowd.most == 1


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
        ("raise SystemExit(3)", "exit status 3, without a word"),
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
    pool = local.Local(lambda setting: python(code), 2, lambda: math.inf)

    def look(running):
        if len(list(tmp_path.iterdir())) == 2:
            queue.interrupt()

    queue = scheduler.Scheduler({"a": 1.0, "b": 1.0}, pool, Crowd(look))
    result = queue.run()
    assert sorted(result.left) == ["a", "b"]
    pids = [path.name for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not any(pathlib.Path("/proc", pid).exists() for pid in pids)


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
