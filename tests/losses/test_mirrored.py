"""Losses and diagnostics on two replicas."""

import json
import pathlib
import subprocess
import sys

import keras
import pytest

pytestmark = pytest.mark.slow
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
x = rng.normal(size=(35, 4)).astype("float32")
y = rng.integers(0, 3, 35)
# The padded last batch of a feed: 3 samples as 4, one of them with weight 0.
order = np.append(np.arange(35), 33)
weights = np.append(np.ones(32), [4 / 3, 4 / 3, 4 / 3, 0]).astype("float32")
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
DATA = {"old": (x[:16], y[:16]), "new": (x[16:], y[16:]), "data": x}


def build(strategy, norm):
    with strategy.scope() if strategy else contextlib.nullcontext():
        parts = [keras.Input((4,)), keras.layers.Dense(6, "tanh")]
        if norm:
            parts += [
                keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)
            ]
        model = keras.Sequential([*parts, keras.layers.Dense(3)])
    # Outside of the scope: it finds the strategy of the model.
    model = ws_keras.adversarial(model, 0.2)
    ws_keras.l2(model, 0.01)
    with strategy.scope() if strategy else contextlib.nullcontext():
        loss = ws_keras.ConfidencePenalty(0.3)
        model.compile(keras.optimizers.SGD(0.1), loss)
    ws_keras.cold_start(model, seed=3)
    return model


def fit(model, *callbacks):
    return model.fit(
        x[order], y[order], sample_weight=weights, batch_size=8, epochs=3,
        shuffle=False, verbose=0, callbacks=list(callbacks),
    ).history


def replicas(model):
    return [
        [value.numpy() for value in v.value.values]
        for v in [*model.variables, *model.optimizer.variables]
    ]


def distance(first, second):
    return max(
        float(abs(a.numpy() - b.numpy()).max())
        for a, b in zip(first.variables, second.variables)
    )


one, two = build(None, False), build(mirrored, False)
histories = fit(one), fit(two)
found = {
    "replicas": two.distribute_strategy.num_replicas_in_sync,
    "from_one": distance(one, two),
    "moved": distance(one, build(None, False)),
}
pair = [ws_keras.Diagnostics(**DATA) for _ in "12"]
one, two = build(None, False), build(mirrored, False)
fit(one, pair[0]), fit(two, pair[1])
found["rows"] = [callback.rows for callback in pair]
watched, alone = build(mirrored, True), build(mirrored, True)
for model in (watched, alone):
    seed = model.layers[3].seed_generator.state
    seed.assign(np.array([5, 7], "uint32"))
fit(watched, ws_keras.Diagnostics(**DATA, every=4))
fit(alone)
found["bitwise"] = all(
    np.array_equal(ours, theirs)
    for a, b in zip(replicas(watched), replicas(alone))
    for ours, theirs in zip(a, b)
)
probe = ws_keras.Probe(two, data=x)
try:
    with mirrored.scope():
        probe()
except ValueError as error:
    found["error"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("MirroredStrategy is TensorFlow's")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_replicas_end_like_one_device(found):
    """Attacks, confidence penalty and L2 at once, padded batches too."""
    assert found["replicas"] == 2
    assert found["moved"] > 0.05
    assert found["from_one"] < 1e-5


def test_diagnostics_are_those_of_one_device(found):
    one, two = found["rows"]
    assert len(one) == 3 and len(one[0]) == 10
    for ours, theirs in zip(two, one, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)


def test_diagnostics_leave_all_replicas_bitwise_as_they_were(found):
    assert found["bitwise"]


def test_a_call_in_a_scope_is_refused(found):
    assert "outside the scope of a strategy" in found["error"]
