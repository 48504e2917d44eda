"""Which metric is meant, in which direction, and when a round ends by it."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import ws_keras
from ws_keras.callbacks import stopping
from ws_keras.storage import metric as metrics
from ws_keras.training import objective

X, Y = np.ones((4, 3), "float32"), np.array([0.0, 1.0, 0.0, 1.0])


def own_error(y, predicted):
    return keras.ops.mean(keras.ops.abs(y - predicted), -1)


def plain(y, predicted):
    return keras.ops.mean(y - predicted, -1)


def made(metrics, loss="mse", units=1):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(units)])
    # A single batch takes less time than a trace.
    model.compile("sgd", loss, metrics=metrics, run_eagerly=True)
    y = Y[:, None] if units == 1 else Y.astype(int)
    model.evaluate(X, y, verbose=0)
    return model


SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    "given, monitor, name, log, mode",
    [
        (["mae"], None, "mae", "mae", "min"),
        (["mae"], "mean_absolute_error", "mae", "mae", "min"),
        (
            [keras.metrics.MeanAbsoluteError],
            "mae",
            "mean_absolute_error",
            "mean_absolute_error",
            "min",
        ),
        (["mae", "r2_score"], "r2", "r2_score", "r2_score", "max"),
        (["mae"], "val_mae", "mae", "val_mae", "min"),
        (["mae"], "loss", "loss", "loss", "min"),
        ([], None, "loss", "loss", "min"),
        ([own_error], None, "own_error", "own_error", "min"),
        (
            [keras.metrics.RootMeanSquaredError],
            "rmse",
            "root_mean_squared_error",
            "root_mean_squared_error",
            "min",
        ),
    ],
)
def test_names_short_and_long(given, monitor, name, log, mode):
    given = [m() if isinstance(m, type) else m for m in given]
    found = objective.find(made(given), monitor)
    assert found.metric == metrics.Metric(name, mode)
    assert found.log == log
    assert found.is_validation == log.startswith("val_")


def test_second_metrics_of_a_kind_are_known_by_their_kind():
    keras.metrics.AUC(), keras.metrics.AUC()
    found = objective.find(made([keras.metrics.AUC()]), "auc")
    assert found.metric == metrics.Metric("auc", "max")
    assert found.log.startswith("auc_")


def test_accuracies_by_any_name_are_the_accuracy():
    for given in ("accuracy", "acc", "sparse_categorical_accuracy"):
        found = objective.find(made([given], SPARSE, 2))
        assert found.metric == metrics.ACCURACY


def test_what_is_not_known_is_asked_for():
    with pytest.raises(ValueError, match="metric named 'f1'.*'mae'"):
        objective.find(made(["mae"]), "f1")
    score = keras.metrics.F1Score(threshold=0.5)
    assert objective.find(made([score]), "f1").log == "f1_score"
    with pytest.raises(ValueError, match="`mode` must be given"):
        objective.find(made([plain]), "plain")
    assert objective.find(made([plain]), "plain", "max").metric.mode == "max"
    with pytest.raises(ValueError, match="metrics=\\['accuracy'\\]"):
        objective.find(made([], SPARSE, 2))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("brier_score", "min"),
        ("bleu_score", "max"),
        ("neg_mean_squared_error", None),
    ],
)
def test_names_of_metrics_of_ones_own_tell_the_mode_or_nothing(name, mode):
    def function(y, predicted):
        return keras.ops.mean(keras.ops.square(y - predicted), -1)

    function.__name__ = name
    model = made([function])
    if mode is None:
        with pytest.raises(ValueError, match="`mode` must be given"):
            objective.find(model, name)
    else:
        assert objective.find(model, name).metric.mode == mode


def values_of(rule, values):
    """Returns after how many epochs a rule stops, `None` if it does not."""
    rule.set_params({"steps": 1})
    rule.set_model(made([]))
    rule.on_train_begin()
    for epoch, value in enumerate(values, 1):
        rule.on_epoch_end(epoch - 1, {"loss": 0.0, "m": value})
        if rule.stopped_by:
            return epoch, rule.stopped_by
    return None


@pytest.mark.quick(every=2)
@pytest.mark.parametrize(
    "mode, given, values, expected",
    [
        ("min", {"threshold": 2.0}, [3.0, 2.5, 2.0, 1.0], (3, "threshold")),
        ("max", {"threshold": 2.0}, [1.0, 1.5, 2.5], (3, "threshold")),
        ("min", {"patience": 2}, [3.0, 2.0, 2.5, 2.0], (4, "plateau")),
        ("max", {"patience": 2}, [-3.0, -2.0, -2.5, -2.0], (4, "plateau")),
        ("min", {"patience": 1}, [3.0, 2.0, 1.0], None),
        (
            "min",
            {"patience": 1, "min_delta": 0.5},
            [3.0, 2.0, 1.6],
            (3, "plateau"),
        ),
        # Less than 10 % of the best.
        (
            "min",
            {"patience": 1, "min_share": 0.1},
            [100.0, 80.0, 75.0],
            (3, "plateau"),
        ),
        # A share of a negative best is a distance, too.
        (
            "max",
            {"patience": 1, "min_share": 0.1},
            [-100.0, -95.0],
            (2, "plateau"),
        ),
        ("max", {"threshold": 2.0}, [math.inf, math.nan], None),
        ("min", {"threshold": 2.0, "patience": 1}, [-math.inf], (1, "plateau")),
    ],
)
def test_rules_of_both_modes(mode, given, values, expected):
    rule = stopping.StopAtMetric("m", mode, **given)
    assert values_of(rule, values) == expected
    copy = stopping.StopAtMetric.from_config(rule.get_config())
    assert values_of(copy, values) == expected


def test_a_rule_goes_on_from_its_state():
    rule = stopping.StopAtMetric("m", "min", patience=2)
    values_of(rule, [3.0, 2.0, 2.5])
    copy = stopping.StopAtMetric("m", "min", patience=2)
    copy.set_state(rule.get_state())
    assert values_of(copy, [2.1]) == (1, "plateau")


@pytest.mark.parametrize(
    "given, words",
    [
        ({"monitor": "val_loss", "measured": "clean"}, "monitor='val_loss'"),
        ({"min_share": 1.0}, "min_share=1.0"),
        ({"threshold": "high"}, "threshold='high'"),
        ({"threshold": 2.0}, "threshold=2.0"),
    ],
)
def test_bad_rules(given, words):
    with pytest.raises(ValueError, match=words):
        ws_keras.Until(**given)


def test_thresholds_that_nobody_gave():
    def find(monitor, mode):
        return objective.find(made(["accuracy"], SPARSE, 2), monitor, mode)

    def threshold(**given):
        return ws_keras.Until(**given).rule(lambda: None, find).threshold

    assert threshold() == threshold(monitor="accuracy") == 0.99
    assert threshold(monitor="val_accuracy") is None
    assert threshold(monitor="loss") is None
    assert threshold(epochs=3) is None
    assert threshold(monitor="loss", threshold=3.0) == 3.0


@pytest.mark.parametrize(
    "monitor, expected",
    [
        ("accuracy", (None, 0.99, False)),
        ("loss", ("loss", None, False)),
        ("val_loss", ("val_loss", None, True)),
    ],
)
def test_configs_name_what_patience_is_about(monitor, expected):
    from ws_keras.configs import base

    from ws_keras import protocol

    config = base.get_config()
    config.train.monitor = monitor
    until = protocol.until(config, 1)
    found = until.monitor, until.threshold, until.is_validation
    assert found == expected
