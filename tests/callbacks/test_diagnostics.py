"""A fit that is watched ends bitwise like one that is not."""

import random

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from tests.transforms import zoo
from ws_keras.callbacks import diagnostics
from ws_keras.callbacks import shrink_perturb
from ws_keras.diagnostics import measures

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4)).astype("float32")
Y = RNG.integers(0, 3, 48).astype("int32")
DATA = {"old": (X[:24], Y[:24]), "new": (X[24:], Y[24:]), "data": X}
NAMES = ["gradient_norm_old", "gradient_norm_new", "gradient_norm_ratio"]
NAMES += ["weight_correlation", "weight_norm", "output_entropy"]
NAMES += ["dormant_units", "effective_rank"]


def build():
    zoo.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def fit(model, *callbacks, epochs=3, **arguments):
    return model.fit(
        X,
        Y,
        batch_size=8,
        epochs=epochs,
        verbose=0,
        callbacks=list(callbacks),
        **arguments,
    )


def everything(model):
    """All variables, and the next draw of each global generator."""
    variables = [*model.variables, *model.optimizer.variables]
    variables += model.metrics_variables
    found = [np.array(ops.convert_to_numpy(v)) for v in variables]
    found += [random.random(), np.random.random()]
    found.append(ops.convert_to_numpy(keras.random.uniform((2,))))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found.append(tf.random.uniform((2,)).numpy())
    return found


@pytest.mark.parametrize(
    "every", [pytest.param("epoch", marks=pytest.mark.slow), 4]
)
def test_everything_is_bitwise_as_without_it(every):
    watched, alone = build(), None
    callback = diagnostics.Diagnostics(**DATA, every=every)
    first = fit(watched, callback)
    found = everything(watched)
    alone = build()
    second = fit(alone)
    assert len(callback.rows) == (3 if every == "epoch" else 5)
    for ours, theirs in zip(found, everything(alone), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name, curve in second.history.items():
        assert first.history[name] == curve


def test_values_are_of_the_beginning_and_in_the_logs_of_the_epoch():
    model, weights = build(), []

    class Weights(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            weights.append(self.model.get_weights())

    start = [np.array(w) for w in trainable(model)]
    callback = diagnostics.Diagnostics(**DATA)
    history = fit(model, callback, Weights()).history
    assert set(NAMES) <= set(history)
    assert [row["step"] for row in callback.rows] == [0, 6, 12]
    assert [row["epoch"] for row in callback.rows] == [0, 1, 2]
    for name in NAMES:
        assert history[name] == [row[name] for row in callback.rows]
    assert history["weight_correlation"][0] == 1
    for place, values in enumerate(weights):
        model.set_weights(values)
        found = measures.correlation(trainable(model), start)
        want = history["weight_correlation"][place]
        assert found == pytest.approx(want, rel=1e-6)
    assert history["weight_correlation"][2] < 0.9999


def trainable(model):
    return [ops.convert_to_numpy(v) for v in model.trainable_variables]


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("every", "execution", "steps"),
    [(4, 1, [0, 4, 8]), (7, 1, [0, 7]), (4, 3, [0, 6, 9]), (100, 1, [0])],
)
def test_steps_at_which_it_measures(every, execution, steps):
    if execution > 1 and keras.backend.backend() == "torch":
        pytest.skip("Keras has one step an execution on Torch")
    model, seen = build(), []
    model.steps_per_execution = execution
    callback = diagnostics.Diagnostics(
        measures="weight_norm",
        every=every,
        on_measure=lambda step, values: seen.append((step, values)),
    )
    history = fit(model, callback, epochs=2).history
    assert [step for step, _ in seen] == steps
    assert [row["step"] for row in callback.rows] == steps
    assert [list(values) for _, values in seen] == [["weight_norm"]] * len(seen)
    assert history["weight_norm"][-1] == seen[-1][1]["weight_norm"]


def test_a_second_fit_begins_anew_and_traces_nothing():
    calls = []

    class Counted(layers.Layer):
        def call(self, x):
            calls.append(1)
            return x

    start = keras.Input((4,))
    model = keras.Model(start, layers.Dense(3)(Counted()(start)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    callback = diagnostics.Diagnostics(**DATA)
    fit(model, callback, epochs=2)
    count = len(calls)
    fit(model, callback, epochs=2)
    if keras.backend.backend() != "torch":  # which has no traces
        assert len(calls) == count
    assert [row["weight_correlation"] == 1 for row in callback.rows] == [
        True,
        False,
    ]


def test_beside_shrink_perturb_the_order_counts():
    for is_first in (True, False):
        model = build()
        callback = diagnostics.Diagnostics(measures="weight_correlation")
        other = shrink_perturb.ShrinkPerturb(0.2, 1.0, seed=1)
        pair = (callback, other) if is_first else (other, callback)
        fit(model, *pair, epochs=2)
        first, second = (row["weight_correlation"] for row in callback.rows)
        assert first == 1
        assert second < 0.7 if is_first else second > 0.9


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "step"])
def test_bad_every(every):
    with pytest.raises(ValueError, match="`every` must be .* Received: every="):
        diagnostics.Diagnostics(every=every)


def test_bad_arguments_are_said_before_the_first_step():
    model = build()
    with pytest.raises(ValueError, match="needs `old` or `new`"):
        fit(model, diagnostics.Diagnostics(measures="gradient_norm"))
    assert ops.convert_to_numpy(model.optimizer.iterations) == 0
