"""The round loop: one trace, addressed order, honest accounting."""

import time

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras import seeds
from ws_keras.training import feed as feeds
from ws_keras.training import terms
from ws_keras.training import trainer as trainers
from ws_keras.transforms import shrink_perturb as transforms

RNG = np.random.default_rng(5)
CENTERS = RNG.normal(0, 2, (3, 4))
Y = RNG.integers(0, 3, 120).astype("int32")
X = (CENTERS[Y] + RNG.normal(0, 1, (120, 4))).astype("float32")
HELD_OUT = np.arange(90, 120)
ROUNDS = [np.arange(n) for n in (16, 30, 50, 64, 90)]


class Counted(keras.Model):
    """A model that counts how often its two steps are traced."""

    training = evaluation = 0

    def train_step(self, *arguments):
        Counted.training += 1
        return super().train_step(*arguments)

    def test_step(self, *arguments):
        Counted.evaluation += 1
        return super().test_step(*arguments)


def build(cls=keras.Model):
    inputs = keras.Input((4,))
    x = layers.BatchNormalization()(layers.Dense(6, "relu")(inputs))
    model = cls(inputs, layers.Dense(3)(x))
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def trainer(model=None, x=X, y=Y, **arguments):
    model = model or build()
    transforms.cold_start(model, seed=1)
    arguments = {"until": terms.Until(epochs=2), **arguments}
    feed = feeds.Feed(x, y, batch_size=16)
    return trainers.Trainer(model, feed, HELD_OUT, **arguments)


def test_five_rounds_trace_each_graph_once():
    model = build(Counted)
    until = terms.Until(threshold=1.0, measured="clean", max_epochs=2)
    found = trainer(model, monitored=10, until=until)
    Counted.training = Counted.evaluation = 0
    found.warm_up(ROUNDS[0])
    for number, indices in enumerate(ROUNDS, 1):
        transforms.shrink_perturb(model, 0.5, 0.1, seed=number)
        found.fit_round(number, indices)
    assert (Counted.training, Counted.evaluation) == (1, 1)


def test_warm_up_leaves_no_mark():
    found = trainer()
    model = found.model
    before = [v.numpy() for v in model.variables]
    found.warm_up(ROUNDS[1])
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    assert model.optimizer.iterations.numpy() == 0
    slots = model.optimizer.variables[2:]
    assert slots and not any(v.numpy().any() for v in slots)


def test_a_round_equals_steps_written_out():
    found = trainer(seed=9)
    found.fit_round(3, ROUNDS[1])
    reference = build()
    transforms.cold_start(reference, seed=1)
    for epoch in (1, 2):
        order = seeds.generator(9, "order", 3, epoch).permutation(30)
        for batch in (order[:16], order[16:]):
            reference.train_on_batch(X[batch], Y[batch])
    for ours, theirs in zip(
        found.model.get_weights(), reference.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_monitoring_does_not_disturb_training():
    seen = []
    runs = [
        trainer(),
        trainer(monitored=20, on_epoch=lambda n, e: seen.append((n, e))),
    ]
    results = [run.fit_round(1, ROUNDS[2]) for run in runs]
    assert results[0].loss == results[1].loss
    for a, b in zip(*(r.model.get_weights() for r in runs), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [(n, e.epoch) for n, e in seen] == [(1, 1), (1, 2)]
    logits = runs[1].model.predict(X[HELD_OUT[:20]], verbose=0)
    right = np.mean(logits.argmax(1) == Y[HELD_OUT[:20]])
    assert seen[-1][1].accuracy == pytest.approx(right)


def test_accuracies_and_counts():
    found = trainer(until=terms.Until(epochs=3))
    result = found.fit_round(1, ROUNDS[2])
    logits = found.model.predict(X[HELD_OUT], verbose=0)
    right = np.mean(logits.argmax(1) == Y[HELD_OUT])
    assert result.accuracy == pytest.approx(right)
    assert (result.num_samples, result.epochs) == (50, 3)
    assert (result.steps, result.sample_passes) == (3 * 4, 150)
    assert result.stopped_by == "epochs"
    assert result.train_seconds > 0 and result.eval_seconds > 0


class Worker(keras.callbacks.Callback):
    """Computes inside a step and before an epoch, and sleeps in a step."""

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.1)
        compute(0.1)


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.mark.slow
def test_cpu_seconds_are_of_training_and_do_not_count_sleep():
    class Looking:
        variables = ()

        def start(self):
            pass

        def before(self, number, indices):
            compute(3.0)
            return {}

        def after(self, number, indices):
            return {}

    found = trainer(
        until=terms.Until(epochs=1),
        callbacks=[Worker()],
        diagnostics=Looking(),
    )
    begin = time.process_time()
    result = found.fit_round(1, ROUNDS[2])
    assert result.steps == 4
    assert 4 * 0.1 < result.cpu_seconds < time.process_time() - begin - 3.0
    assert result.train_seconds > 4 * 0.2


def test_clean_accuracy_is_that_of_the_weights():
    until = terms.Until(measured="clean", threshold=0.9, max_epochs=60)
    found = trainer(until=until)
    result = found.fit_round(1, ROUNDS[4])
    logits = found.model.predict(X[:90], verbose=0)
    right = np.mean(logits.argmax(1) == Y[:90])
    assert result.stopped_by == "threshold"
    assert result.train_accuracy == pytest.approx(right)
    assert right >= 0.9


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "until, stopped_by, epochs",
    [
        ({"threshold": 1.0, "max_epochs": 2}, "cap", 2),
        ({"epochs": 4, "threshold": 0.01}, "epochs", 4),
        ({"threshold": 0.01}, "threshold", 1),
        # An improvement by more than 1 is impossible.
        ({"threshold": 1.0, "patience": 3, "min_delta": 1.0}, "plateau", 4),
    ],
)
def test_what_ends_a_round(until, stopped_by, epochs):
    found = trainer(until=terms.Until(**until))
    result = found.fit_round(1, ROUNDS[0])
    assert (result.stopped_by, result.epochs) == (stopped_by, epochs)


def test_a_callback_that_ends_a_round_is_named():
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    until = terms.Until(threshold=1.0, max_epochs=9)
    result = trainer(until=until, callbacks=[Enough()]).fit_round(1, ROUNDS[0])
    assert (result.stopped_by, result.epochs) == ("callback", 2)


def test_a_loss_that_is_not_finite_ends_the_round():
    model = build()
    model.optimizer.learning_rate = 1e30
    result = trainer(model).fit_round(1, ROUNDS[4])
    assert (result.stopped_by, result.epochs) == ("nan", 1)


def test_a_model_without_accuracy_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="a metric named 'accuracy'"):
        trainer(model).warm_up(ROUNDS[0])


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"measured": "later"}, "measured='later'"),
        ({"epochs": 0}, "epochs=0"),
        ({"max_epochs": 0}, "max_epochs=0"),
        ({"max_epochs": "5"}, "max_epochs='5'"),
        ({"epochs": 2.5}, "epochs=2.5"),
        ({"threshold": 99}, "threshold=99"),
        ({"patience": 0}, "patience=0"),
        ({"min_delta": -0.1}, "min_delta=-0.1"),
    ],
)
def test_bad_rules(arguments, words):
    with pytest.raises(ValueError, match=words):
        terms.Until(**arguments)
