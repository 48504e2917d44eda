"""A run that is stopped anywhere and goes on equals one that never was."""

import dataclasses
import functools
import time

import keras
import numpy as np
import pytest
from keras import ops

from ws_keras import settings
from ws_keras.storage import rows
from ws_keras.training import feed as feeds
from ws_keras.training import keeper as keepers
from ws_keras.training import loop as arms
from ws_keras.training import place as places
from ws_keras.training import stop as stops
from ws_keras.training import terms
from ws_keras.training import trainer as trainers
from ws_keras.transforms import shrink_perturb as transforms

SETTING = settings.Setting("e/arm/seed3", "arm", 0.5, 0.1, 3)
ROUNDS = [np.arange(21), np.arange(43), np.arange(60)]
BATCH = 8
UNTIL = terms.Until(threshold=0.97, patience=2, max_epochs=5)


def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    return (y[:, None] + rng.normal(0, 0.7, (90, 4))).astype("float32"), y


@functools.cache
def compiled_model(steps_per_execution=1):
    """Normalization, dropout with its random state, and Adam's moments."""
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(6, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Dense(3),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        steps_per_execution=steps_per_execution,
    )
    return model


class StopAfter(keras.callbacks.Callback):
    """Wants a stop after so many steps of all that are seen."""

    def __init__(self, stop, steps):
        super().__init__()
        self.stop, self.left, self.active = stop, steps, False

    def on_train_batch_end(self, batch, logs=None):
        self.left -= self.active
        if self.active and self.left == 0:
            self.stop.want()


def new_model(**compiled):
    """A model that is traced, with nothing left of its earlier life."""
    model = compiled_model(**compiled)
    rng = np.random.default_rng()
    for variable in [*model.weights, *model.optimizer.variables]:
        noise = rng.integers(1, 9, variable.shape)
        if not variable.path.endswith("/learning_rate"):
            variable.assign(noise.astype(variable.dtype))
    model.layers[2].seed_generator.state.assign([1, 0])
    return model


@dataclasses.dataclass
class Life:
    """What a run has given, over all its processes."""

    rows: list = dataclasses.field(default_factory=list)
    epochs: list = dataclasses.field(default_factory=list)
    values: list = dataclasses.field(default_factory=list)
    places: list = dataclasses.field(default_factory=list)


def process(life, folder, stop_after=None, until=UNTIL, **compiled):
    """One process of a run: from the last checkpoint to a stop or the end."""
    x, y = data()
    stop = stops.Stop()
    keeper = keepers.Keeper(folder, minutes=None, stop=stop)
    found = keeper.newest()
    if found is not None:
        life.places.append(found.state["place"])
        del life.epochs[found.state["epochs"] :]
    model = new_model(**compiled)
    stopper = StopAfter(stop, stop_after)
    trainer = trainers.Trainer(
        model,
        feeds.Feed(x, y, BATCH),
        np.arange(60, 90),
        until=until,
        seed=3,
        on_epoch=lambda number, epoch: life.epochs.append((number, epoch)),
        callbacks=[stopper] if stop_after else [],
        keeper=keeper,
    )
    trainer.warm_up(ROUNDS[0])
    transforms.cold_start(model, seed=11)
    if found is not None:
        trainer.resume(found)

    def transform(number):
        transforms.shrink_perturb(model, 0.5, 0.1, seed=number)

    names = dict(experiment="e", dataset="d", model="m", optimizer="adam")
    stopper.active = True
    try:
        for row in arms.train(trainer, SETTING, ROUNDS, transform, **names):
            life.rows.append(row)
    except stops.Interrupted:
        return False
    variables = [*model.variables, *model.optimizer.variables]
    life.values = [ops.convert_to_numpy(v) for v in variables]
    return True


def timeless(record):
    fields = dataclasses.asdict(record)
    return {k: v for k, v in fields.items() if "second" not in k}


def check_same(life, whole):
    assert list(map(timeless, life.rows)) == list(map(timeless, whole.rows))
    ours = [(number, timeless(epoch)) for number, epoch in life.epochs]
    assert ours == [(n, timeless(e)) for n, e in whole.epochs]
    for value, expected in zip(life.values, whole.values, strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    life = Life()
    assert process(life, tmp_path_factory.mktemp("whole"))
    assert len(life.rows) == 3 and len(life.epochs) > 6
    return life


@pytest.mark.parametrize(
    "every",
    [
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(4, marks=pytest.mark.slow),
        pytest.param(7, marks=pytest.mark.slow),
        13,
    ],
)
def test_stopped_every_few_steps_gives_the_same_run(whole, tmp_path, every):
    life = Life()
    processes = 1
    while not process(life, tmp_path, stop_after=every):
        processes += 1
    check_same(life, whole)
    assert processes >= sum(row.steps for row in whole.rows) // every
    # Stops fell inside epochs, between epochs and between rounds.
    inside = [place for place in life.places if place is not None]
    assert any(place["step"] for place in inside)
    if every == 1:
        assert any(not place["step"] for place in inside)
        assert None in life.places


@pytest.mark.slow
def test_stopped_between_executions_of_several_steps(tmp_path):
    whole, life = Life(), Life()
    assert process(whole, tmp_path / "whole", steps_per_execution=3)
    while not process(life, tmp_path / "cut", 1, steps_per_execution=3):
        pass
    check_same(life, whole)
    assert {p["step"] for p in life.places if p} == {0, 3, 6}


@pytest.mark.slow
def test_a_rule_that_measures_cleanly(tmp_path):
    until = dataclasses.replace(UNTIL, measured="clean")
    whole, life = Life(), Life()
    assert process(whole, tmp_path / "whole", until=until)
    while not process(life, tmp_path / "cut", 5, until=until):
        pass
    check_same(life, whole)


@pytest.mark.slow
def test_seconds_add_up(tmp_path):
    life = Life()
    before = time.perf_counter()
    assert not process(life, tmp_path, stop_after=2)
    stopped = time.perf_counter() - before
    (found,) = keepers.checkpoints.paths(tmp_path)
    state = keepers.checkpoints.load(found).state
    # Far more than a process takes, so that a sum shows where they come from.
    state["trace_seconds"] += 1000
    state["place"]["part"] += 5000
    state["place"]["cpu_part"] += 3000
    arrays = keepers.checkpoints.load(found).arrays
    arrays = [np.frombuffer(array, np.uint8) for array in arrays]
    keepers.checkpoints.save(tmp_path, state, arrays)
    assert 0 < state["place"]["part"] - 5000 < stopped
    assert process(life, tmp_path)
    assert 1000 < life.rows[0].trace_seconds < 1100
    assert 5000 < life.rows[0].train_seconds < 5100
    assert 3000 < life.rows[0].cpu_seconds < 3100
    assert life.rows[1].train_seconds < 100
    # JAX compiles a step for the last batch of each round.
    if keras.backend.backend() == "jax":
        assert 0 < life.rows[1].trace_seconds < 100
    else:
        assert life.rows[1].trace_seconds == 0


def test_a_checkpoint_holds_the_row_of_its_round(whole, tmp_path):
    life = Life()
    assert process(life, tmp_path)
    newest, before = keepers.checkpoints.paths(tmp_path)
    for path, row in ((newest, life.rows[-1]), (before, life.rows[-2])):
        assert rows.decode(keepers.checkpoints.load(path).state["row"]) == row


def test_checkpoints_inside_the_next_round_hold_it_too(whole, tmp_path):
    """The line of the row may be torn when the newest ones are of later."""
    life = Life()
    assert not process(life, tmp_path, whole.rows[0].steps + 1)
    assert not process(life, tmp_path, 1)
    assert [place and place["step"] for place in life.places] == [1]
    found = [
        keepers.checkpoints.load(path).state
        for path in keepers.checkpoints.paths(tmp_path)
    ]
    assert [
        (s["rounds"], s["place"] and s["place"]["step"]) for s in found
    ] == [
        *((1, 2), (1, 1)),
        (1, None),
    ]
    for state in found:
        assert rows.decode(state["row"]) == life.rows[0]


def test_a_checkpoint_of_another_model_changes_nothing(tmp_path):
    assert process(Life(), tmp_path)
    found = keepers.Keeper(tmp_path).newest()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    before = model.get_weights()
    with pytest.raises(ValueError, match="Received: .*2 variables of 60 bytes"):
        keepers.restore(found, model.variables)
    for value, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_a_stop_behind_the_last_callback_of_an_epoch(
    whole, tmp_path, monkeypatch
):
    """Keras ends the fit before any callback can say that it is too early."""
    original, wanted = places._Due.on_epoch_end, []

    def on_epoch_end(self, epoch, logs=None):
        original(self, epoch, logs)
        if not wanted and epoch == 1:
            wanted.append(epoch)
            self._guard.keeper.stop.want()

    monkeypatch.setattr(places._Due, "on_epoch_end", on_epoch_end)
    life = Life()
    assert not process(life, tmp_path / "run")
    assert life.rows == [] and len(life.epochs) == 2
    assert process(life, tmp_path / "run")
    assert life.places == [{**life.places[0], "epoch": 2, "step": 0}]
    check_same(life, whole)
