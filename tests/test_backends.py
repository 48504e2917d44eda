"""The transforms and callbacks on the other backends of Keras.

The same tests as on TensorFlow, in a process of their own: a selection here,
all of them where slow tests run.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SELECTION = (
    "exact_steps and (schedule0 or schedule5 or schedule7)",
    "an_interrupted_fit and schedule1 and 6",
    "second_fit and (plain or use_ema or accumulation)",
    "one_and_zero_trains",
    "zero_and_one and nested",
    "mixed_once and tied",
    "moving_statistics",
    "test_reset_equals and (Adam or Ftrl)",
    "linear_model_equals",
    "bitwise_as_without_it and 4",
    "moving_statistics_are_updated_by_the_two",
)
FOLDERS = ("tests/transforms", "tests/callbacks")
FOLDERS += ("tests/losses", "tests/diagnostics")
every_backend = pytest.mark.parametrize("backend", ["jax", "torch"])


def passes(backend, *arguments, folders=FOLDERS):
    """Runs tests on a backend; returns the line that counts them."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-x", "-n0"]
        + ["-p", "no:cacheprovider", *folders, *arguments],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout.splitlines()[-1]


@every_backend
def test_a_selection_passes(backend):
    chosen = " or ".join(f"({part})" for part in SELECTION)
    assert int(passes(backend, "-k", chosen).split()[0]) > 20


@pytest.mark.slow
@every_backend
def test_all_pass(backend):
    assert int(passes(backend).split()[0]) > 200


@pytest.mark.slow
@every_backend
def test_a_stopped_run_goes_on(backend):
    resume = ["tests/training/test_resume.py"]
    assert passes(backend, folders=resume).startswith("7 passed")


@every_backend
def test_a_comparison_runs_without_tensorflow(backend):
    """`fit_rounds`, where TensorFlow cannot be imported."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    script = """
import sys
sys.modules["tensorflow"] = None
import keras
import numpy as np
import ws_keras
rng = np.random.default_rng(0)
y = rng.integers(0, 3, 300)
x = (y[:, None] + rng.normal(0, 0.4, (300, 8))).astype("float32")
model = keras.Sequential(
    [keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(3)]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
rounds = [(x[:100], y[:100]), (x[100:200], y[100:200])]
found = ws_keras.fit_rounds(model, rounds, (x[200:], y[200:]))
print([(row.arm, row.round, row.accuracy > 80) for row in found.rows])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    arms = ("cold", "warm", "shrink_perturb")
    want = [(arm, number, True) for arm in arms for number in (1, 2)]
    assert done.stdout.splitlines()[-1] == str(want)
