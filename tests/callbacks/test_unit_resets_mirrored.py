"""Resets of units under `MirroredStrategy`: equal on all replicas."""

import json
import pathlib
import subprocess
import sys

import keras
import pytest

ROOT = pathlib.Path(__file__).parents[2]
# A process of its own: the number of devices is fixed before the first use.
SCRIPT = """
import contextlib
import json
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import ws_keras

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 4)).astype("float32")
y = rng.normal(size=(32, 2)).astype("float32")
mirrored = tf.distribute.MirroredStrategy(
    [device.name for device in tf.config.list_logical_devices("CPU")]
)
made = {
    "redo": lambda: ws_keras.ReDo(x, 0.7, 3, seed=3),
    "snr": lambda: ws_keras.SelfNormalizedResets(
        x, 0.5, most=40, batch_size=8, seed=3
    ),
    "cbp": lambda: ws_keras.ContinualBackprop(x, 0.2, 2, seed=3),
}


def trained(make, strategy):
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(6, "relu"),
            keras.layers.Dense(2),
        ])
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
    ws_keras.cold_start(model, seed=3)
    bias = np.zeros(6, "float32")
    bias[1] = -99  # silent
    model.layers[0].bias.assign(bias)
    callback = make()
    model.fit(
        x, y, batch_size=8, epochs=2, shuffle=False, verbose=0,
        callbacks=[callback],
    )
    return model, callback.resets


found = {}
for name, make in made.items():
    alone, one = trained(make, None)
    model, many = trained(make, mirrored)
    pairs = list(zip(alone.variables, model.variables))
    pairs += zip(alone.optimizer.variables, model.optimizer.variables)
    found[name] = {
        "resets": [sum(one.values()), sum(many.values())],
        "replicas": all(
            np.array_equal(v.value.values[0].numpy(), other.numpy())
            for v in [*model.variables, *model.optimizer.variables]
            for other in v.value.values[1:]
        ),
        "distance": max(
            float(abs(a.numpy() - b.value.values[0].numpy()).max())
            for a, b in pairs if "float" in a.dtype
        ),
    }
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="strategies of TensorFlow"
)
def test_replicas_are_equal_and_do_as_one_device():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {"redo", "snr", "cbp"}
    for each in found.values():
        one, many = each["resets"]
        assert one == many > 0
        assert each["replicas"] and each["distance"] < 1e-5
