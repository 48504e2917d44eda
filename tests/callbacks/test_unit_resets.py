"""ReDo, self-normalized resets and continual backprop within `fit`."""

import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from ws_keras.callbacks import unit_resets
from ws_keras.callbacks.self_normalized import next_thresholds
from ws_keras.losses.distillation import distill

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 3)).astype("float32")
Y = RNG.normal(size=(48, 2)).astype("float32")
EPOCH = 6  # batches


def value(variable):
    return np.array(ops.convert_to_numpy(variable))


def arrays(model):
    return [value(v) for v in [*model.variables, *model.optimizer.variables]]


def same(first, second):
    return all(map(np.array_equal, first, second))


def build(rate=0.05, units=6, eagerly=True):
    """The first two units never respond, and learn nothing by themselves."""
    # A short fit takes less time than the trace of its step.
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(units, name="first"),
            layers.BatchNormalization(momentum=0.5),
            layers.ReLU(),
            layers.Dense(units, "relu", name="second"),
            layers.Dense(2, name="head"),
        ]
    )
    ws_keras.cold_start(model, seed=1)
    for name in ("gamma", "beta"):
        variable = getattr(model.layers[1], name)
        variable.assign(np.where(np.arange(units) < 2, 0, value(variable)))
    adam = keras.optimizers.Adam(rate)
    model.compile(adam, "mse", run_eagerly=eagerly)
    return model


def fitted(model, *callbacks, epochs=3, **arguments):
    data = {"x": X, "y": Y, "batch_size": 8, "shuffle": False, **arguments}
    return model.fit(epochs=epochs, verbose=0, callbacks=callbacks, **data)


class Notes(keras.callbacks.Callback):
    """Notes what there is after each batch, and fails on demand."""

    def __init__(self, fails_at=None):
        super().__init__()
        self.after, self.fails_at = [], fails_at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.fails_at:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        self.after.append(arrays(self.model))


MADE = {
    "redo": lambda **k: ws_keras.ReDo(X, 0.3, 4, **k),
    "snr": lambda **k: ws_keras.SelfNormalizedResets(
        X, 0.9, most=64, batch_size=16, **k
    ),
    "cbp": lambda **k: ws_keras.ContinualBackprop(X, 0.1, 3, **k),
}
every_method = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


def one_method(fast):
    """Parametrizes by all methods, the others slow: their base is the same."""
    some = [
        pytest.param(
            make, id=name, marks=() if name == fast else pytest.mark.slow
        )
        for name, make in MADE.items()
    ]
    return pytest.mark.parametrize("make", some)


def test_redo_acts_after_each_so_many_batches_as_redo_does():
    model, plain = build(), build()
    callback, notes = ws_keras.ReDo(X, 0, 4, seed=3), Notes()
    fitted(model, callback, notes, epochs=1)
    alone = Notes()
    fitted(plain, alone, epochs=1)
    for number in range(3):
        assert same(notes.after[number], alone.after[number])
    assert callback.resets == {"first": 2}
    # The function is as it was, and the moments of both units are 0.
    before, after = alone.after[3], notes.after[3]
    assert not same(before, after)
    kernel, head = after[0], after[6]
    assert (kernel[:, :2] != before[0][:, :2]).all()
    assert not head[:2].any() and head[2:].all()
    moments = after[len(model.variables) :]
    assert any(m.shape == (6, 6) and not m[:2].any() for m in moments)
    assert len(callback.report.touched) == 7


def test_redo_again_draws_anew():
    callback, notes = ws_keras.ReDo(X, 9, 3, seed=3), Notes()
    fitted(build(1e-9), callback, notes, epochs=1)
    first, second = notes.after[2][0], notes.after[5][0]
    assert (first != second).all()
    assert callback.resets == {"first": 12, "second": 12}


@pytest.mark.slow
@every_method
def test_a_seed_fixes_all(make):
    found = []
    for seed in (3, 3, 4):
        model, callback = build(), make(seed=seed)
        fitted(model, callback, epochs=2)
        assert sum(callback.resets.values()) > 0
        found.append(arrays(model))
    assert same(found[0], found[1]) and not same(found[0], found[2])


@pytest.mark.quick(1)
@every_method
@pytest.mark.parametrize(
    ("first", "fails_at"),
    [(True, 1), pytest.param(False, 3, marks=pytest.mark.slow)],
)
def test_an_interrupted_fit_goes_on_alike(make, tmp_path, first, fails_at):
    def callbacks(callback):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [callback, backup] if first else [backup, callback]

    whole, callback = build(), make(seed=3)
    fitted(whole, callback, epochs=4)
    with pytest.raises(KeyboardInterrupt):
        fitted(build(), *callbacks(make(seed=3)), Notes(fails_at), epochs=4)
    model, other = build(), make(seed=3)
    fitted(model, *callbacks(other), epochs=4)
    assert other.resets == callback.resets and callback.resets
    assert same(arrays(model), arrays(whole))


@one_method("cbp")
def test_without_a_seed_an_interrupted_fit_goes_on_with_its_own(make, tmp_path):
    def callbacks():
        return make(), keras.callbacks.BackupAndRestore(tmp_path / "backup")

    interrupted = callbacks()
    with pytest.raises(KeyboardInterrupt):
        fitted(build(), *interrupted, Notes(1), epochs=2)
    model = build()
    again = callbacks()
    fitted(model, *again, epochs=2)
    first, second = interrupted[0]._state, again[0]._state
    assert first.values["seed"] == second.values["seed"]


@pytest.mark.slow
@one_method("snr")
def test_measuring_changes_nothing(make):
    """Where no unit is reset, a fit is bit for bit as without."""
    model, plain = build(), build()
    fitted(model, make(include="second", seed=3), epochs=1)
    callback = make(include="second", seed=3)
    callback.choose = lambda values, found: [
        np.arange(0) for _ in callback._measure(X[:8])
    ]
    model = build()
    fitted(model, callback, epochs=2)
    fitted(plain, epochs=2)
    assert same(arrays(model), arrays(plain)) and callback.resets == {}


@pytest.mark.quick(1)
@every_method
def test_only_units_that_are_meant_are_reset(make):
    callback = make(exclude="first", seed=3)
    fitted(build(), callback, epochs=4)
    assert set(callback.resets) <= {"second"}
    model = build()
    model.get_layer("second").trainable = False
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="'second'"):
        fitted(model, make(seed=3))


@pytest.mark.slow
@one_method("redo")
def test_a_second_fit_begins_anew_with_other_draws(make):
    callback, ends = make(seed=3), []
    for _ in range(2):
        model = build()
        fitted(model, callback)
        ends.append((arrays(model), callback.resets))
    assert ends[0][1] and ends[1][1]
    assert not same(ends[0][0], ends[1][0])


@pytest.mark.slow
@one_method("snr")
def test_copies_do_the_same(make):
    callback, found = make(seed=3), []
    for each in (
        callback,
        copy.deepcopy(callback),
        pickle.loads(pickle.dumps(callback)),
    ):
        model = build()
        fitted(model, each, epochs=1)
        found.append(arrays(model))
    assert same(found[0], found[1]) and same(found[0], found[2])


@one_method("cbp")
def test_nothing_is_left_on_the_model(make):
    model, callback = build(eagerly=False), make(seed=3)
    before = set(vars(model))
    fitted(model, callback, epochs=1, validation_data=(X, Y))
    model.evaluate(X, Y, verbose=0, callbacks=[callback])
    model.predict(X, verbose=0, callbacks=[callback])
    left = {name for name in set(vars(model)) - before if "ws_keras" in name}
    assert not left


@one_method("redo")
def test_a_learner_with_a_teacher(make):
    model, teacher = build(), build()
    learner, callback = distill(model, teacher), make(seed=3)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    learner.compile(keras.optimizers.Adam(0.01), loss)
    fitted(learner, callback, epochs=2)
    assert callback.resets


@pytest.mark.slow
@one_method("cbp")
def test_a_fit_that_diverges_is_let_be(make):
    model = build(1e30)
    fitted(model, make(seed=3), epochs=4)
    assert not np.isfinite(value(model.get_layer("head").kernel)).all()


@every_method
def test_several_batches_at_a_time_are_refused(make):
    model = build()
    model.compile("sgd", "mse", steps_per_execution=2)
    with pytest.raises(ValueError, match="steps_per_execution"):
        fitted(model, make(seed=3))


def test_an_optimizer_without_moments_of_units_is_refused_at_once():
    model = build()
    model.compile(keras.optimizers.Adafactor(), "mse", run_eagerly=True)
    with pytest.raises(ValueError, match="Adafactor"):
        fitted(model, ws_keras.ReDo(X, 9, 1000, seed=3))


def redo(**arguments):
    return ws_keras.ReDo(**{"data": X, **arguments})


def snr(**arguments):
    return ws_keras.SelfNormalizedResets(**{"data": X, **arguments})


def cbp(**arguments):
    return ws_keras.ContinualBackprop(**{"data": X, **arguments})


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (redo, {"threshold": -1}),
        (redo, {"threshold": True}),
        (redo, {"samples": 0}),
        (redo, {"every": 0}),
        (redo, {"seed": -1}),
        (redo, {"include": "("}),
        (redo, {"build_fn": 3}),
        (snr, {"percentile": 1}),
        (snr, {"percentile": 0.0}),
        (snr, {"percentile": 98}),
        (snr, {"most": 0}),
        (snr, {"every": 1.5}),
        (snr, {"batch_size": 0}),
        (cbp, {"rate": 1.1}),
        (cbp, {"rate": None}),
        (cbp, {"maturity": -1}),
        (cbp, {"maturity": 1.5}),
        (cbp, {"decay": 1}),
        (cbp, {"batch_size": -3}),
    ],
)
def test_arguments_out_of_range(make, arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=name):
        make(**arguments)


# Continual backprop, against its definition written out.


def test_utility_decides_who_is_replaced():
    """With rate 0.1 and 6 mature units one is due after each other batch."""
    model, notes = build(), Notes()
    callback = ws_keras.ContinualBackprop(
        X[:8], 0.1, 3, decay=0.9, batch_size=8, seed=3, include="second"
    )
    seen = []
    choose = callback.choose

    def noted(values, found):
        # Before anything is reset.
        hidden = keras.Model(model.inputs, model.get_layer("second").output)
        size = abs(value(hidden(X[:8], training=False))).mean(0)
        weight = abs(value(model.get_layer("head").kernel)).mean(1)
        seen.append((size, weight, choose(values, found)[0]))
        return [seen[-1][2]]

    callback.choose = noted
    fitted(model, callback, notes, epochs=2)
    age, mean, due = np.zeros(6), np.zeros(6), 0.0
    for size, weight, chosen in seen:
        age, mean = age + 1, 0.9 * mean + 0.1 * size
        due += 0.1 * (age > 3).sum()
        worth = weight * mean / (1 - 0.9**age)
        worth[age <= 3] = np.inf
        want = np.sort(np.argsort(worth)[: int(due)])
        np.testing.assert_array_equal(chosen, want)
        due -= len(want)
        age[want] = mean[want] = 0
    assert (
        sum(len(chosen) for _, _, chosen in seen) == callback.resets["second"]
    )
    assert callback.resets["second"] >= 2


def test_biases_of_replaced_units_are_zero():
    model = build()
    model.get_layer("second").bias.assign(np.ones(6))
    callback = ws_keras.ContinualBackprop(X, 1, 0, seed=3, include="second")
    fitted(model, callback, epochs=1, x=X[:8], y=Y[:8])
    assert callback.resets == {"second": 6}
    assert not value(model.get_layer("second").bias).any()
    assert not value(model.get_layer("head").kernel).any()


def test_young_units_are_safe():
    callback = ws_keras.ContinualBackprop(X, 1, 2 * EPOCH, seed=3)
    fitted(build(), callback, epochs=2)
    assert callback.resets == {}
    fitted(build(), callback, epochs=3)
    assert callback.resets == {"first": 6, "second": 6}


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("make", "first"),
    [
        (lambda: ws_keras.ReDo(X, every=EPOCH + 1), "batch 7"),
        (lambda: ws_keras.ContinualBackprop(X, maturity=EPOCH), "batch 7"),
        (lambda: ws_keras.SelfNormalizedResets(X, every=9), "batch 9"),
    ],
)
def test_a_fit_that_is_too_short_for_any_reset_warns(make, first):
    with pytest.warns(unit_resets.NeverActed, match=first):
        fitted(build(), make(), epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", unit_resets.NeverActed)
        fitted(build(), make(), epochs=2)


def test_every_counts_batches_of_training():
    callback = ws_keras.ContinualBackprop(X, 0.01, 5, every=3, seed=3)
    fitted(build(units=10), callback, epochs=5)
    # 10 units at 0.01 a batch, from the 6th batch to the 30th.
    assert callback.resets == {"first": 2, "second": 2}


# Self-normalized resets.


@pytest.mark.parametrize(
    ("gaps", "percentile", "threshold", "want"),
    [
        ([30, 0, 10, 20], 0.9, 40, 30),  # the longest of three
        ([30, 0, 10, 20], 0.6, 40, 20),  # 2 of 3 are at most 20
        ([30, 0, 10, 20], 0.9, 30, 60),  # not below: doubled
        ([30, 0, 10, 90], 0.9, 60, 100),  # at most the highest
        ([1, 2, 3, 4], 0.9, 60, 8),  # at least one batch
        ([0, 0, 0, 0], 0.9, 60, 8),  # fires in each batch
        ([7, 0, 0, 0], 0.01, 60, 8),
        ([50, 50, 50, 50], 0.01, 60, 50),
    ],
)
def test_thresholds(gaps, percentile, threshold, want):
    found = next_thresholds(
        np.array([threshold]), np.array(gaps)[:, None], percentile, 8, 100
    )
    assert found.tolist() == [want]


def test_the_percentile_is_that_of_the_empirical_distribution():
    gaps = RNG.integers(1, 50, (16, 5))
    for percentile in (0.1, 0.5, 0.75, 0.98):
        found = next_thresholds(np.full(5, 999), gaps, percentile, 1, 999)
        want = np.quantile(gaps, percentile, axis=0, method="inverted_cdf")
        np.testing.assert_array_equal(found, want)


def test_silent_units_are_reset_when_their_age_is_the_threshold():
    """Two units never fire: at 16 samples a batch 64 are four batches."""
    callback, resets = snr(most=128, batch_size=16, seed=3), []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: resets.append(callback.resets)
    )
    model = build(1e-9)
    model.get_layer("second").bias.assign(np.full(6, 9))
    fitted(model, callback, note, epochs=1)
    assert resets == [{}] * 3 + [{"first": 2}] * 3


@pytest.mark.slow
def test_a_unit_without_a_gap_in_16_batches_is_reset_in_the_next():
    """It never fires, so nothing says that its silence is usual."""
    callback, resets = snr(most=10**6, batch_size=16, seed=3), []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: resets.append(callback.resets)
    )
    model = build(1e-9)
    model.get_layer("second").bias.assign(np.full(6, 9))
    fitted(model, callback, note, epochs=3)
    assert resets == [{}] * 16 + [{"first": 2}] * 2


def test_a_unit_that_always_fires_and_stops_is_reset_after_one_batch():
    """Its own gaps say so, when they have been looked at once."""
    model = build(1e-9)
    model.get_layer("second").bias.assign(np.full(6, 9))
    callback = snr(batch_size=16, seed=3, include="second")
    stop, resets = 18, []

    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if len(resets) == stop:
                bias = value(model.get_layer("second").bias)
                bias[4] = -99
                model.get_layer("second").bias.assign(bias)

    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: resets.append(
            dict(callback.resets)
        )
    )
    fitted(model, callback, Stop(), note, epochs=4)
    assert resets[stop - 1] == {} and resets[stop] == {"second": 1}
    # What it has learned since then, at a rate of 1e-9.
    assert abs(value(model.get_layer("head").kernel)[4]).max() < 1e-6
    assert resets[-1]["second"] == 1


def test_units_that_are_never_zero_stay():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(2)]
    )
    model.compile("sgd", "mse")
    callback = snr(most=1, seed=3)
    fitted(model, callback, epochs=4)
    assert callback.resets == {}
