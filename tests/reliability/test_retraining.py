"""A retraining whose disk, folder or process fails: nothing is lost.

Neither the old model nor the data change, no model is half written, the error
is one sentence, and the same command then gives the same model.
"""

import itertools
import os
import shutil
import signal
import time

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.data import history

from . import test_faults as faults

FLAGS = ("--old_samples=100", "--max_epochs=3", "--checkpoint_minutes=1e-9")
FLAGS += ("--verbose=0",)
NAMES = ["new.keras", "new.md", "new.split.npz"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Last week's model and today's data."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)).astype("float32")
    np.savez(folder / "today.npz", x=x, y=(x[:, 0] > 0).astype("int32"))
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, "relu"), layers.Dense(2)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.save(folder / "last.keras")
    return folder


class Retraining:
    """The command, what it reads, and the model that it gives undisturbed."""

    def __init__(self, nursery, inputs):
        self._nursery, self._inputs = nursery, inputs
        self._before = self._read()
        whole = inputs / "whole.keras"
        if not whole.exists():
            done = self.run(whole)
            assert done.returncode == 0, done.stderr
        self._before |= self._read()
        self._weights = keras.models.load_model(whole).get_weights()

    def _read(self):
        return {p.name: p.read_bytes() for p in self._inputs.iterdir()}

    def arguments(self, out, *flags):
        model, data = self._inputs / "last.keras", self._inputs / "today.npz"
        given = f"--model={model}", f"--data=npz:{data}", f"--out={out}"
        return [*given, *FLAGS, *flags]

    def run(self, out, *flags, **options):
        return self._nursery.run(
            *self.arguments(out, *flags), command="launch.retrain", **options
        )

    def start(self, out, text, *flags, **options):
        arguments = self.arguments(out, *flags)
        options["command"] = "launch.retrain"
        return self._nursery.start(*arguments, out=text, **options)

    def check_failed(self, done, *words):
        """It ended with a sentence that holds some words."""
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
        for word in words:
            assert word in done.stderr

    def check_goes_on(self, out, *flags):
        """The same command gives the model; inputs are what they were."""
        done = self.run(out, *flags)
        assert done.returncode == 0, done.stderr
        found = keras.models.load_model(out).get_weights()
        for ours, theirs in zip(found, self._weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert history.read(out) is not None  # which is that of this model
        assert self._read() == self._before

    def check_alone(self, folder):
        """There is no other file in a folder but the three new ones."""
        names = {path.name for path in folder.iterdir()}
        assert sorted(names - {"__pycache__"}) == NAMES  # of a module with it


@pytest.fixture
def retraining(nursery, inputs):
    return Retraining(nursery, inputs)


def check_full_disk(retraining, disk, blocks):
    """Runs on a disk with so many free blocks; returns whether it failed."""
    out, filler = disk / "new.keras", disk / "filler"
    for name in NAMES:
        (disk / name).write_bytes(b"precious")
    free = shutil.disk_usage(disk).free
    filler.write_bytes(bytes(free - blocks * 4096))
    done = retraining.run(out, "--overwrite")
    if done.returncode:
        retraining.check_failed(done, "No space left on device", str(disk))
        # It is the same command, with --overwrite.
        assert "without" not in done.stderr
        for name in NAMES:
            assert (disk / name).read_bytes() == b"precious", blocks
    filler.unlink()
    retraining.check_goes_on(out, "--overwrite")
    retraining.check_alone(disk)
    return bool(done.returncode)


@pytest.mark.slow
@faults.needs_mount
def test_a_full_disk(retraining, tmp_path):
    with faults.mounted(tmp_path / "disk", "3m") as disk:
        assert check_full_disk(retraining, disk, 5)


@faults.needs_mount
@pytest.mark.slow
def test_a_disk_that_is_full_at_any_file(retraining, tmp_path, most=18):
    """From the lock to the record, which comes last."""
    with faults.mounted(tmp_path / "disk", "3m") as disk:
        failed = [check_full_disk(retraining, disk, n) for n in range(most)]
    assert failed[0] and not failed[-1]


def test_a_folder_that_is_read_only(retraining, tmp_path):
    out = tmp_path / "new.keras"
    tmp_path.chmod(0o555)
    done = retraining.run(out, obeys_modes=True)
    tmp_path.chmod(0o755)
    retraining.check_failed(done, "Permission denied")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_folder_that_becomes_read_only(nursery, retraining, tmp_path):
    out, text = tmp_path / "new" / "new.keras", tmp_path / "text"
    out.parent.mkdir()
    pid = retraining.start(out, text, obeys_modes=True)
    wait_for(out.parent, ".new.*.training/**/*.jsonl", pid)
    faults.change_modes(out.parent, 0o555, 0o444)
    assert nursery.wait() == 1, text.read_text()
    faults.check_sentence(text.read_text(), "Permission denied")
    faults.change_modes(out.parent, 0o755, 0o644)
    retraining.check_goes_on(out)
    retraining.check_alone(out.parent)


def wait_for(folder, pattern, pid):
    while not list(folder.glob(pattern)):
        os.kill(pid, 0)  # it runs
        time.sleep(0.01)


# A function that takes long, before anything is trained.
SLOW = """
import pathlib, time

def build():
    pathlib.Path(__file__).with_name("reading").touch()
    time.sleep(60)
"""
MOMENTS = {
    "reading": "reading",
    "training": ".new.*.training/**/*.jsonl",
    "writing": ".new.keras.*.keras",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.quick(1)
def test_a_signal(nursery, retraining, tmp_path, number, when):
    out, text = tmp_path / "new.keras", tmp_path / "text"
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW)
    flags = [f"--model={slow}:build"] * (when == "reading")
    pid = retraining.start(out, text, *flags)
    wait_for(tmp_path, MOMENTS[when], pid)
    os.kill(pid, number)
    status = nursery.wait()
    said = text.read_text().replace("\r", "\n").strip().splitlines()
    assert not any("Traceback" in line for line in said), text.read_text()
    if number == signal.SIGINT:
        assert status == 130, said
        assert "Stopped" in said[-1] or "Interrupted" in said[-1]
    else:
        assert status == -signal.SIGTERM
    assert not out.exists()
    for path in (text, slow, tmp_path / "reading"):
        path.unlink(missing_ok=True)
    retraining.check_goes_on(out)
    retraining.check_alone(tmp_path)


@pytest.mark.slow
def test_killed_at_each_of_the_last_file_operations(
    retraining, tmp_path, first=55
):
    """Among them between the record and the model; no name is free."""
    out = tmp_path / "new.keras"
    for kill_at in itertools.count(first):
        for name in NAMES:
            (tmp_path / name).write_bytes(b"precious")
        done = retraining.run(out, "--overwrite", kill_at=kill_at)
        if not done.returncode:
            break
        assert done.returncode == -signal.SIGKILL
        # The old model or the new one, but nothing between.
        is_old = out.read_bytes() == b"precious"
        assert is_old or keras.models.load_model(out)
        record = tmp_path / "new.split.npz"
        if is_old:
            assert record.read_bytes() == b"precious"
        else:
            assert history.read(out) is not None
        retraining.check_goes_on(out, "--overwrite")
        retraining.check_alone(tmp_path)
    assert kill_at > first
