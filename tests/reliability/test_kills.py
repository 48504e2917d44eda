"""A run that is killed again and again equals one that never was."""

import contextlib
import os
import pathlib
import random
import signal
import time

import pytest

from ws_keras.storage import rows

from .conftest import Result
from .conftest import command


def run_to_the_end(nursery, user, workdir) -> str:
    """Gives the same command until it ends by itself; returns its words."""
    out = user / "last.out"
    nursery.start(*command(user, workdir), out=out)
    assert nursery.wait() == 0, out.read_text()
    return out.read_text()


def kill_again_and_again(nursery, tmp_path, kills, instant, begin):
    """Kills commands at random instants; yields workdirs that were left.

    Where one ends by itself before, the next begins in a new workdir.
    """
    rng, out, done = random.Random(kills), tmp_path / "out", 0
    while done < kills:
        workdir = tmp_path / f"run{done}"
        while done < kills:
            pid = begin(workdir, out)
            instant(rng, workdir, pid)
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.kill(pid, signal.SIGKILL)
            status = nursery.wait()
            assert status in (0, -signal.SIGKILL), out.read_text()
            if status == 0:
                break
            done += 1
        yield workdir


def at_any_time(rng, workdir, pid) -> None:
    time.sleep(rng.uniform(0, 8))


def after_an_epoch(rng, workdir, pid) -> None:
    """Every third time while it starts, else soon after it has trained."""
    if rng.random() < 1 / 3:
        return time.sleep(rng.uniform(0, 8))
    before, end = trained(workdir), time.monotonic() + 120
    while trained(workdir) == before and time.monotonic() < end:
        if not pathlib.Path("/proc", str(pid)).exists():
            return None  # it has ended
        time.sleep(0.02)
    return time.sleep(rng.uniform(0, 2))


def trained(workdir) -> int:
    """Bytes of all epochs that were written."""
    total = 0
    for path in rows.find(workdir, (rows.EPOCHS,)):
        with contextlib.suppress(FileNotFoundError):  # begun afresh just now
            total += os.path.getsize(path)
    return total


# tests/launch/test_retrain.py and test_sweep.py there kill a command once.
@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, 100])
def test_killed_at_random_instants(nursery, user, whole, tmp_path, kills):
    def begin(workdir, out):
        return nursery.start(*command(user, workdir), out=out)

    for workdir in kill_again_and_again(
        nursery, tmp_path, kills, at_any_time, begin
    ):
        run_to_the_end(nursery, user, workdir)
        assert Result.of(workdir) == whole


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 100])
def test_a_sweep_killed_at_random_instants(
    nursery, user, whole, tmp_path, kills
):
    """Its workers end with it, each with a checkpoint."""

    def begin(workdir, out):
        return nursery.start(
            *command(user, workdir, "--workers=1"),
            out=out,
            command="launch.sweep",
        )

    for workdir in kill_again_and_again(
        nursery, tmp_path, kills, after_an_epoch, begin
    ):
        begin(workdir, tmp_path / "last")
        assert nursery.wait() == 0, (tmp_path / "last").read_text()
        assert Result.of(workdir) == whole


@pytest.mark.slow
def test_killed_at_file_operations(nursery, user, whole, tmp_path, every=6):
    """Before the first, second, ... operation that a process does on files."""
    kill_at, killed = 3, True
    while killed:
        workdir = tmp_path / f"run{kill_at}"
        arguments = command(user, workdir)
        nursery.start(*arguments, out=tmp_path / "out", kill_at=kill_at)
        killed = nursery.wait() == -signal.SIGKILL
        run_to_the_end(nursery, user, workdir)
        assert Result.of(workdir) == whole, kill_at
        kill_at += every
    assert kill_at > 60
