"""Replicas on two and four devices end like one device."""

import functools
import json
import pathlib
import subprocess
import sys

import pytest

# With every commit run two replicas of tests/test_replicas.py and
# tests/callbacks/test_mirrored.py.
pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[2]
# A process of its own: the number of devices is fixed before the first use.
SCRIPT = """
import json
import sys
import numpy as np
from ws_keras.training import devices, feed, measures, strategy, terms, trainer

count = int(sys.argv[1])
one, many = strategy.Strategy(), strategy.Strategy("mirrored", count)

import keras
import ws_keras
from ws_keras import experiment, models, settings
from ws_keras.configs import base
from ws_keras.data import datasets

rng = np.random.default_rng(0)
y = rng.integers(0, 3, 184).astype("int32")
x = (y[:, None] + rng.normal(0, 1, (184, 4))).astype("float32")
images = 40 * y[:, None, None, None] + rng.integers(0, 99, (184, 8, 8, 1))
images = images.astype("uint8")
found = {}


def row(result):
    names = "num_samples steps sample_passes loss eval_loss"
    accuracies = [result.train_accuracy, result.accuracy]
    return [getattr(result, name) for name in names.split()] + accuracies


def mlp():
    return keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(6, "tanh"),
        keras.layers.Dense(3),
    ])


def resnet():
    # On one device synchronized batch norm is batch norm.
    return models.resnet18(
        (8, 8, 1), 3, width=8, blocks=(1, 1), synchronized=True
    )


def pair(build, optimizer):
    made = []
    for where in (one, many):
        with where.scope():
            model = build()
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            metrics = measures.for_compile(where.num_replicas)
            model.compile(optimizer(), loss, **metrics)
            model.optimizer.build(model.trainable_variables)
        ws_keras.cold_start(model, seed=3)
        made.append(model)
    return made


class Losses(keras.callbacks.Callback):
    # The mean of the epoch so far, times its samples, less what was before.
    def __init__(self, size, batch_size):
        super().__init__()
        self.losses, self.size, self.batch_size = [], size, batch_size

    def on_epoch_begin(self, epoch, logs=None):
        self.total, self.count = 0.0, 0

    def on_train_batch_end(self, batch, logs=None):
        count = min(self.size, self.count + self.batch_size)
        # The logs of a batch are a mean over the replicas' own means.
        total = float(self.model.get_metrics_result()["loss"]) * count
        self.losses.append((total - self.total) / (count - self.count))
        self.total, self.count = total, count


def equal(model):
    return all(
        np.array_equal(variable.value.values[0].numpy(), other.numpy())
        for variable in [*model.variables, *model.optimizer.variables]
        for other in variable.value.values[1:]
    )


def distance(models):
    return max(
        float(abs(a.numpy() - b.numpy()).max())
        for a, b in zip(*(model.variables for model in models))
    )


def compare(name, models, data, size, batch_size, epochs, copies=False):
    curves, results = [], []
    for model, where in zip(models, (one, many)):
        losses = Losses(size, batch_size)
        run = trainer.Trainer(
            model,
            feed.Feed(data, y, batch_size, where.num_replicas, copies),
            np.arange(121, 184),
            until=terms.Until(epochs=epochs),
            callbacks=[losses],
        )
        run.warm_up(np.arange(size))
        ws_keras.cold_start(model, seed=3)
        losses.losses.clear()
        results.append(row(run.fit_round(1, np.arange(size))))
        curves.append(losses.losses)
    logits = model.predict(data[121:], verbose=0)
    found[name] = {
        "curves": curves,
        "results": results,
        "predicted": float(np.mean(logits.argmax(1) == y[121:])),
        "distance": distance(models),
        "replicas": len(model.variables[0].value.values) * equal(model),
    }


models_of_arrays = pair(mlp, lambda: keras.optimizers.Adam(0.01))
# In the last batch of one sample all replicas but one get nothing real.
compare("curve", models_of_arrays, x, 29, 4, 7)
compare("small", models_of_arrays, x, {2: 13, 4: 9}[count], 4, 1)
models_of_images = pair(resnet, lambda: keras.optimizers.SGD(0.02))
compare("synchronized", models_of_images, images, 109, 16, 8, True)

mix = ws_keras.shrink_perturb
halves = images[:30], images[30:61]
TRANSFORMS = {
    "cold_start": lambda m: ws_keras.cold_start(m, seed=1),
    "shrink_perturb": lambda m: mix(m, 0.5, 0.1, seed=2),
    "gaussian": lambda m: mix(
        m, 0.5, 0.1, seed=2, noise="gaussian", optimizer="keep"
    ),
    "recalibrate": lambda m: mix(
        m, 0.5, 0.1, seed=2, statistics="recalibrate", data=halves
    ),
    "reset_layers": lambda m: ws_keras.reset_layers(m, last=1, seed=2),
    "dash": lambda m: ws_keras.dash(m, [(images[:61], y[:61])]),
}
found["transforms"] = {}
for name, transform in TRANSFORMS.items():
    before = [v.numpy() for v in models_of_images[1].trainable_variables]
    for model in models_of_images:
        transform(model)
    after = [v.numpy() for v in model.trainable_variables]
    change = max(float(abs(a - b).max()) for a, b in zip(before, after))
    found["transforms"][name] = [
        equal(model), change, distance(models_of_images)
    ]


def pulled():
    model = mlp()
    ws_keras.cold_start(model, seed=4)
    ws_keras.l2_init(model, 1.0)
    return model


def whole_runs():
    models = pair(pulled, keras.optimizers.SGD)
    compare("l2_init", models, x, 61, 4, 1)
    data = datasets.Dataset("own", x, y, 3)
    config = base.get_config()
    config.data.name = "own"
    config.data.normalization = "none"
    config.model.name = "mlp"
    config.arms = ["shrink_perturb-0.4-0.1"]
    config.seeds = [0]
    config.rounds.step = 61
    config.train.batch_size = 16
    config.train.epochs = 2
    (setting,) = settings.product(config)
    for protocol in ("online", "two_phase"):
        config.rounds.protocol = protocol
        found[protocol] = [
            [row(r) for r in experiment.run(config, setting, data, **where)]
            for where in ({}, {"strategy": "mirrored", "devices": 2})
        ]
    found["fit_rounds"] = []
    for model in models_of_arrays:
        ws_keras.cold_start(model, seed=3)
        compared = ws_keras.fit_rounds(
            model,
            [(x[:61], y[:61]), (x[61:90], y[61:90])],
            (x[121:], y[121:]),
            arms=("warm",),
            batch_size=16,
            until=terms.Until(epochs=2),
        )
        found["fit_rounds"].append(list(map(row, compared.rows)))


if "whole" in sys.argv:
    whole_runs()


def asked(wanted):
    try:
        return devices.find(wanted)
    except ValueError as error:
        return str(error)


plain = mlp()
with many.scope():
    inside = mlp()
    found["inside"] = strategy.num_replicas(inside)
found["outside"] = [strategy.num_replicas(m) for m in (plain, inside)]
found["found"] = [asked(d) for d in (1, None, "CPU:1, cpu:0", "cpu:1", 5)]
print(json.dumps(found))
"""


@functools.cache
def process(count, *parts):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(count), *parts],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def run(count, *parts):
    done = process(count, *parts)
    assert done.returncode == 0, done.stderr[-2000:]
    return {"count": count, **json.loads(done.stdout.splitlines()[-1])}


@pytest.fixture(params=[2, 4])
def found(request):
    return run(request.param)


@pytest.mark.parametrize(
    "case, steps", [("curve", 56), ("small", None), ("synchronized", 56)]
)
def test_steps_with_uneven_batches_are_those_of_one_device(found, case, steps):
    one, many = found[case]["curves"]
    assert len(one) == (steps or {2: 4, 4: 3}[found["count"]])
    assert many == pytest.approx(one, abs=1e-5)
    assert max(one) > 1.2 * min(one)
    one, many = found[case]["results"]
    assert many == pytest.approx(one, abs=1e-5)
    assert found[case]["distance"] < 1e-5
    assert found[case]["replicas"] == found["count"]


@pytest.mark.parametrize(
    "name",
    [
        "cold_start",
        "shrink_perturb",
        "gaussian",
        "recalibrate",
        "reset_layers",
        "dash",
    ],
)
def test_transforms_leave_replicas_equal_and_as_on_one_device(found, name):
    equal, change, distance = found["transforms"][name]
    assert equal
    assert change > 0.01
    assert distance < 1e-5


def test_an_odd_held_out_part_is_measured_right(found):
    for case in ("curve", "synchronized"):
        *_, accuracy = found[case]["results"][1]
        assert accuracy == pytest.approx(found[case]["predicted"])


def test_a_model_has_its_replicas_wherever_it_is_looked_at(found):
    assert found["inside"] == found["count"]
    assert found["outside"] == [1, found["count"]]


def test_devices_that_are_there(found):
    count = found["count"]
    first, every, named, second, more = found["found"]
    assert first == ["cpu:0"]
    assert every == [f"cpu:{i}" for i in range(count)]
    assert named == ["cpu:1", "cpu:0"]
    assert "Received: devices='cpu:1'" in second
    assert f"Received: devices=5 with {count} there" in more


def test_the_pull_towards_the_start_counts_once():
    found = run(2, "whole")["l2_init"]
    assert found["replicas"] == 2
    assert found["distance"] < 1e-5


@pytest.mark.parametrize(
    "what, sizes",
    [
        ("online", [61, 122]),
        ("two_phase", [61, 122]),
        ("fit_rounds", [61, 90]),
    ],
)
def test_whole_runs_give_the_rows_of_one_device(what, sizes):
    one, many = run(2, "whole")[what]
    assert [row[0] for row in one] == sizes
    for row, other in zip(one, many, strict=True):
        assert other == pytest.approx(row, abs=1e-5)
