"""ReDo: which units are dormant, and that errors write nothing."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from tests.transforms.unit_networks import state
from tests.transforms.unit_networks import value
from ws_keras.transforms.redo import redo

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")


def same(first, second):
    return all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )


def build(*outgoing):
    """Units that give |x|, 2 |x|, 4 |x| and 0.01 |x| of the first input."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, use_bias=False, name="hidden"),
            layers.ReLU(),
            layers.Dense(2, name="head"),
        ]
    )
    kernel = np.zeros((3, 4), "float32")
    kernel[0] = [1, 2, 4, 0.01]
    model.get_layer("hidden").kernel.assign(kernel)
    model.get_layer("head").kernel.assign(RNG.normal(size=(4, 2)))
    return model


def hidden(model):
    return value(model.get_layer("hidden").kernel)


# Scores are 1, 2, 4 and 0.01 over their mean of 1.7525.
@pytest.mark.parametrize(
    ("threshold", "reset"),
    [(0, []), (0.005, []), (0.1, [3]), (0.6, [0, 3]), (1.2, [0, 1, 3])],
)
def test_units_up_to_the_threshold_are_reset(threshold, reset):
    model = build()
    before, head = hidden(model), value(model.get_layer("head").kernel)
    report = redo(model, X, threshold, seed=3)
    changed = (hidden(model) != before).any(axis=0)
    assert np.flatnonzero(changed).tolist() == reset
    after = value(model.get_layer("head").kernel)
    head[reset] = 0
    np.testing.assert_array_equal(after, head)
    assert len(report.touched) == (2 if reset else 0)
    for line in report.touched:
        assert f"{len(reset)} of 4" in line.reason
    assert all(line.reason for line in report)


def test_the_default_is_the_articles():
    one, other = build(), build()
    redo(one, X, seed=3)
    redo(other, X, 0.1, seed=3)
    assert same([hidden(one)], [hidden(other)])


def test_all_samples_count_alike():
    """Also those of a shorter last batch, up to the most."""
    many = np.zeros((33, 3), "float32")
    many[:16, 0], many[32:, 0] = 0, 33
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, "relu")])
    model.add(layers.Dense(1))
    model.layers[0].kernel.assign([[1, 0], [0, 1], [0, 0]])
    # The second unit gives 10 for the first 16 samples: 160 against 33.
    many[:16, 1] = 10
    batches = [many[:16], many[16:32], many[32:]]
    before = value(model.layers[0].kernel)
    score = 33 / (160 + 33) * 2
    redo(model, batches, score * 0.999, seed=3)
    assert same([value(model.layers[0].kernel)], [before])
    redo(model, batches, score * 1.001, seed=3, samples=33)
    changed = (value(model.layers[0].kernel) != before).any(axis=0)
    assert changed.tolist() == [True, False]
    model.layers[0].kernel.assign(before)
    redo(model, batches, 0, seed=3, samples=32)
    changed = (value(model.layers[0].kernel) != before).any(axis=0)
    assert changed.tolist() == [True, False]


def test_samples_may_come_in_all_the_usual_ways():
    pairs = [(X[:20], X[:20]), (X[20:], X[20:])]
    for data in (X, (X, X[:, 0]), pairs, iter(pairs)):
        model, before = build(), hidden(build())
        redo(model, data, 0.1, seed=3)
        changed = (hidden(model) != before).any(axis=0)
        assert changed.tolist() == [False, False, False, True]


def test_several_inputs():
    starts = {"a": keras.Input((3,)), "b": keras.Input((3,))}
    joined = layers.Concatenate()(list(starts.values()))
    x = layers.Dense(4, "relu", use_bias=False)(joined)
    model = keras.Model(starts, layers.Dense(2)(x))
    model.layers[-2].kernel.assign(np.zeros((6, 4)))
    redo(model, {"a": X, "b": X}, seed=3)
    assert value(model.layers[-2].kernel).any()
    assert not value(model.layers[-1].kernel).any()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"threshold": -0.1}, "threshold"),
        ({"threshold": np.nan}, "threshold"),
        ({"threshold": "0.1"}, "threshold"),
        ({"samples": 0}, "samples"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"include": "nowhere"}, "nowhere"),
        ({"include": "head"}, "output"),
        ({"exclude": "hidden"}, "none"),
        ({"build_fn": lambda: None}, "build_fn"),
        ({"data": []}, "batch"),
        ({"data": np.zeros((5, 7))}, "model"),
        ({"data": np.full((5, 3), np.nan, "float32")}, "finite"),
        ({"data": None}, "data"),
    ],
)
def test_errors_write_nothing(arguments, word):
    model = build()
    model.compile(keras.optimizers.Adam(), "mse")
    model.optimizer.build(model.trainable_variables)
    before = state(model)
    with pytest.raises(ValueError, match=word):
        redo(model, **{"data": X, "threshold": 2, "seed": 3, **arguments})
    assert same(state(model), before)


@keras.saving.register_keras_serializable("tests")
class Broken(keras.initializers.Initializer):
    """One that a layer has been made with, but that fails now."""

    works = True

    def __call__(self, shape, dtype=None):
        if not Broken.works:
            raise RuntimeError("no more")
        return ops.ones(shape, dtype)


def test_a_draw_that_fails_writes_nothing():
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, "relu"),
            layers.Dense(4, "relu", kernel_initializer=Broken()),
            layers.Dense(2),
        ]
    )
    before = state(model)
    Broken.works = False
    try:
        with pytest.raises(ValueError, match="no more"):
            redo(model, X, 9, seed=3)
    finally:
        Broken.works = True
    assert same(state(model), before)


def test_an_unbuilt_model_is_refused():
    model = keras.Sequential([layers.Dense(4), layers.Dense(2)])
    with pytest.raises(ValueError, match="built"):
        redo(model, X)


def test_layers_with_lora_are_refused_or_left_out():
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, "relu", name="a"),
            layers.Dense(4, "relu", name="b"),
            layers.Dense(4, "relu", name="c"),
            layers.Dense(2),
        ]
    )
    model.layers[1].enable_lora(2)
    before = state(model)
    with pytest.raises(ValueError, match="'b' with LoRA"):
        redo(model, X, 9)
    with pytest.raises(ValueError, match="'a'.*'b'"):
        redo(model, X, 9, exclude="b/")
    assert same(state(model), before)
    report = redo(model, X, 9, include="c/", seed=3)
    last = model.layers[-1].name
    assert {line.path.split("/")[-2] for line in report.touched} == {"c", last}


def test_dead_units_learn_again():
    model = build()
    kernel = hidden(model)
    kernel[:, 2] = 0
    model.get_layer("hidden").kernel.assign(kernel)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    y = X[:, 1:]
    model.fit(X, y, epochs=3, verbose=0)
    assert not hidden(model)[:, 2].any()
    ws_keras.redo(model, X, 0, seed=3)
    begun = hidden(model)[:, 2]
    model.fit(X, y, epochs=3, verbose=0)
    assert begun.any() and (hidden(model)[:, 2] != begun).any()


@pytest.mark.parametrize("samples", [12, 20, 512])
def test_a_model_with_a_fixed_batch_size(samples):
    inputs = keras.Input(batch_shape=(8, 3, 2))
    x = layers.LSTM(4, stateful=True)(inputs)
    hidden = layers.Dense(5, "sigmoid")
    model = keras.Model(inputs, layers.Dense(2)(hidden(x)))
    hidden.bias.assign([0, 0, -200, 0, 0])
    data = RNG.normal(size=(20, 3, 2)).astype("float32")
    ws_keras.redo(model, data, 0.0, seed=1, samples=samples)
    rows = value(model.layers[-1].kernel)
    assert (rows == 0).all(1).tolist() == [False, False, True, False, False]
    with pytest.raises(ValueError, match="5 samples for a batch of 8"):
        ws_keras.redo(model, data[:5], seed=1)
