"""Diagnostics of a setting: right, and without a trace in the training."""

import dataclasses
import types

import keras
import numpy as np
import pytest
from ws_keras.configs import base

from ws_keras import experiment
from ws_keras import measuring
from ws_keras import settings
from ws_keras.data import datasets
from ws_keras.training import keeper as keepers
from ws_keras.training import stop as stops

RNG = np.random.default_rng(2)
LABELS = (np.arange(90) % 3).astype("int32")
IMAGES = RNG.integers(0, 99, (90, 8, 8, 1), dtype="uint8")
IMAGES += (50 * LABELS[:, None, None, None]).astype("uint8")
DATA = datasets.Dataset("own", IMAGES, LABELS, 3)
WHAT = ("accuracy", "entropy")
TIMES = ("train_seconds", "cpu_seconds", "trace_seconds", "eval_seconds")
ALL = (
    "gradient_norm",
    "weight_correlation",
    "weight_norm",
    "output_entropy",
    "dormant_units",
    "effective_rank",
)


def config(**changes):
    found = base.get_config()
    found.rounds.protocol = "two_phase"
    found.model.width = 2
    found.model.blocks = (1, 1)
    found.train.batch_size = 8
    found.train.epochs = 3
    found.train.monitor_samples = 6
    found.deterministic = False
    found.update_from_flattened_dict(changes)
    return found


def run(given, arm="warm", **arguments):
    (setting,) = settings.product(given, arms=(arm,))[:1]
    epochs = []
    rows = experiment.run(
        given, setting, DATA, on_epoch=epochs.append, **arguments
    )
    return list(rows), epochs


def plain(records):
    times = {"samples_per_second": 0.0, **dict.fromkeys(TIMES, 0.0)}
    fields = {field.name for field in dataclasses.fields(records[0])}
    same = {name: value for name, value in times.items() if name in fields}
    return [dataclasses.replace(r, **same, measures={}) for r in records]


MEASURED = {"diagnostics.measures": ALL, "diagnostics.shrunk": (1.0, 0.5, 0.0)}


@pytest.fixture(scope="module")
def measured():
    return run(config(**MEASURED))


@pytest.mark.slow
def test_rows_and_epochs_are_those_without_diagnostics(measured):
    rows, epochs = run(config())
    assert plain(measured[0]) == plain(rows)
    assert plain(measured[1]) == plain(epochs)


def test_each_epoch_and_round_is_measured(measured):
    rows, epochs = measured
    names = {*ALL[1:], "gradient_norm_new"}
    assert [set(e.measures) - names for e in epochs[:3]] == [set()] * 3
    both = {"gradient_norm_old", "gradient_norm_ratio"}
    assert all(set(e.measures) == names | both for e in epochs[3:])
    for epoch in epochs[3:]:
        found = epoch.measures
        assert found["gradient_norm_ratio"] == pytest.approx(
            found["gradient_norm_new"] / found["gradient_norm_old"]
        )
        assert 0 <= found["output_entropy"] <= np.log(3) + 1e-6
    # The weights correlate fully with themselves, and ever less as they move.
    for start in (0, 3):
        correlations = [
            e.measures["weight_correlation"] for e in epochs[start : start + 3]
        ]
        assert correlations[0] == pytest.approx(1, abs=1e-7)
        assert correlations[0] > correlations[1] > correlations[2]
    assert rows[1].measures["weight_correlation"] < correlations[2]


def test_a_shrunk_copy_by_one_predicts_alike_and_by_zero_nothing(measured):
    found = measured[0][-1].measures
    entropies = [found[f"shrunk/{s}/entropy"] for s in ("1", "0.5", "0")]
    assert entropies == sorted(entropies)
    assert entropies[-1] == pytest.approx(np.log(3))


@pytest.mark.slow
def test_shrinking_without_batch_norm_keeps_what_is_predicted():
    changes = {
        **MEASURED,
        "model.name": "mlp",
        "model.use_bias": False,
        "diagnostics.measures": (),
    }
    rows, _ = run(config(**changes))
    found = rows[-1].measures
    assert found["shrunk/1/accuracy"] == pytest.approx(rows[-1].accuracy)
    assert found["shrunk/0.5/accuracy"] == found["shrunk/1/accuracy"]
    assert found["shrunk/0.5/entropy"] > found["shrunk/1/entropy"]


def test_training_mode_without_batch_norm_is_the_usual_accuracy():
    changes = {"model.name": "mlp", "diagnostics.training_mode": True}
    rows, _ = run(config(**changes))
    for row in rows:
        found = row.measures["training_mode/accuracy"]
        assert found == pytest.approx(row.accuracy)


def test_training_mode_leaves_no_trace():
    usual, _ = run(config())
    rows, _ = run(config(**{"diagnostics.training_mode": True}))
    assert plain(rows) == plain(usual)
    assert all(0 <= r.measures["training_mode/accuracy"] <= 100 for r in rows)


def test_training_mode_takes_the_moments_of_each_batch():
    rng = np.random.default_rng(0)
    x = rng.normal(rng.uniform(-3, 3, 4), 2, (300, 4)).astype("float32")
    held_out = np.arange(20, 300)
    batches = np.split(held_out, [128, 256])
    z = [(x[b] - x[b].mean(0)) / x[b].std(0) for b in batches]
    y = rng.integers(0, 4, 300)
    right = np.concatenate(z).argmax(1) == y[held_out]
    inputs = keras.Input((4,))
    norm = keras.layers.BatchNormalization(epsilon=1e-7)
    model = keras.Model(inputs, norm(inputs))
    before = model.get_weights()
    found = measuring.of(
        config(**{"diagnostics.training_mode": True}),
        types.SimpleNamespace(model=model),
        types.SimpleNamespace(
            x=x, y=y, rounds=[types.SimpleNamespace(held_out=held_out)]
        ),
    ).after(1, np.arange(20))
    want = 100 * right.mean()
    assert found == {"training_mode/accuracy": pytest.approx(want)}
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


class StopAfter(keras.callbacks.Callback):
    """Wants a stop after so many steps."""

    def __init__(self, stop, left):
        super().__init__()
        self.stop, self.left = stop, left

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            self.stop.want()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 14, 22])
def test_measures_survive_a_stop_in_the_middle_of_an_epoch(
    measured, tmp_path, monkeypatch, steps
):
    """An epoch has 4 steps in the first round and 8 in the second."""
    given = config(**MEASURED)
    (setting,) = settings.product(given, arms=("warm",))[:1]
    stop, rows, epochs = stops.Stop(), [], []
    keeper = keepers.Keeper(tmp_path, minutes=None, stop=stop)
    stopper = [StopAfter(stop, steps)]
    monkeypatch.setattr(experiment, "_every_step", lambda *_: stopper)
    first = experiment.run(
        given, setting, DATA, on_epoch=epochs.append, keeper=keeper
    )
    with pytest.raises(stops.Interrupted):
        rows.extend(first)
    monkeypatch.undo()
    again = keepers.Keeper(tmp_path, minutes=None)
    found = again.newest()
    assert found.state["place"]["step"] > 0
    del epochs[found.state["epochs"] :]
    rows += experiment.run(
        given,
        setting,
        DATA,
        on_epoch=epochs.append,
        keeper=again,
        checkpoint=found,
    )
    whole_rows, whole_epochs = measured
    assert plain(rows)[-1] == plain(whole_rows)[-1]
    assert rows[-1].measures == whole_rows[-1].measures
    for ours, theirs in zip(epochs, whole_epochs, strict=True):
        assert ours.measures == theirs.measures


def test_the_source_of_a_transfer_is_measured_on_its_own_samples():
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (120, 8, 8, 1), dtype="uint8")
    source = datasets.Dataset("source", images, np.arange(120) % 2, 2)
    given = config(
        **{
            "rounds.protocol": "transfer",
            "data.source": "source",
            "model.name": "mlp",
            "diagnostics.shrunk": (1.0,),
        }
    )
    rows, _ = run(given, source=source)
    assert len(rows) == 2
    for row in rows:
        assert row.measures["shrunk/1/accuracy"] == pytest.approx(row.accuracy)


def test_a_network_that_has_diverged_is_measured_as_none():
    """What cannot be measured is not to lose the row."""
    given = config(
        **{
            "optimizer.name": "sgd",
            "optimizer.learning_rate": 1e30,
            "diagnostics.shrunk": (1.0, 0.5),
        }
    )
    (row,), _ = run(given)
    assert row.stopped_by == "nan" and row.last
    names = [f"shrunk/{s}/{w}" for s in ("1", "0.5") for w in WHAT]
    assert list(row.measures) == names
    assert np.isnan(list(row.measures.values())).all()
