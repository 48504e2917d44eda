"""Which metrics are known, and how the next round is trained."""

import math
import re

import keras
import numpy as np
import pytest

import ws_keras
from ws_keras import concluding
from ws_keras.callbacks import stopping
from ws_keras.training import terms


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_no_number_takes_nothing_from_others(make_row, lost):
    """Else their intervals would leave out the variation between samples."""
    labels = {"monitor": "mae", "mode": "min"}
    values = {"a": 1.0, "b": 2.0, "c": lost}
    rows = [
        make_row(setting=name, last=True, labels=labels, measures={"mae": v})
        for name, v in values.items()
    ]
    outcomes = {"a": np.ones(4), "b": np.full(4, 2.0)}
    assert concluding.known(rows, outcomes) is outcomes
    del outcomes["b"]
    assert concluding.known(rows, outcomes) is None


def test_seeds_that_diverged_have_no_outcome(make_row):
    rows = [make_row(setting="a", last=True)]
    rows.append(make_row(setting="b", last=True, stopped_by="nan"))
    outcomes = {"a": np.ones(4)}
    assert concluding.known(rows, outcomes) is outcomes
    assert concluding.known(rows[:1], {}) is None


@pytest.fixture(scope="module")
def compared():
    """A comparison whose huge margin makes it recommend the cheapest arm."""
    x = np.random.default_rng(0).normal(size=(300, 4)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("int32")

    def build():
        first = keras.layers.Dense(8, "relu", name="first")
        layers = [keras.Input((4,)), first, keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        adam = keras.optimizers.Adam(0.03)
        model.compile(adam, loss, metrics=["accuracy"])
        return model

    rounds = [(x[:100], y[:100]), (x[100:200], y[100:200])]
    found = ws_keras.fit_rounds(
        build,
        rounds,
        (x[200:], y[200:]),
        ["cold", "shrink_perturb-0.9-0.01"],
        seeds=range(3),
        margin=95,
        batch_size=20,
        until=ws_keras.Until(threshold=0.9, patience=7, max_epochs=60),
        transform={"exclude": "first", "optimizer": "reset"},
        replay=0.5,
        verbose=0,
    )
    return found, build(), (x[:200], y[:200])


def test_the_line_of_code_says_how_rounds_were_trained(compared):
    """By default, `fit` trains for one epoch, which costs and reaches less."""
    found, model, (x, y) = compared
    assert found.start == "shrink_perturb-0.9-0.01"
    said, lead, line = found.verdict.rpartition("To begin the next round so:")
    words = "The transform had `exclude='first'` and `optimizer='reset'`."
    assert words in said
    assert "Of the old samples, rounds trained on 50 % again." in said
    words = re.search(r"with `(.*?)`, `(.*?)` and `ws_keras\.(.*?)`\.", said)
    batches, epochs, stop = words.groups()
    assert (batches, epochs) == ("batch_size=20", "epochs=60")
    rule = eval(f"ws_keras.{stop}", {"ws_keras": ws_keras})
    assert rule.get_config() == {
        "threshold": 0.9,
        "monitor": "accuracy",
        "patience": 7,
        "min_delta": 0.0,
        "extra_epochs": 0,
    }
    # What is pasted runs, and ends as the rounds did.
    code = line.strip().replace("callbacks=[", "callbacks=[rule, ")
    code = code.replace("(x, y,", f"(x, y, verbose=0, {epochs}, {batches},")
    exec(code, {"ws_keras": ws_keras, **locals()})
    assert rule.stopped_by == "threshold" and rule.value >= 0.9
    assert model.optimizer.iterations > 10


def test_other_rules_are_said_in_their_own_code():
    mae = stopping.StopAtMetric("mae", "min", patience=4, min_share=0.01)
    given = {"batch_size": 32, "transform": {}, "replay": 1.0}
    assert concluding.training(terms.Until(), mae, **given) == (
        "Train the next round as these were trained, with `batch_size=32`, "
        "`epochs=500` and `StopAtMetric(monitor='mae', patience=4, mode='min', "
        "min_share=0.01)` of `ws_keras.callbacks.stopping`."
    )
    exact = terms.Until(epochs=20)
    assert concluding.training(exact, mae, **given) == (
        "Train the next round as these were trained, with `batch_size=32` and "
        "`epochs=20`."
    )
