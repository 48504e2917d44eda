"""Which targets a metric is about."""

import keras
import numpy as np
import pytest

from ws_keras import growing
from ws_keras import outcomes
from ws_keras.training import terms

RNG = np.random.default_rng(0)


def two():
    """A model with classes and a number as outputs."""
    x = keras.Input((3,))
    kind = keras.layers.Dense(2, "softmax", name="kind")(x)
    size = keras.layers.Dense(1, name="size")(x)
    model = keras.Model(x, {"kind": kind, "size": size})
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    metrics = {"kind": ["accuracy"], "size": ["mae"]}
    model.compile("sgd", losses, metrics=metrics)
    return model


@pytest.mark.parametrize("kind", [dict, tuple])
def test_classes_are_those_of_the_output_that_is_measured(kind):
    named = {"kind": np.array([0, 1, 1]), "size": np.array([0.0, 1.0, 2.0])}
    y = named if kind is dict else tuple(named.values())
    model = two()
    found = outcomes.classes_of(model, y, "kind_accuracy")
    assert found.tolist() == [0, 1, 1]
    assert outcomes.classes_of(model, y, "size_mae") is None
    assert outcomes.classes_of(model, y, "loss") is None


def test_an_output_at_chance_level_gets_no_recommendation():
    """Its classes are noise, three quarters of them of one class."""

    def part(count):
        x = RNG.normal(size=(count, 3)).astype("float32")
        y = {"kind": (RNG.random(count) < 0.25).astype(int), "size": x.sum(1)}
        return x, y

    found = growing.fit_rounds(
        two,
        [part(40), part(40)],
        part(200),
        arms=["cold", "warm"],
        seeds=range(3),
        monitor="kind_accuracy",
        until=terms.Until(epochs=1),
        verbose=0,
    )
    assert found.recommended is None
    assert "No arm is significantly better than chance" in found.verdict
    assert "balanced accuracy" in found.verdict
