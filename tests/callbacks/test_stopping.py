"""When `StopAtAccuracy` ends a fit, and what it says about it."""

import math

import keras
import numpy as np
import pytest

from ws_keras import StopAtAccuracy
from ws_keras.callbacks import stopping
from ws_keras.callbacks.stopping import StopAtMetric


class _Logs(keras.callbacks.Callback):
    """Gives later callbacks the logs of a script."""

    def __init__(self, script):
        super().__init__()
        self.script = script

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.script[epoch])


def _fit(rule, accuracies, losses=None, monitor="accuracy"):
    losses = losses or [1.0] * len(accuracies)
    script = [
        {monitor: accuracy, "loss": loss}
        for accuracy, loss in zip(accuracies, losses, strict=True)
    ]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    # So few steps take less time than their trace.
    model.compile("sgd", "mse", run_eagerly=True)
    history = model.fit(
        np.ones((2, 1)),
        np.ones((2, 1)),
        epochs=len(script),
        verbose=0,
        callbacks=[_Logs(script), rule],
    )
    return len(history.epoch)


def test_the_threshold_is_inclusive():
    rule = StopAtAccuracy(0.99)
    assert _fit(rule, [0.5, 0.9899, 0.99, 1.0]) == 3
    assert rule.stopped_by == "threshold"
    assert rule.value == 0.99


@pytest.mark.parametrize(
    ("right", "samples"), [(7, 10), (9, 10), (19, 20), (49, 50), (99, 100)]
)
def test_the_threshold_is_inclusive_in_single_precision(right, samples):
    """Keras gives 9 of 10 as 0.8999999762, which is below 0.9."""
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")]
    )
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy")
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=[accuracy])
    y = np.arange(samples)[:, None] < right
    x = np.ones((samples, 1))
    for threshold, reason in (
        (right / samples, "threshold"),
        (right / samples + 1e-6, None),
    ):
        rule = StopAtAccuracy(threshold)
        model.fit(x, y, batch_size=samples, verbose=0, callbacks=[rule])
        assert rule.value == pytest.approx(right / samples)
        assert rule.stopped_by == reason


@pytest.mark.parametrize(("mode", "beyond"), [("max", -1e-6), ("min", 1e-6)])
def test_a_metric_has_an_inclusive_threshold_too(mode, beyond):
    value = float(np.float32(0.7 if mode == "max" else 0.1))
    assert (value < 0.7) if mode == "max" else (value > 0.1)
    goal = 0.7 if mode == "max" else 0.1
    rule = StopAtMetric("mae", mode, threshold=goal)
    assert _fit(rule, [goal + beyond, value, 0.5], monitor="mae") == 2
    assert rule.stopped_by == "threshold"


def test_epochs_may_run_out():
    rule = StopAtAccuracy(0.99)
    assert _fit(rule, [0.5, 0.6]) == 2
    assert rule.stopped_by is None


def test_a_plateau_is_counted_from_the_best():
    rule = StopAtAccuracy(0.99, patience=2)
    assert _fit(rule, [0.1, 0.3, 0.2, 0.4, 0.4, 0.3, 0.5]) == 6
    assert rule.stopped_by == "plateau"
    rule = StopAtAccuracy(None, patience=3, min_delta=0.05)
    assert _fit(rule, [0.50, 0.54, 0.58, 0.60, 0.62, 0.63, 1.0]) == 6


def test_extra_epochs_are_counted_from_the_one_at_the_threshold():
    accuracies = [0.5, 0.99, 0.6, 0.7, 0.8, 1.0]
    for extra in (0, 1, 3):
        rule = StopAtAccuracy(0.99, patience=1, extra_epochs=extra)
        assert _fit(rule, accuracies) == 2 + extra
        assert rule.stopped_by == "threshold"
    rule = StopAtAccuracy(0.99, extra_epochs=9)
    assert _fit(rule, accuracies) == 6
    assert rule.stopped_by is None


def test_extra_epochs_go_on_in_another_fit():
    rule = StopAtAccuracy(0.99, extra_epochs=3)
    _fit(rule, [0.99, 0.5])
    later = StopAtAccuracy(0.99, extra_epochs=3)
    later.set_state(rule.get_state())
    assert _fit(later, [0.5, 0.5, 0.5]) == 2
    older = StopAtAccuracy(0.99, extra_epochs=1)
    older.set_state({"value": 0.5, "best": 0.5, "waited": 0})
    assert _fit(older, [0.5, 0.99, 0.5, 0.5]) == 3


def test_nan_ends_extra_epochs():
    rule = StopAtAccuracy(0.99, extra_epochs=5)
    assert _fit(rule, [0.99, 0.5, 0.5], [1.0, math.nan, 1.0]) == 2
    assert rule.stopped_by == "nan"


def test_nan_and_infinity_stop_at_once():
    for loss in (math.nan, math.inf):
        rule = StopAtAccuracy(0.99, patience=5)
        assert _fit(rule, [0.1, 0.2, 0.3], [1.0, loss, 1.0]) == 2
        assert rule.stopped_by == "nan"


def test_a_rule_can_be_used_again():
    rule = StopAtAccuracy(0.99, patience=2)
    assert _fit(rule, [0.5, 0.5, 0.5]) == 3
    assert _fit(rule, [0.4, 0.4, 0.99]) == 3
    assert rule.stopped_by == "threshold"


def test_another_metric_can_be_watched():
    rule = StopAtAccuracy(0.8, monitor="val_accuracy")
    assert _fit(rule, [0.5, 0.8, 0.9], monitor="val_accuracy") == 2


def test_an_unknown_metric_is_a_sentence():
    with pytest.raises(ValueError, match="monitor='f1'; the model has"):
        _fit(StopAtAccuracy(monitor="f1"), [0.5])


def test_a_clean_pass_measures_with_the_weights_still():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    )
    model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    rule = StopAtAccuracy(0.95, data=data)
    history = model.fit(data, epochs=100, verbose=0, callbacks=[rule])
    predicted = model.predict(x, verbose=0).argmax(1)
    assert rule.stopped_by == "threshold"
    assert rule.value == pytest.approx((predicted == y).mean())
    # With half of the inputs dropped the running accuracy lies below.
    assert history.history["accuracy"][-1] < rule.value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0}, "threshold=0"),
        ({"threshold": 99}, "threshold=99"),
        ({"threshold": math.nan}, "threshold=nan"),
        ({"threshold": "a"}, "threshold='a'"),
        ({"patience": 0}, "patience=0"),
        ({"patience": 1.5}, "patience=1.5"),
        ({"min_delta": -1}, "min_delta=-1"),
        ({"min_delta": math.nan}, "min_delta=nan"),
        ({"extra_epochs": -1}, "extra_epochs=-1"),
        ({"extra_epochs": 1.5}, "extra_epochs=1.5"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"Received: {message}"):
        StopAtAccuracy(**arguments)


def test_config_round_trip():
    rule = StopAtAccuracy(0.9, "val_accuracy", 3, 0.01, extra_epochs=2)
    copy = StopAtAccuracy.from_config(rule.get_config())
    assert copy.get_config() == rule.get_config()


def test_code_creates_an_equal_callback():
    rule = StopAtAccuracy(0.9, patience=3, extra_epochs=2)
    assert (
        rule.code == "StopAtAccuracy(threshold=0.9, patience=3, extra_epochs=2)"
    )
    assert StopAtAccuracy().code == "StopAtAccuracy()"
    other = stopping.StopAtMetric("mae", "min", patience=4, min_share=0.01)
    for given in (rule, other):
        copy = eval(given.code, vars(stopping))
        assert type(copy) is type(given)
        assert copy.get_config() == given.get_config()
