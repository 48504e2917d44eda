"""`ShrinkPerturb` under `MirroredStrategy` on two and four devices."""

import json

import keras
import pytest

# A process of its own: the number of devices is fixed before the first use.
SCRIPT = """
import contextlib
import json
import sys
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[2])
)
import ws_keras

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 4)).astype("float32")
y = rng.integers(0, 3, 32)
mirrored = tf.distribute.MirroredStrategy(
    [device.name for device in tf.config.list_logical_devices("CPU")]
)


def build(strategy):
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(6, "tanh"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(3),
        ])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01, use_ema=True), loss)
    # Batch norm measures each replica's part of a batch: frozen, it is the
    # same on one device and on two.
    model.layers[1].trainable = False
    ws_keras.cold_start(model, seed=3)
    return model


def equal(model):
    return all(
        np.array_equal(variable.value.values[0].numpy(), other.numpy())
        for variable in [*model.variables, *model.optimizer.variables]
        for other in variable.value.values[1:]
    )


class Recorder(ws_keras.ShrinkPerturb):
    replicas_equal = ()

    def _apply(self, what, number):
        super()._apply(what, number)
        if hasattr(self.model.variables[0].value, "values"):
            self.replicas_equal += (equal(self.model),)


class Kill(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def fit(model, *others, epochs=4):
    callback = Recorder(0.5, 0.2, "step", every=3, seed=1, optimizer="keep")
    model.fit(
        x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0,
        callbacks=[callback, *others],
    )
    return callback


def values(model):
    return [np.array(v.numpy(), "float64") for v in model.variables]


one, two = build(None), build(mirrored)
fit(one)
recorder = fit(two)
resumed = build(mirrored)
backup = keras.callbacks.BackupAndRestore
try:
    fit(resumed, backup(sys.argv[1]), Kill())
except KeyboardInterrupt:
    resumed = build(mirrored)
    fit(resumed, backup(sys.argv[1]))
print(json.dumps({
    "replicas": len(two.variables[0].value.values),
    "applied": list(recorder.replicas_equal),
    "end": equal(two),
    "from_one": max(abs(a - b).max() for a, b in zip(values(one), values(two))),
    "from_resumed": max(
        abs(a - b).max() for a, b in zip(values(two), values(resumed))
    ),
    "size": max(abs(a).max() for a in values(two)),
}))
"""


@pytest.fixture(
    scope="module", params=[2, pytest.param(4, marks=pytest.mark.slow)]
)
def found(request, tmp_path_factory):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("MirroredStrategy is TensorFlow's")
    backup = tmp_path_factory.mktemp("mirrored") / "backup"
    # Other backends have no use for the nursery.
    nursery = request.getfixturevalue("nursery")
    done = nursery.script(SCRIPT, backup, request.param)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == request.param
    return found


def test_replicas_are_equal_after_each_application_and_at_the_end(found):
    # 16 steps, due after each 3 of them.
    assert found["applied"] == [True] * 5
    assert found["end"]


def test_replicas_end_like_one_device(found):
    assert found["size"] > 0.1
    assert found["from_one"] < 1e-5


def test_an_interrupted_fit_ends_with_the_same_weights(found):
    assert found["from_resumed"] == 0
