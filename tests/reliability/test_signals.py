"""Signals: the step is finished, a checkpoint kept, the way on said."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from launch import signals
from tests.nursery import Nursery
from ws_keras.storage import checkpoint
from ws_keras.storage import locks
from ws_keras.storage import rows

from .conftest import Result
from .conftest import command

ROOT = pathlib.Path(__file__).parents[2]
# Epochs without end, so that a signal comes in the middle of a round.
ENDLESS = (
    "--config.train.max_epochs=100000",
    "--config.train.patience=100000",
    "--config.train.threshold=1.0",
    "--checkpoint_minutes=60",
)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def begun(workdir, epochs=1):
    """Whether so many epochs of the first arm are done."""
    path = workdir / "own/cold/seed0" / rows.EPOCHS
    return path.exists() and len(rows.scan(path, rows.Epoch).records) >= epochs


@pytest.mark.parametrize(
    "number, status",
    [("TERM", 143), pytest.param("INT", 130, marks=pytest.mark.slow)],
)
def test_stopped_by_a_signal(nursery, user, tmp_path, number, status):
    workdir, out = tmp_path / "run", tmp_path / "out"
    usual = [a for a in command(user, workdir) if "checkpoint" not in a]
    pid = nursery.start(*usual, "--overwrite", *ENDLESS, out=out)
    wait_for(lambda: begun(workdir, 3))
    use = locks.Lock(workdir / ".in_use")
    assert use.is_held()
    os.kill(pid, getattr(signal, f"SIG{number}"))
    assert nursery.wait() == status
    assert not use.is_held()
    text = out.read_text()
    assert f"Stopped by SIG{number}. Finished work is kept" in text
    assert text.splitlines()[-1].endswith(" ".join([*usual, *ENDLESS]))
    assert "Traceback" not in text
    folder = workdir / "own/cold/seed0"
    (path,) = checkpoint.paths(folder)
    state = checkpoint.load(path).state
    epochs = rows.read_epochs(folder / rows.EPOCHS)
    assert state["epochs"] == len(epochs) >= 3


@pytest.mark.slow
def test_a_signal_at_any_time_costs_nothing(nursery, user, whole, tmp_path):
    workdir, out = tmp_path / "run", tmp_path / "out"
    statuses = []
    for seconds in (5, 7, 9, 6, 8, 60):
        pid = nursery.start(*command(user, workdir), out=out)
        end = time.monotonic() + seconds
        wait_for(lambda: begun(workdir))
        time.sleep(max(0, end - time.monotonic()) % 3)
        if seconds < 60:
            os.kill(pid, signal.SIGTERM)
        statuses.append(nursery.wait())
        assert "Traceback" not in out.read_text()
    assert set(statuses) <= {0, 143, -signal.SIGTERM} and 143 in statuses
    assert statuses[-1] == 0
    assert Result.of(workdir) == whole


LONG_STEP = """
import hashlib
from launch import signals
with signals.Signals() as received:
    print("begun", flush=True)
    # Minutes in one operation, which lets no handler of Python run.
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""


def test_a_second_interrupt_exits_at_once():
    """Also inside a long step; the first one, and others, do not."""
    with subprocess.Popen(
        [sys.executable, "-c", LONG_STEP],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"begun\n"
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) == 130
        finally:
            process.kill()


def test_outside_of_training_signals_are_as_usual():
    before = signal.getsignal(signal.SIGINT)
    with signals.Signals() as received:
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: received.stop.wanted)
        assert received.received == signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.slow
def test_two_commands_on_one_workdir(nursery, user, whole, tmp_path):
    """The second takes other settings, waits for the last, and runs none
    twice."""
    workdir = tmp_path / "run"
    outs = [tmp_path / "first", tmp_path / "second"]
    with Nursery() as other:
        first = nursery.start(*command(user, workdir), out=outs[0])
        second = other.start(*command(user, workdir), out=outs[1])
        assert first != second
        assert nursery.wait() == 0, outs[0].read_text()
        assert other.wait() == 0, outs[1].read_text()
    assert Result.of(workdir) == whole
    texts = [out.read_text() for out in outs]
    for arm in ("cold", "warm", "shrink_perturb-0.5-0.1"):
        line = f"own/{arm}/seed0  round 1 of 2: "
        assert sum(text.count(line) for text in texts) == 1
    assert all("round 1 of 2: " in text for text in texts)
