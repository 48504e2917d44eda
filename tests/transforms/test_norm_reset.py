"""Norm reset: norms of a fresh model, directions of the old one."""

import random

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from tests.transforms import zoo


def state(model):
    return {v.path: ops.convert_to_numpy(v).copy() for v in model.variables}


def spread(model, size=0.7):
    rng = np.random.default_rng(5)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, size, variable.shape))
    return model


def orthogonal(units, gain, **keywords):
    """A kernel whose norm does not depend on its draw."""
    start = keras.initializers.Orthogonal(gain)
    return layers.Dense(units, kernel_initializer=start, **keywords)


def test_norms_of_the_start_and_directions_of_the_end():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            orthogonal(9, 2.0),
            layers.BatchNormalization(),
            orthogonal(3, 0.5),
        ]
    )
    spread(model)
    before = state(model)
    report = ws_keras.norm_reset(model)
    first, last = model.layers[0].kernel, model.layers[2].kernel
    # The squares of singular values: 4 of 2, and 3 of 0.5.
    for kernel, want in ((first, 4.0), (last, np.sqrt(0.75))):
        after = ops.convert_to_numpy(kernel)
        old = before[kernel.path]
        assert np.linalg.norm(after) == pytest.approx(want, rel=1e-5)
        np.testing.assert_allclose(
            after, old * (want / np.linalg.norm(old)), rtol=1e-5
        )
    assert {line.path for line in report.touched} == {first.path, last.path}
    assert all(line.cosine > 1 - 1e-6 for line in report.touched)
    for path, array in state(model).items():
        if path not in (first.path, last.path):
            np.testing.assert_array_equal(array, before[path])


@pytest.mark.parametrize("name", list(zoo.ALL))
def test_norms_are_those_of_a_cold_start_with_the_same_seed(name):
    model = spread(zoo.ALL[name]())
    before = state(model)
    ws_keras.cold_start(model, seed=4)
    fresh = state(model)
    for variable in model.variables:
        variable.assign(before[variable.path])
    touched = {line.path for line in ws_keras.norm_reset(model, seed=4).touched}
    for path, array in state(model).items():
        if path in touched:
            want = np.linalg.norm(fresh[path])
            assert np.linalg.norm(array) == pytest.approx(want, rel=1e-5)
            assert array.ndim > 1
        else:
            np.testing.assert_array_equal(array, before[path])
    assert any(path.endswith("kernel") for path in touched)


def test_what_starts_at_zero_or_is_zero_stays():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, kernel_initializer="zeros"),
            orthogonal(5, 1.0, name="empty"),
            orthogonal(2, 1.0),
        ]
    )
    spread(model)
    model.get_layer("empty").kernel.assign(np.zeros((5, 5)))
    before = state(model)
    report = ws_keras.norm_reset(model)
    reasons = {line.path: line.reason for line in report}
    path = model.layers[0].kernel.path
    assert reasons[path] == "starts at 0"
    for layer in model.layers[:2]:
        after = ops.convert_to_numpy(layer.kernel)
        np.testing.assert_array_equal(after, before[layer.kernel.path])


def test_biases_and_norms_with_several_axes_stay():
    parts = [layers.LayerNormalization(axis=[1, 2]), layers.PReLU("ones")]
    end = layers.EinsumDense(
        "abc,cd->abd", (4, 2), bias_axes="bd", bias_initializer="ones"
    )
    model = spread(keras.Sequential([keras.Input((4, 5)), *parts, end]))
    before = state(model)
    ws_keras.norm_reset(model, seed=1)
    after = state(model)
    changed = [p for p in before if not np.array_equal(before[p], after[p])]
    assert changed == [end.kernel.path]


def test_the_seed_decides_and_no_global_state_moves():
    model = spread(zoo.dense())
    before = state(model)
    found = []
    keras.utils.set_random_seed(1)
    want = random.random(), np.random.rand()
    keras.utils.set_random_seed(1)
    for seed in (3, 3, 8):
        for variable in model.variables:
            variable.assign(before[variable.path])
        ws_keras.norm_reset(model, seed=seed)
        found.append(ops.convert_to_numpy(model.layers[0].kernel))
    assert (random.random(), np.random.rand()) == want
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize("size", [1e-6, 200.0])
def test_half_precision(size):
    layer = layers.Dense(8, dtype=keras.DTypePolicy("float16"))
    model = keras.Sequential([keras.Input((8,), dtype="float16"), layer])
    ws_keras.cold_start(model, seed=2)
    want = np.linalg.norm(ops.convert_to_numpy(layer.kernel).astype("float64"))
    layer.kernel.assign(size * np.random.default_rng(0).normal(size=(8, 8)))
    ws_keras.norm_reset(model, seed=2)
    after = ops.convert_to_numpy(layer.kernel).astype("float64")
    assert np.linalg.norm(after) == pytest.approx(want, rel=1e-3)


def test_selections_frozen_layers_and_the_optimizer():
    model = spread(zoo.dense())
    model.compile("adam", "mse")
    model.fit(np.ones((4, 6)), np.ones((4, 3)), verbose=0)
    first, last = model.layers
    first.trainable = False
    report = ws_keras.norm_reset(model, optimizer="keep")
    assert [line.path for line in report.touched] == [last.kernel.path]
    steps = model.optimizer.iterations
    assert int(ops.convert_to_numpy(steps)) == 1
    report = ws_keras.norm_reset(model, frozen=True, exclude=last)
    assert [line.path for line in report.touched] == [first.kernel.path]
    assert int(ops.convert_to_numpy(steps)) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "Received: seed=-1"),
        ({"optimizer": "drop"}, "Received: optimizer='drop'"),
        ({"include": "bias"}, r"only weights of the layers \['"),
        ({"include": "nothing_such"}, "nothing_such"),
        ({"build_fn": 3}, "Received: int"),
    ],
)
def test_bad_arguments_leave_the_model(arguments, words):
    model = spread(zoo.dense())
    before = state(model)
    with pytest.raises(ValueError, match=words):
        ws_keras.norm_reset(model, **arguments)
    model.layers[1].kernel.assign(np.full((8, 3), np.inf))
    with pytest.raises(ValueError, match=model.layers[1].kernel.path):
        ws_keras.norm_reset(model)
    first = model.layers[0].kernel
    after = ops.convert_to_numpy(first)
    np.testing.assert_array_equal(after, before[first.path])


def test_layers_with_lora_or_integers_are_refused_or_left_out():
    for change in ("enable_lora", "quantize"):
        model = spread(zoo.dense())
        first, last = model.layers
        getattr(last, change)({"enable_lora": 2, "quantize": "int8"}[change])
        before = state(model)
        with pytest.raises(ValueError, match=f"'{last.name}' with"):
            ws_keras.norm_reset(model)
        for path, array in state(model).items():
            np.testing.assert_array_equal(array, before[path])
        (line,) = ws_keras.norm_reset(model, exclude=last).touched
        assert line.path == first.kernel.path


def test_rectifiers_without_biases_predict_the_same_classes():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(9, "relu", use_bias=False),
            layers.Dense(4, use_bias=False),
        ]
    )
    spread(model)
    x = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
    before = ops.convert_to_numpy(model(x))
    ws_keras.norm_reset(model)
    after = ops.convert_to_numpy(model(x))
    factors = after / before
    np.testing.assert_allclose(factors, factors[0, 0], rtol=1e-3)
    assert 0 < factors[0, 0] < 0.9
    np.testing.assert_array_equal(before.argmax(1), after.argmax(1))
