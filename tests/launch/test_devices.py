"""`--strategy` and `--devices`: the rows are those of one device."""

import importlib.util
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from tests import own_config
from ws_keras.storage import rows

ROOT = pathlib.Path(__file__).parents[2]
# The last batches cannot be shared.
FIELDS = {
    **own_config.MLP,
    "rounds.step": 21,
    "train.batch_size": 8,
    "train.epochs": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    own_config.write(folder, own_config.table(63), FIELDS)
    return folder


def own(folder, workdir, *arguments, **environment):
    config = f"--config={folder / 'own.py'}"
    command = [config, f"--workdir={folder / workdir}", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "launch.run", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def check_equal(folder, one, many, arms):
    for arm in arms:
        pair = [
            rows.read(folder / workdir / "own" / arm / "seed0/rows.jsonl")
            for workdir in (one, many)
        ]
        assert [row.num_samples for row in pair[0]] == [21, 42]
        for row, other in zip(*pair, strict=True):
            for name in (
                "num_samples",
                "steps",
                "sample_passes",
                "train_accuracy",
                "accuracy",
                "loss",
                "eval_loss",
            ):
                want = pytest.approx(getattr(row, name), abs=1e-5)
                assert getattr(other, name) == want


@pytest.mark.slow
def test_a_workdir_goes_on_from_one_device_to_two_and_back(folder):
    own(folder, "one")
    first = own(folder, "changing", "--settings=cold")
    second = own(
        folder,
        "changing",
        "--settings=warm",
        "--strategy=mirrored",
        "--devices=2",
    )
    assert second.stderr == ""
    third = own(folder, "changing", "--strategy=mirrored")
    notice = (
        "`strategy='mirrored'` found one device, cpu:0. The model is "
        "trained on it without a strategy."
    )
    assert third.stderr == f"{notice}\n"
    assert first.stderr == second.stderr == ""
    assert third.stdout.count("finished before, skipped") == 2
    check_equal(folder, "one", "changing", own_config.ARMS)


def stopped(folder, workdir, epochs, *arguments):
    """Runs one setting until so many epochs are there; SIGTERM ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "launch.run"]
        + [f"--config={folder / 'own.py'}", f"--workdir={folder / workdir}"]
        + list(arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    path = folder / workdir / "own/warm/seed0/epochs.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < epochs:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate()
    assert process.returncode == 143
    return out


@pytest.mark.slow
def test_a_setting_goes_on_from_one_device_to_two_and_back(folder):
    only = ("--settings=warm", "--config.train.epochs=20")
    often = (*only, "--checkpoint_epochs=1")
    two = ("--strategy=mirrored", "--devices=2")
    own(folder, "still", *only)
    stopped(folder, "moving", 5, *often)
    path = folder / "moving/own/warm/seed0/epochs.jsonl"
    assert 5 <= path.read_bytes().count(b"\n") < 20  # in its first round
    out = stopped(folder, "moving", 25, *often, *two)
    assert re.search("continues in round 1 after [0-9]+ epochs", out)
    assert 25 <= path.read_bytes().count(b"\n") < 40  # in its second
    done = own(folder, "moving", *often)
    assert "continues in round 2 after " in done.stdout
    check_equal(folder, "still", "moving", ["warm"])
    numbers = [
        [(e.round, e.epoch) for e in rows.read_epochs(f)]
        for f in (path, folder / "still/own/warm/seed0/epochs.jsonl")
    ]
    assert numbers[0] == numbers[1] and len(numbers[0]) == 40


JAX = {
    "KERAS_BACKEND": "jax",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
}
SCRIPT = """
import json
import keras
import numpy as np
from ws_keras import experiment, settings
from ws_keras.configs import base
from ws_keras.data import datasets
from ws_keras.training import strategy

found = {}
many = strategy.Strategy("data_parallel")
dense = keras.layers.Dense(2)
dense.build((None, 2))
found["devices"] = [many.devices, len(dense.kernel.value.devices())]
strategy.Strategy()
dense = keras.layers.Dense(2)
dense.build((None, 2))
found["after"] = len(dense.kernel.value.devices())


def refused(*arguments):
    try:
        strategy.Strategy(*arguments)
    except ValueError as error:
        return str(error)


found["refused"] = [refused("mirrored"), refused("data_parallel", 3)]

rng = np.random.default_rng(0)
y = rng.integers(0, 3, 63)
x = 40 * y[:, None, None, None] + rng.integers(0, 99, (63, 8, 8, 1))
config = base.get_config()
config.arms = ("warm",)
config.seeds = (0,)
config.rounds.step = 21
config.model.width = 8
config.model.blocks = (1, 1)
config.train.batch_size = 8
config.train.epochs = 3
config.optimizer.name = "sgd"
config.optimizer.learning_rate = 0.02
(setting,) = settings.product(config)
data = datasets.Dataset("own", x.astype("uint8"), y, 3)
found["rows"] = [
    [
        [r.train_accuracy, r.accuracy, r.loss, r.eval_loss]
        for r in experiment.run(config, setting, data, strategy=name)
    ]
    for name in ("none", "data_parallel")
]
print(json.dumps(found))
"""


@pytest.fixture
def needs_jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed")


@pytest.mark.slow
def test_data_parallel_on_jax_gives_the_rows_of_one_device(folder, needs_jax):
    only = "--settings=shrink_perturb"
    own(folder, "jax_one", only, **JAX)
    own(folder, "jax_two", only, "--strategy=data_parallel", **JAX)
    check_equal(folder, "jax_one", "jax_two", own_config.ARMS[2:])


@pytest.mark.slow
def test_data_parallel_takes_batch_norm_over_the_batch(needs_jax):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, **JAX},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["devices"] == [["cpu:0", "cpu:1"], 2]
    assert found["after"] == 1
    backend, number = found["refused"]
    assert "Received: the backend 'jax'" in backend
    assert "Received: devices=3. This machine has cpu:0, cpu:1." in number
    one, many = found["rows"]
    for row, other in zip(one, many, strict=True):
        assert other == pytest.approx(row, abs=1e-5)
