"""Every experiment under `MirroredStrategy`: the rows are one device's."""

import json
import pathlib

import pytest

# Units are reset between steps.
UNITS = {"train.steps_per_execution": 1}
ONLINE = {
    "cold": {},
    "warm": {},
    "warm_reset": {"optimizer.momentum": 0.9},
    "head_reset": {},
    "first_layers-1": {},
    "last_layer-0.5-0.1": {},
    "l2_init-0.01": {},
    "dash-0.3-0.3": {},
    "fire": {},
    "norm_reset": {},
    "soft_rescaling-0.1": {},
    "hare_tortoise-2-0.9": {},
    "weight_averaging-0.9": {},
    "rewarm-2": {},
    "rewarm_reset": {},
    "parseval-0.01": {},
    "distill-0.5-2": {},
    "redo-2-2": UNITS,
    "snr-0.5": UNITS,
    "continual_backprop-0.5-0": UNITS,
}
ACQUISITIONS = ("margin", "entropy", "badge", "random")
# Fields, and the arm that is shrink-perturb where nothing else is said.
VARIANTS = {
    **{arm: {**fields, "arms": (arm,)} for arm, fields in ONLINE.items()},
    **{
        name: {"rounds.protocol": "active", "rounds.acquisition": name}
        for name in ACQUISITIONS
    },
    "transfer": {"rounds.protocol": "transfer", "data.source": "other"},
    "two_phase": {
        "rounds.protocol": "two_phase",
        "second.batch_size": 4,
        "second.learning_rate": 0.01,
    },
    "one_phase": {"rounds.protocol": "one_phase"},
    "logistic": {"model.name": "logistic"},
    "official_test": {"data.split": "official_test"},
    "adam": {"optimizer.name": "adam", "optimizer.learning_rate": 0.001},
    "every_step": {
        "transform.step_shrink": 0.99,
        "transform.step_perturb": 0.01,
    },
    "gaussian": {"transform.noise": "gaussian", "transform.optimizer": "keep"},
    "l2": {"penalty.name": "l2", "penalty.weight": 0.1},
    "confidence": {"penalty.name": "confidence", "penalty.weight": 0.5},
    "adversarial": {"penalty.name": "adversarial", "penalty.weight": 0.1},
    "decay": {"optimizer.weight_decay": 0.1},
    "clean": {"train.epochs": None, "train.measured": "clean"},
    "patience": {"train.epochs": None, "train.patience": 2},
    "measures": {
        "diagnostics.measures": (
            "gradient_norm",
            "weight_correlation",
            "weight_norm",
            "output_entropy",
            "dormant_units",
            "effective_rank",
        ),
        "diagnostics.shrunk": (1.0, 0.5),
    },
}
# A process of its own: the number of devices is fixed before the first use.
SCRIPT = """
import contextlib
import dataclasses
import json
import sys
import numpy as np
from ws_keras import experiment, reuse, settings
from ws_keras.configs import base
from ws_keras.data import datasets

rng = np.random.default_rng(2)
y = rng.integers(0, 3, 90).astype("int32")
x = (y[:, None] + rng.normal(0, 1, (90, 5))).astype("float32")
data = datasets.Dataset("own", x, y, 3, x[:30], y[:30])
other = datasets.Dataset("other", x[::-1].copy(), (y + 1) % 3, 3)


def config(changes):
    found = base.get_config()
    found.arms, found.seeds = ("shrink_perturb-0.5-0.1",), (1,)
    found.data.name = "own"
    found.data.normalization = "none"
    found.model.name, found.model.units = "mlp", 6
    # Adam divides by gradients, and makes rounding of the smallest a step.
    found.optimizer.name, found.optimizer.learning_rate = "sgd", 0.1
    found.rounds.step, found.rounds.limit = 21, 2
    found.train.batch_size = 8
    found.train.epochs, found.train.max_epochs = 3, 6
    for name, value in changes.items():
        group, _, field = name.rpartition(".")
        setattr(getattr(found, group) if group else found, field, value)
    return found


class Networks(reuse.Networks):
    @contextlib.contextmanager
    def lent(self, key, make):
        with super().lent(key, make) as network:
            yield network
            model = network.model
            for variable in [*model.variables, *model.optimizer.variables]:
                first, *rest = getattr(variable.value, "values", [variable])
                for value in rest:
                    # Bit for bit.
                    assert np.array_equal(first.numpy(), value.numpy())


networks = Networks()


def run(given, **where):
    (setting,) = settings.product(given)
    epochs = []
    source = other if given.data.source else None
    rows = experiment.run(
        given, setting, data, source=source, on_epoch=epochs.append,
        networks=networks, **where
    )
    return [list(map(dataclasses.asdict, part)) for part in (rows, epochs)]


experiment.start(config({}), "mirrored", 2)
found = {}
for name, changes in json.loads(sys.argv[1]).items():
    changes = {
        field: tuple(value) if isinstance(value, list) else value
        for field, value in changes.items()
    }
    given = config(changes)
    found[name] = run(given), run(given, strategy="mirrored", devices=2)
print(json.dumps(found))
"""
# What takes time, and what is one device's by definition.
OF_TIME = ("train_seconds", "cpu_seconds", "trace_seconds", "eval_seconds")
OF_TIME += ("samples_per_second",)


FAST = ("decay",)  # two rounds and the default arm, with one trace


@pytest.fixture(scope="module")
def found(nursery, request):
    """Rows and epochs of the variants whose tests run, on both."""
    tests = request.session.items
    chosen = {
        item.callspec.params["name"]
        for item in tests
        if item.path == pathlib.Path(__file__)
    }
    wanted = {name: VARIANTS[name] for name in VARIANTS if name in chosen}
    done = nursery.script(SCRIPT, json.dumps(wanted))
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FAST else pytest.mark.slow)
        for name in VARIANTS
    ],
)
def test_two_replicas_give_the_rows_and_epochs_of_one_device(found, name):
    one, two = found[name]
    for part, other in zip(one, two, strict=True):
        assert len(part) == len(other) > 0
        for record, own in zip(part, other, strict=True):
            assert record.keys() == own.keys()
            for field in record.keys() - set(OF_TIME):
                want = record[field]
                if isinstance(want, float | dict):
                    want = pytest.approx(want, rel=1e-5, abs=1e-5, nan_ok=True)
                assert own[field] == want, field
