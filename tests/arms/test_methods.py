"""Each arm does what its function or callback does, and goes on alike."""

import dataclasses
import functools
import pathlib
import re

import keras
import numpy as np
import pytest
from keras import layers
from ws_keras.configs import base
from ws_keras.configs import which_arm

import ws_keras
from ws_keras import arms
from ws_keras import experiment
from ws_keras import growing
from ws_keras import reuse
from ws_keras import settings
from ws_keras.arms import registry
from ws_keras.data import datasets
from ws_keras.training import keeper as keepers
from ws_keras.training import stop as stops
from ws_keras.training import terms

RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 3, 90).astype("int32")
SAMPLES = (LABELS[:, None] + RNG.normal(0, 1, (90, 5))).astype("float32")
DATA = datasets.Dataset("own", SAMPLES, LABELS, 3)
TIMES = ("train_seconds", "cpu_seconds", "trace_seconds", "eval_seconds")
# One of each that can be named, in a form that makes a difference soon.
EACH = {
    "cold": "cold",
    "continual_backprop": "continual_backprop-0.5-0",
    "dash": "dash-0.3-0.3",
    "distill": "distill-0.5-2",
    "fire": "fire",
    "first_layers": "first_layers-1",
    "hare_tortoise": "hare_tortoise-2-0.9",
    "head_reset": "head_reset",
    "l2_init": "l2_init-0.1",
    "last_layer": "last_layer-0.5-0.1",
    "norm_reset": "norm_reset",
    "parseval": "parseval-0.01",
    "redo": "redo-5-2",
    "snr": "snr-0.5",
    "rewarm": "rewarm-2",
    "rewarm_reset": "rewarm_reset",
    "shrink_perturb": "shrink_perturb-0.25-0.75",
    "soft_rescaling": "soft_rescaling-0.1",
    "warm": "warm",
    "warm_reset": "warm_reset",
    "weight_averaging": "weight_averaging-0.9",
}
# One of each kind first: by a loss, a slow copy, a rate, a reset of units.
ACTING = [
    *("distill", "hare_tortoise", "rewarm", "redo", "weight_averaging"),
    *("rewarm_reset", "soft_rescaling", "l2_init", "parseval", "snr"),
    "continual_backprop",
]


def config(arm, **changes):
    found = base.get_config()
    found.arms, found.seeds = (arm,), (0,)
    found.data.name, found.data.normalization = "own", "none"
    found.model.name, found.model.units = "mlp", 6
    found.rounds.step, found.train.batch_size = 20, 8
    found.train.epochs = 3
    found.train.steps_per_execution = 1
    found.deterministic = False
    found.update_from_flattened_dict(changes)
    return found


def run(arm, given=None, **arguments):
    given = given or config(arm)
    (setting,) = settings.product(given)
    return list(experiment.run(given, setting, DATA, **arguments))


@functools.cache
def networks():
    """Networks that arms share: most of the time would be their traces."""
    return reuse.Networks()


@functools.cache
def rows_of(name):
    return run(EACH[name], networks=networks())


def values(rows):
    times = dict.fromkeys(TIMES, 0.0)
    kept = [dataclasses.replace(row, **times) for row in rows]
    return [repr(row) for row in kept]  # nan is not equal to nan


def test_no_arm_of_the_package_is_left_out():
    """Other tests may have registered arms of their own."""
    modules = {name: registry._known[name].__module__ for name in arms.names()}
    ours = {n for n, m in modules.items() if m.startswith("ws_keras.arms.")}
    assert set(EACH) == ours


def test_the_frontier_runs_all_arms_but_two_that_equal_others():
    kinds = set(map(arms.name_of, which_arm.ARMS))
    assert set(EACH) - kinds == {"warm_reset", "rewarm"}
    found = run("rewarm", networks=networks())
    for row, other in zip(found, rows_of("rewarm_reset"), strict=True):
        assert row.loss == other.loss


def test_the_table_of_the_documents_is_that_of_the_classes():
    page = pathlib.Path(__file__).parents[2] / "docs/methods.md"
    text = page.read_text("utf8")
    lines = arms.table().splitlines()[2:]
    named = {re.match(r"\| `(\w+)", line)[1]: line for line in lines}
    assert named.keys() >= EACH.keys()
    for name in EACH:
        assert named[name] in text


@pytest.mark.quick(every=5)
@pytest.mark.parametrize("name", [n for n in EACH if n != "warm"])
def test_each_arm_is_another_than_warm(name):
    warm, found = rows_of("warm"), rows_of(name)
    assert len(found) == len(warm) == 3
    assert np.isfinite([row.loss for row in found]).all()
    if name == "warm_reset":  # each round has a new optimizer in a config
        assert found[-1].loss == warm[-1].loss
    else:
        assert found[-1].loss != warm[-1].loss


@pytest.mark.slow
def test_distilling_nothing_is_a_cold_start():
    found = run("distill-0")
    for ours, cold in zip(found, rows_of("cold"), strict=True):
        assert (ours.loss, ours.accuracy) == (cold.loss, cold.accuracy)
    assert rows_of("distill")[1].loss != found[1].loss


class StopAfter(keras.callbacks.Callback):
    """Wants a stop after so many steps."""

    def __init__(self, stop, steps):
        super().__init__()
        self.stop, self.left = stop, steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.stop.want()


def check_resumed(given, every, tmp_path, monkeypatch, want):
    """Stops after every so many steps, goes on, and compares the rows."""
    (setting,) = settings.product(given)
    method = type(setting.method)
    own, found, stops_inside = method.callbacks, [], 0
    for _ in range(100):  # an end even where nothing is ever resumed
        stop = stops.Stop()
        keeper = keepers.Keeper(tmp_path, minutes=None, stop=stop)
        checkpoint = keeper.newest()
        place = checkpoint.state["place"] if checkpoint else None
        stops_inside += bool(place and place["step"])
        stopper = StopAfter(stop, every)
        monkeypatch.setattr(
            method,
            "callbacks",
            lambda arm, round, stopper=stopper: [stopper, *own(arm, round)],
        )
        again = {"keeper": keeper, "checkpoint": checkpoint}
        try:
            for row in experiment.run(given, setting, DATA, **again):
                found.append(row)
            break
        except stops.Interrupted:
            continue
    monkeypatch.undo()
    assert stops_inside > 1
    assert values(found) == values(want)


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", ACTING)
@pytest.mark.parametrize("every", [17, pytest.param(4, marks=pytest.mark.slow)])
def test_interrupted_and_resumed_it_ends_with_the_same_bits(
    name, every, tmp_path, monkeypatch
):
    want = rows_of(name)
    check_resumed(config(EACH[name]), every, tmp_path, monkeypatch, want)


def averaging(learning_rate):
    return keras.optimizers.SGD(learning_rate, use_ema=True, ema_momentum=0.9)


def accumulating(learning_rate):
    rate, steps = learning_rate, 2
    return keras.optimizers.SGD(rate, gradient_accumulation_steps=steps)


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("warm", averaging),
        ("warm", accumulating),
        ("hare_tortoise", averaging),
    ],
)
def test_it_ends_with_the_same_bits_with_any_optimizer(
    name, optimizer, tmp_path, monkeypatch
):
    own = {"optimizer.name": f"{__name__}:{optimizer.__name__}"}
    given = config(EACH[name], **own)
    want = run(EACH[name], given)
    check_resumed(given, 17, tmp_path, monkeypatch, want)


def build():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, "relu"),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@functools.cache
def model():
    keras.utils.set_random_seed(3)
    return build()


def compare(*texts, **arguments):
    """Weights at the end of each arm, on one model, and the rows."""
    rounds = [(SAMPLES[i : i + 30], LABELS[i : i + 30]) for i in (0, 30)]
    ends = {}
    found = growing.fit_rounds(
        arguments.pop("given", model()),
        rounds,
        (SAMPLES[60:], LABELS[60:]),
        arms=texts,
        seeds=(0,),
        batch_size=10,
        until=terms.Until(epochs=2),
        on_end=lambda s, m: ends.setdefault(s.method.name, m.get_weights()),
        **arguments,
    )
    return ends, found.rows


DIRECT = {
    "fire": lambda model, seed: ws_keras.fire(model),
    "norm_reset": lambda model, seed: ws_keras.norm_reset(model, seed=seed),
    "head_reset": lambda model, seed: ws_keras.reset_layers(
        model, last=1, seed=seed
    ),
    "first_layers": lambda model, seed: ws_keras.reset_layers(
        model, last=1, seed=seed
    ),
    "shrink_perturb": lambda model, seed: ws_keras.shrink_perturb(
        model, 0.25, 0.75, seed=seed
    ),
    "last_layer": lambda model, seed: ws_keras.shrink_perturb(
        model, 0.5, 0.1, seed=seed, include=model.layers[-1]
    ),
    "dash": lambda model, seed: ws_keras.dash(
        model,
        [(SAMPLES[:30], LABELS[:30]), (SAMPLES[30:60], LABELS[30:60])],
        0.3,
        0.3,
    ),
}


FEW = ("cold", "hare_tortoise", "l2_init", "redo", "rewarm", "warm", "distill")


@pytest.fixture(
    scope="module",
    params=[
        # In the order of `EACH`: after an arm with a loss comes one without.
        [name for name in EACH if name in FEW or name in DIRECT],
        pytest.param(list(EACH), marks=pytest.mark.slow),
    ],
    ids=["few", "all"],
)
def compared(request):
    return compare(*(EACH[name] for name in request.param))


def first_round():
    """The model as the first round leaves it, trained by hand."""
    found = keras.models.clone_model(model())
    found.set_weights(model().get_weights())
    found.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    train(found, 1, 30)
    return found


def train(found, number, size):
    for epoch in (1, 2):
        rng = ws_keras.seeds.generator(0, "order", number, epoch)
        for batch in np.split(rng.permutation(size), size // 10):
            found.train_on_batch(SAMPLES[:60][batch], LABELS[:60][batch])


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", DIRECT)
def test_arms_of_fit_rounds_are_the_functions(compared, name):
    ends, _ = compared
    found = first_round()
    seed = ws_keras.seeds.derive(0, "transform", 2)
    DIRECT[name](found, seed)
    train(found, 2, 60)
    for ours, value in zip(ends[name], found.get_weights(), strict=True):
        np.testing.assert_allclose(ours, value, rtol=1e-4, atol=1e-6)


def test_all_arms_of_fit_rounds_differ_and_leave_the_model_alone(compared):
    ends, rows = compared
    # These fits are too short for `snr` to know its thresholds.
    same = {"warm", "warm_reset", "snr"}
    warm = np.concatenate([w.ravel() for w in ends["warm"]])
    for name in set(ends) - same:
        found = np.concatenate([w.ravel() for w in ends[name]])
        assert not np.array_equal(found, warm), name
    keras.utils.set_random_seed(3)
    for ours, value in zip(
        model().get_weights(), build().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, value)
    assert all(v.regularizer is None for v in model().trainable_variables)
    assert len(rows) == 2 * len(ends)


def test_an_arm_with_a_loss_leaves_no_trace_in_the_next(compared):
    ends, _ = compared
    alone, _ = compare("warm")
    for ours, value in zip(ends["warm"], alone["warm"], strict=True):
        np.testing.assert_array_equal(ours, value)


def test_rows_of_an_arm_with_a_model_of_its_own_name_the_given_one():
    build()  # so that Keras counts the next model of this kind
    _, rows = compare("cold", "distill")
    assert len({row.model for row in rows}) == 1


def test_objects_are_arms_too():
    found, rows = compare(arms.parse("dash-0.25-0.5"), "shrink_perturb")
    assert set(found) == {"dash", "shrink_perturb"}
    assert rows[0].arm == "dash-0.25-0.5" and rows[0].shrink == 0.25


class Began(keras.callbacks.Callback):
    """Counts the fits of all its copies."""

    count = 0

    def on_train_begin(self, logs=None):
        Began.count += 1


@pytest.mark.parametrize(
    ("arm", "activation", "loss", "words"),
    [
        ("soft_rescaling-0.1", "tanh", "mse", "'bent'"),
        ("distill", "relu", "mse", "softmax.*Received: loss='mse'"),
    ],
)
def test_a_model_that_does_not_suit_an_arm_is_refused_before_any_training(
    arm, activation, loss, words
):
    hidden = layers.Dense(4, activation, name="bent")
    given = keras.Sequential([keras.Input((5,)), hidden, layers.Dense(5)])
    given.compile("adam", loss)
    with pytest.raises(ValueError, match=words):
        begun(given, arm)
    assert Began.count == 0


@pytest.mark.parametrize(
    ("arm", "transform", "words"),
    [
        ("shrink_perturb", {"exclude": "nope"}, "match.*'nope'"),
        ("shrink_perturb", {"include": "nope"}, "match.*'nope'"),
        ("redo-0.1", {}, "'read'.*GRU"),
        ("snr-0.9", {"exclude": "read"}, "selection that has none"),
    ],
)
def test_a_selection_that_does_not_suit_an_arm_is_refused_before_any_training(
    arm, transform, words
):
    given = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Reshape((5, 1)),
            layers.Dense(4, "relu", name="read"),
            layers.GRU(3),
            layers.Dense(5),
        ]
    )
    given.compile("adam", "mse")
    with pytest.raises(ValueError, match=words):
        begun(given, arm, transform)
    assert Began.count == 0


def begun(model, arm, transform=None):
    """Starts to compare an arm with a warm start."""
    return growing.fit_rounds(
        model,
        [(SAMPLES[:30], SAMPLES[:30]), (SAMPLES[30:60], SAMPLES[30:60])],
        (SAMPLES[60:], SAMPLES[60:]),
        arms=["warm", arm],
        seeds=(0,),
        batch_size=10,
        until=terms.Until(epochs=1),
        callbacks=[Began()],
        transform=transform,
    )


def test_rewarm_needs_one_rate():
    given = build()
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    optimizer = keras.optimizers.SGD(rate)
    given.compile(optimizer, given.loss, metrics=["accuracy"])
    with pytest.raises(ValueError, match="'rewarm-1' needs an optimizer"):
        compare("rewarm", given=given)


@pytest.mark.parametrize("name", ["hare_tortoise", "rewarm", "soft_rescaling"])
def test_arms_that_act_run_one_batch_at_a_time(name):
    given = config(EACH[name], **{"train.steps_per_execution": 4})
    (setting,) = settings.product(given)
    with pytest.raises(ValueError, match="steps_per_execution=4"):
        experiment.validate(given, setting, DATA)


@pytest.mark.parametrize(
    "arm, changes, words",
    [
        ("dash-0.3-0.3", {"rounds.protocol": "active"}, "protocol='active'"),
        ("first_layers-3", {}, "fewer than the model's 3"),
        (
            "distill",
            {"penalty.name": "adversarial", "penalty.weight": 0.1},
            "adversarial",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(arm, changes, words):
    with pytest.raises(ValueError, match=words):
        given = config(arm, **changes)
        (setting,) = settings.product(given)
        experiment.validate(given, setting, DATA)
        run(arm, given)
