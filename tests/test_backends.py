"""The transforms and callbacks on the other backends of Keras.

The same tests as on TensorFlow, in a process of their own: a selection here,
all of them where slow tests run.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from ws_keras.storage import rows

ROOT = pathlib.Path(__file__).parents[1]
SELECTION = (
    "exact_steps and schedule7 and reset",
    "an_interrupted_fit and schedule1 and 6 and True",
    "mixed_once and tied",
    "moving_statistics_are_updated",
    "test_reset_equals and Nadam",
)
# Where they lie, so that no other file is read.
SELECTED = ("callbacks/test_shrink_perturb.py", "losses/test_adversarial.py")
SELECTED += ("transforms/test_optimizers.py",)
SELECTED += ("transforms/test_shrink_perturb.py",)
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
    each = ("-m", "slow or not slow", "-k", chosen)
    files = [f"tests/{name}" for name in SELECTED]
    assert int(passes(backend, *each, folders=files).split()[0]) == 5


@pytest.mark.slow
@every_backend
def test_all_pass(backend):
    assert int(passes(backend).split()[0]) > 200


@pytest.mark.slow
@every_backend
def test_a_stopped_run_goes_on(backend):
    resume = ["tests/training/test_resume.py"]
    assert passes(backend, folders=resume).startswith("6 passed")


@pytest.mark.slow
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
found = ws_keras.fit_rounds(model, rounds, (x[200:], y[200:]), seeds=[0])
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


@pytest.mark.slow
@every_backend
def test_a_regression_of_several_inputs_runs_without_tensorflow(backend):
    """Weights, a share of old samples, and a stop by held-out samples."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    script = """
import sys
sys.modules["tensorflow"] = None
import keras
import numpy as np
import ws_keras
from sklearn import datasets
x, y = datasets.load_diabetes(return_X_y=True)
x = (x / x.std(0)).astype("float32")
def build():
    a, b = keras.Input((4,), name="a"), keras.Input((6,), name="b")
    hidden = keras.layers.Dense(8, "relu")(keras.layers.Concatenate()([a, b]))
    model = keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(hidden))
    model.compile(keras.optimizers.Adam(0.3), "mse", metrics=["mae"])
    return model
def part(first, last):
    chosen = slice(first, last)
    weights = np.linspace(0.5, 1.5, last - first)
    return {"a": x[chosen, :4], "b": x[chosen, 4:]}, y[chosen], weights
found = ws_keras.fit_rounds(
    build, [part(0, 100), part(100, 203)], [part(203, 300), part(300, 442)],
    ("cold", "warm"), seeds=(0,), replay=0.5,
    until=ws_keras.Until(monitor="val_mae", patience=3, max_epochs=40),
)
print([(r.num_samples, r.measures["mae"] < 60) for r in found.rows])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    want = [(100, True), (153, True)] * 2
    assert done.stdout.splitlines()[-1] == str(want)


ARMS = ("warm", "snr-0.5", "fire", "norm_reset", "soft_rescaling-0.1")
ARMS += ("hare_tortoise-1-0.9", "weight_averaging-0.9", "rewarm-2")
ARMS += ("rewarm_reset", "parseval-0.01", "distill-0.5-2", "redo-2-2")
ARMS += ("continual_backprop-0.5-0",)


@pytest.mark.slow
@every_backend
def test_arms_do_something_and_the_same_each_time(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    script = """
import sys
import numpy as np
from ws_keras import experiment, settings
from ws_keras.configs import base
from ws_keras.data import datasets
rng = np.random.default_rng(2)
y = rng.integers(0, 3, 90).astype("int32")
x = (y[:, None] + rng.normal(0, 1, (90, 5))).astype("float32")
data = datasets.Dataset("own", x, y, 3)
config = base.get_config()
config.data.name, config.data.normalization = "own", "none"
config.model.name, config.train.max_epochs = "mlp", 4
config.model.units, config.seeds = 6, (0,)
config.rounds.step, config.rounds.limit, config.train.batch_size = 21, 2, 8
config.train.epochs, config.train.steps_per_execution = 2, 1
config.optimizer.name, config.optimizer.learning_rate = "sgd", 0.1
found = {}
for arm in sys.argv[1:]:
    (setting,) = settings.product(config, arms=(arm,))
    one, two = (
        [row.loss for row in experiment.run(config, setting, data)]
        for _ in range(2)
    )
    assert one == two and np.isfinite(one).all(), arm
    found[arm] = one
warm = found.pop("warm")
print(len(found), [arm for arm in found if found[arm] == warm])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *ARMS],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # No unit is silent for the 10,000 samples that resets wait for.
    assert done.stdout.splitlines()[-1] == "12 ['snr-0.5']"


@pytest.mark.slow
def test_jax_compiles_the_last_batch_of_a_round_outside_of_its_seconds():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    script = """
import numpy as np
from ws_keras import experiment, settings
from ws_keras.configs import base
from ws_keras.data import datasets
x = np.random.default_rng(0).integers(0, 256, (900, 8, 8, 3), "uint8")
data = datasets.Dataset("own", x, (np.arange(900) % 3).astype("int32"), 3)
config = base.get_config()
config.model.width, config.model.blocks = 4, (1, 1)
# Rounds of 192, 384, 576 and 600 samples: the last one ends with a batch of 24.
config.train.batch_size, config.train.epochs = 64, 1
config.rounds.step = 192
(setting,) = settings.product(config, arms=("warm",))[:1]
rows = list(experiment.run(config, setting, data))
print([row.trace_seconds > 0 for row in rows])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "[True, False, False, True]"


SMALL_ROUNDS = ["rounds.step=150", "rounds.limit=2"]
COMMANDS = {
    "logistic": ("table1_two_phase", "cifar10-logistic-adam/.*seed0", []),
    "gradients": (
        *("fig5_gradients", "(warm|0.5-0.01)/seed0"),
        ["second.epochs=1"],
    ),
    "resnet18": ("table1_two_phase", "cifar10-resnet18-sgd/.*seed0", []),
    "sweep": ("fig7_shrink_sweep", "(cold|-0.6-0.01)/seed0", SMALL_ROUNDS),
    "grid": ("fig8_grid", "perturb-(0.4|1)-1e-1/seed0", SMALL_ROUNDS),
}


@pytest.mark.slow
@every_backend
@pytest.mark.parametrize("case", COMMANDS)
def test_the_commands_run_without_tensorflow(backend, case, tmp_path):
    """Two settings of real configs on a data set that was saved as arrays."""
    name, settings, more = COMMANDS[case]
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    rng = np.random.default_rng(0)
    y = np.arange(600) % 10
    x = rng.integers(0, 156, (600, 32, 32, 3)) + 9 * y[:, None, None, None]
    np.savez(tmp_path / "cifar10.npz", x=x.astype("uint8"), y=y)
    small = ["model.width=8", "model.blocks=(1,1)", "train.max_epochs=2"]
    small += ["diagnostics.samples=100", *more]
    script = """
import sys
from importlib.machinery import PathFinder
class WithoutTensorFlow:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in ("tensorflow", "tensorflow_datasets"):
            return PathFinder.find_spec(name, path, target)
    find_distributions = PathFinder.find_distributions
sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTensorFlow
from launch import run
run.run()
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script]
        + [f"--config={name}", f"--settings={settings}"]
        + [f"--workdir={tmp_path / 'run'}", f"--data_dir={tmp_path}"]
        + [f"--config.{field}" for field in small],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = rows.read_workdir(tmp_path / "run")
    assert sum(row.last for row in found) == 2
    assert all(np.isfinite(row.loss) for row in found)
    assert (tmp_path / "run/report/report.html").exists()
