"""A lock is held by one process at a time and dies with it."""

import errno
import os
import subprocess
import sys

import pytest

from ws_keras.storage import locks
from ws_keras.storage import regular

HOLDER = """
import sys
from ws_keras.storage import locks
held = locks.Lock(sys.argv[1], shared=sys.argv[2] == "shared")
print(held.take(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lock(tmp_path):
    return locks.Lock(tmp_path / "a" / locks.NAME)


def holder(lock, kind="alone"):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock.path), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_one_process_at_a_time(lock):
    assert not lock.is_held() and not lock.path.exists()
    with holder(lock) as process:
        assert process.stdout.readline() == "True\n"
        assert lock.is_held() and not lock.take()
        assert lock.holder().startswith(f"process {process.pid} on ")
        process.stdin.write("\n")
    assert not lock.is_held() and lock.take()
    with holder(lock) as other:
        assert other.stdout.readline() == "False\n"
    lock.free()
    with holder(lock) as other:
        assert other.stdout.readline() == "True\n"


def test_it_dies_with_a_killed_holder(lock):
    with holder(lock) as process:
        assert process.stdout.readline() == "True\n"
        process.kill()
    assert lock.take()


def test_waiting_for_it(lock):
    with holder(lock) as process:
        assert process.stdout.readline() == "True\n"
        process.stdin.write("\n")
        process.stdin.flush()
        with lock:
            assert "process" in lock.holder()
            assert process.wait() == 0
    assert not lock.is_held()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_nothing_is_locked(lock, monkeypatch, number):
    """No file system here is without; this is what one answers."""

    def flock(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(regular.fcntl, "flock", flock)
    with lock:
        assert not locks.Lock(lock.path).is_held()


def test_those_that_share_it_keep_one_alone_out(lock):
    shared = locks.Lock(lock.path, shared=True)
    with holder(lock, "shared") as process:
        assert process.stdout.readline() == "True\n"
        assert shared.take() and lock.is_held() and not lock.take()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait() == 0 and lock.is_held()
        shared.free()
    assert lock.take() and not shared.take()


def test_a_file_that_its_holder_removed_locks_nobody_out(lock, tmp_path):
    """Two that wait both have the old file open; one of them makes a new."""
    with holder(lock) as process:
        assert process.stdout.readline() == "True\n"
        stale = os.open(lock.path, os.O_RDWR)
        os.unlink(lock.path)
        assert lock.take()
        assert not regular.is_file(stale, lock.path)
        assert regular.is_file(lock._handle, lock.path)
        os.close(stale)
        process.kill()
    assert locks.Lock(lock.path).is_held()


def test_a_full_disk_is_named(lock, monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", write)
    with pytest.raises(OSError) as caught:
        lock.take()
    assert caught.value.filename == str(lock.path)
    monkeypatch.undo()
    assert lock.take()
    lock.free()
