"""Both protocols on two replicas: equal weights, and one device's loss."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
# A process of its own: the number of devices is fixed before the first use.
SCRIPT = """
import json
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
from ws_keras import experiment, settings
from ws_keras.configs import base
from ws_keras.data import datasets
from ws_keras.training import feed, strategy, trainer
from ws_keras.transforms import shrink_perturb as transforms
import keras

rng = np.random.default_rng(0)
y = rng.integers(0, 3, 184).astype("int32")
x = (y[:, None] + rng.normal(0, 1, (184, 4))).astype("float32")
found = {}


def build(scope):
    with scope:
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(6, "tanh"),
            keras.layers.Dense(3),
        ])
        model.compile(
            keras.optimizers.Adam(0.01),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    return model


class Losses(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.losses, self.seen, self.batches = [], 0.0, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.seen, self.batches = 0.0, 0

    def on_train_batch_end(self, batch, logs=None):
        # The logs hold the mean of the epoch so far.
        self.batches += 1
        total = logs["loss"] * self.batches
        self.losses.append(float(total - self.seen))
        self.seen = total


def replicas(model):
    return all(
        np.array_equal(*(v.numpy() for v in variable.value.values))
        for variable in [*model.variables, *model.optimizer.variables]
    )


weights = {}
for name in ("none", "mirrored"):
    devices = strategy.Strategy(name)
    model = build(devices.scope())
    losses = Losses()
    run = trainer.Trainer(
        model,
        feed.Feed(x, y, 16, devices.num_replicas),
        np.arange(121, 184),
        until=trainer.Until(epochs=4),
        callbacks=[losses],
    )
    run.warm_up(np.arange(64))
    losses.losses.clear()
    transforms.cold_start(model, seed=3)
    run.fit_round(1, np.arange(64))
    found[name] = list(losses.losses)
    if name == "mirrored":
        found["replicas"] = [replicas(model)]
        transforms.shrink_perturb(model, 0.5, 0.1, seed=4)
        found["replicas"].append(replicas(model))
        result = run.fit_round(2, np.arange(61))
        found["replicas"].append(replicas(model))
        logits = model.predict(x[121:], verbose=0)
        right = float(np.mean(logits.argmax(1) == y[121:]))
        found["accuracies"] = [result.accuracy, right]
        found["odd"] = [result.num_samples, result.sample_passes]

data = datasets.Dataset("own", x.astype("float32"), y, 3)
for protocol in ("online", "two_phase"):
    config = base.get_config()
    config.data.name = "own"
    config.data.normalization = "none"
    config.model.name = "mlp"
    config.arms = ["shrink_perturb-0.4-0.1"]
    config.seeds = [0]
    config.rounds.protocol = protocol
    config.rounds.step = 60
    config.train.batch_size = 16
    config.train.epochs = 2
    rows = [
        row
        for setting in settings.product(config)
        for row in experiment.run(config, setting, data, strategy="mirrored")
    ]
    found[protocol] = [[r.arm, r.num_samples, r.stopped_by] for r in rows]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_losses_equal_those_of_one_device(found):
    assert len(found["none"]) == 16
    assert found["mirrored"] == pytest.approx(found["none"], abs=1e-5)
    assert found["none"][0] > 1.2 * found["none"][-1]


def test_replicas_are_equal_after_training_and_transform(found):
    assert found["replicas"] == [True, True, True]


def test_an_odd_remainder_leaves_one_sample_out(found):
    assert found["odd"] == [61, 4 * 60]


def test_an_odd_held_out_part_is_measured_right(found):
    ours, right = found["accuracies"]
    assert ours == pytest.approx(right)


@pytest.mark.parametrize(
    "protocol, sizes", [("online", [60, 120, 122]), ("two_phase", [61, 122])]
)
def test_both_protocols_run(found, protocol, sizes):
    assert found[protocol] == [
        ["shrink_perturb", size, "epochs"] for size in sizes
    ]
