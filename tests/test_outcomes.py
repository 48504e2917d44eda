"""Which targets a metric is about."""

import keras
import numpy as np
import pytest

from ws_keras import growing
from ws_keras import outcomes
from ws_keras.data import targets
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


class Subclassed(keras.Model):
    """Keras does not know its outputs before it is called."""

    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Dense(3)

    def call(self, x):
        both = self.layer(x)
        kind = keras.ops.softmax(both[:, 1:])
        return {"extra": x, "kind": kind, "size": both[:, :1]}


def test_outputs_of_a_subclassed_model_are_those_of_its_losses():
    """`extra` has no loss, and comes first."""
    x = RNG.normal(size=(90, 3)).astype("float32")
    y = {"kind": (x[:, 0] > 0).astype(float), "size": x.sum(1)}
    model = Subclassed()
    model(x[:1])
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile("sgd", losses)
    model.evaluate(x, {**y, "extra": x}, verbose=0)
    assert [(o.name, o.kind) for o in targets.outputs(model)] == [
        ("kind", "sparse"),
        ("size", "regression"),
    ]
    fitted = targets.fitted(model, y)
    assert fitted["kind"].dtype == "int64"
    with pytest.raises(ValueError, match="NaN.*'size'"):
        targets.fitted(model, {**y, "size": np.full(90, np.nan)})


def test_a_subclassed_model_with_several_outputs_is_compared():
    class Two(Subclassed):
        def call(self, x):
            found = super().call(x)
            return {"kind": found["kind"], "size": found["size"]}

    x = RNG.normal(size=(120, 3)).astype("float32")
    y = {"kind": (x[:, 0] > 0).astype(int), "size": x.sum(1)}
    model = Two()
    model(x[:1])
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile("sgd", losses, metrics={"kind": ["accuracy"]})
    parts = [
        (x[part], {name: some[part] for name, some in y.items()})
        for part in (slice(40), slice(40, 80), slice(80, 120))
    ]
    ends = []

    def end(setting, trained):
        predicted = trained.predict(x[80:], verbose=0)["kind"].argmax(1)
        ends.append(100 * (predicted == y["kind"][80:]).mean())

    found = growing.fit_rounds(
        model,
        parts[:2],
        parts[2],
        arms=["cold", "warm"],
        seeds=[0],
        monitor="kind_accuracy",
        until=terms.Until(epochs=1),
        on_end=end,
        verbose=0,
    )
    last = [row.accuracy for row in found.rows if row.last]
    np.testing.assert_allclose(last, ends, rtol=1e-5)
    assert "only the variation between seeds" not in found.verdict
