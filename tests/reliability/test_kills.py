"""A run that is killed again and again equals one that never was."""

import contextlib
import os
import random
import signal
import time

import pytest

from .conftest import Result
from .conftest import command


def run_to_the_end(nursery, user, workdir) -> str:
    """Gives the same command until it ends by itself; returns its words."""
    out = user / "last.out"
    nursery.start(*command(user, workdir), out=out)
    assert nursery.wait() == 0, out.read_text()
    return out.read_text()


@pytest.mark.parametrize(
    "kills", [2, pytest.param(100, marks=pytest.mark.slow)]
)
def test_killed_at_random_instants(nursery, user, whole, tmp_path, kills):
    rng, out = random.Random(kills), tmp_path / "out"
    done = 0
    while done < kills:
        workdir = tmp_path / f"run{done}"
        while done < kills:
            pid = nursery.start(*command(user, workdir), out=out)
            time.sleep(rng.uniform(0, 8))
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.kill(pid, signal.SIGKILL)
            status = nursery.wait()
            assert status in (0, -signal.SIGKILL), (
                tmp_path / "out"
            ).read_text()
            if status == 0:
                break
            done += 1
        run_to_the_end(nursery, user, workdir)
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
