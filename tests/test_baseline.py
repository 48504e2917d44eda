"""The metric of an answer that ignores the samples, for each kind of task."""

import keras
import numpy as np
import pytest

from ws_keras import baseline
from ws_keras import growing
from ws_keras import outcomes
from ws_keras.data import arrivals
from ws_keras.training import objective
from ws_keras.training import terms

RNG = np.random.default_rng(0)
SPARSE = "sparse_categorical_crossentropy"


def model(units, activation, loss, metrics, shape=(4,), **compiled):
    made = keras.Sequential(
        [keras.Input(shape), keras.layers.Dense(units, activation)]
    )
    made.compile("sgd", loss, metrics=metrics, **compiled)
    return made


def found(made, x, y, monitor=None):
    """Returns the baseline of the last 40 samples."""
    made.evaluate(x[:8], y[:8], verbose=0)  # builds the metrics
    data = arrivals.join([(x[:-40], y[:-40])], (x[-40:], y[-40:]), made)
    meant = objective.find(made, monitor)
    return baseline.find(made, data, meant, data.held_out)


@pytest.mark.parametrize("logits", [False, True])
def test_several_labels_per_sample(logits):
    """Naming the more frequent value of each label is right this often."""
    x = RNG.normal(size=(140, 4))
    y = (RNG.random((140, 3)) < [0.05, 0.5, 0.9]).astype(int)
    common = y[:100].mean(0) > 0.5
    expected = 100 * (y[100:] == common).mean(1)
    right = keras.metrics.BinaryAccuracy("accuracy", threshold=0.5 - logits / 2)
    loss = keras.losses.BinaryCrossentropy(from_logits=logits)
    made = model(3, None if logits else "sigmoid", loss, [right])
    answer = found(made, x, y)
    np.testing.assert_allclose(answer.values, expected, rtol=1e-6)
    assert answer.what == "always giving the same answer"


def test_exactly_one_label_per_sample_is_no_class_if_each_label_counts():
    """All zeros are right about four of five labels."""
    x, y = RNG.normal(size=(140, 4)), np.eye(5)[RNG.integers(0, 5, 140)]
    by_label = model(
        5, "sigmoid", "binary_crossentropy", ["binary_accuracy", "accuracy"]
    )
    answer = found(by_label, x, y, "binary_accuracy")
    np.testing.assert_allclose(answer.values, 80, rtol=1e-6)
    # Its largest output names one class.
    assert found(by_label, x, y, "accuracy") is None
    labels = outcomes.classes_of(by_label, y, "accuracy")
    assert labels.tolist() == y.argmax(1).tolist()


def test_a_class_for_each_position(monkeypatch):
    monkeypatch.setattr(baseline, "_BLOCK", 60)  # several blocks
    x = RNG.normal(size=(140, 6, 4))
    y = (RNG.random((140, 6)) < 0.2).astype(int) * 2
    made = model(3, "softmax", SPARSE, ["accuracy"], (6, 4))
    expected = 100 * (y[100:] == 0).mean(1)
    np.testing.assert_allclose(found(made, x, y).values, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "monitor, name, constant",
    [("mae", "median", np.median), ("mse", "mean", np.mean)],
)
def test_numbers_with_a_long_tail(monitor, name, constant):
    """The median has a much smaller absolute error than the mean."""
    x = RNG.normal(size=(1040, 4))
    y = 1e5 * np.exp(2 * RNG.normal(size=1040))
    made = model(1, None, "mse", ["mae", "mse"])
    answer = found(made, x, y, monitor)
    errors = np.abs(y[1000:] - constant(y[:1000]))
    expected = errors ** (1 + (monitor == "mse"))
    np.testing.assert_allclose(answer.values, expected, rtol=1e-3)
    assert answer.what == f"always giving the {name} of the training targets"


def test_ignored_labels_are_no_class():
    x, y = RNG.normal(size=(140, 4)), RNG.integers(0, 3, 140)
    y[::3] = 255
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    made = model(3, "softmax", loss, ["accuracy"])
    answer = found(made, x, y, "loss")
    shares = np.bincount(y[:100][y[:100] < 255]) / (y[:100] < 255).sum()
    named = np.where(y[100:] < 255, y[100:], 0)
    expected = np.where(y[100:] < 255, -np.log(shares[named]), 0)
    np.testing.assert_allclose(answer.values, expected, rtol=1e-5)


def test_an_arm_without_a_signal_has_not_learned_rare_labels():
    def part(count):
        y = (RNG.random((count, 4)) < 0.05).astype(int)
        return RNG.normal(size=(count, 4)).astype("float32"), y

    result = growing.fit_rounds(
        model(4, "sigmoid", "binary_crossentropy", ["binary_accuracy"]),
        [part(40), part(40)],
        part(200),
        arms=["cold", "warm"],
        seeds=range(3),
        until=terms.Until(epochs=1),
        verbose=0,
    )
    assert result.recommended is None
    assert "better than always giving the same answer (9" in result.verdict


def test_the_accuracy_of_the_largest_output_is_refused_for_several_labels():
    x = RNG.normal(size=(120, 4)).astype("float32")
    y = (RNG.random((120, 3)) < 0.4).astype(int)
    y[-2:] = [[0], [1]]
    parts = [(x[:40], y[:40]), (x[40:80], y[40:80])], (x[80:], y[80:])
    given = {"verbose": 0, "until": terms.Until(epochs=1), "seeds": [0]}
    made = model(3, "sigmoid", "binary_crossentropy", ["accuracy", "mae"])
    with pytest.raises(ValueError, match="with 0 to 3 labels") as raised:
        growing.fit_rounds(made, *parts, **given)
    assert "BinaryAccuracy(name='accuracy')]" in str(raised.value)
    rows = growing.fit_rounds(made, *parts, monitor="mae", **given).rows
    assert len(rows) == 6
