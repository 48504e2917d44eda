"""Resets of units: what is written, what stays, and the optimizer.

The invariant finds a wrong place by itself: units that give exactly 0 are
reset, and neither the outputs nor any other weight may change.
"""

import random

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from tests.transforms.unit_networks import IMAGE
from tests.transforms.unit_networks import NETWORKS
from tests.transforms.unit_networks import built
from tests.transforms.unit_networks import compiled
from tests.transforms.unit_networks import conv
from tests.transforms.unit_networks import dense
from tests.transforms.unit_networks import model_of
from tests.transforms.unit_networks import same
from tests.transforms.unit_networks import silenced
from tests.transforms.unit_networks import spread
from tests.transforms.unit_networks import state
from tests.transforms.unit_networks import value
from ws_keras.models import mlp
from ws_keras.transforms import activity
from ws_keras.transforms import fresh
from ws_keras.transforms import resets
from ws_keras.transforms import units

RNG = np.random.default_rng(0)


@pytest.mark.quick(every=3)
@pytest.mark.parametrize("name", NETWORKS)
def test_silent_units_are_reset_without_a_change_of_the_function(name):
    model, x, names = compiled(name)
    selection = resets.select(model)
    assert [each.layer.name for each in selection.layers] == names
    chosen = [np.array([0, each.count - 1]) for each in selection.layers]
    silenced(model, selection, chosen)
    sizes = activity.Activity(model, selection.layers)(x)
    for size, numbers in zip(sizes, chosen, strict=True):
        assert (size[numbers] == 0).all() and size.any()
    before, outputs = state(model), value(model(x))
    resets.reset(model, selection, chosen, 3)
    np.testing.assert_array_equal(value(model(x)), outputs)
    assert not same(state(model), before)
    sizes = activity.Activity(model, selection.layers)(x)
    assert all((size > 0).any() for size in sizes)


@pytest.mark.quick(every=2)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_written_and_what_stays(name):
    model, _, _ = compiled(name)
    selection = resets.select(model)
    for each, layer in enumerate(selection.layers):
        before = {v.path: value(v) for v in model.variables}
        chosen = [np.arange(0)] * len(selection.layers)
        chosen[each] = np.array([1, 2])
        report = resets.reset(model, selection, chosen, 3)
        parts = {part.entry.path: part for part in layer.parts}
        for variable in model.variables:
            part, after = parts.get(variable.path), value(variable)
            if part is None:
                np.testing.assert_array_equal(after, before[variable.path])
                continue
            own = np.zeros(after.shape, bool)
            own[part.places(chosen[each])] = True
            assert own.any() and not own.all()
            np.testing.assert_array_equal(
                after[~own], before[variable.path][~own]
            )
            want = fresh.Fresh(3)(part.entry)
            if part.role == units.OUTGOING:
                want = np.zeros_like(after)
            np.testing.assert_array_equal(after[own], want[own])
        touched = {line.path for line in report.touched}
        assert touched == set(parts)
        assert all("2 of" in line.reason for line in report.touched)


def dense_norm(x):
    x = layers.BatchNormalization()(dense(x, 6, "first"))
    return dense(dense(x, 5, "second"), 3, "last", None)


def flat_after_norm(x):
    x = layers.BatchNormalization()(conv(x, 4, "first", padding="same"))
    x = layers.Flatten()(layers.MaxPooling2D()(layers.Dropout(0.5)(x)))
    return dense(x, 3, "second", None)


def conv_norm(x):
    both = [conv(x, 4, "first"), x[:, 1:-1, 1:-1]]
    x = layers.BatchNormalization()(layers.Concatenate()(both))
    return layers.Flatten()(conv(x, 5, "second"))


def two_readers(x):
    x = layers.BatchNormalization()(conv(x, 4, "first"))
    joined = [conv(x, 5, "second"), conv(x, 3, "third")]
    return layers.Flatten()(layers.Concatenate()(joined))


def normed_twice(x):
    first = layers.Dense(4, activation="relu", name="first")
    norm, second = layers.BatchNormalization(), layers.Dense(5, name="second")
    ends = [second(norm(first(each))) for each in (x, 2.0 * x)]
    return layers.Concatenate()(ends)


@pytest.mark.parametrize(
    ("shape", "function"),
    [
        ((7,), dense_norm),
        ((7,), normed_twice),
        ((8, 8, 2), flat_after_norm),
        ((8, 8, 2), conv_norm),
        ((8, 8, 2), two_readers),
    ],
)
def test_a_bias_takes_up_what_batch_norm_makes_of_zero(shape, function):
    model = spread(model_of(shape, function))
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    model.optimizer.build(model.trainable_variables)
    found = resets.select(model, include="first")
    x = RNG.normal(size=(20, *shape)).astype("float32")
    for part in found.layers[0].of(units.INCOMING):
        after = value(part.entry.variable)
        after[part.places(np.array([1, 3]))] = 0
        part.entry.variable.assign(after)
    outputs, bias = value(model(x)), value(model.get_layer("second").bias)
    report = resets.reset(model, found, [np.array([1, 3])], 3)
    np.testing.assert_allclose(value(model(x)), outputs, atol=2e-5)
    assert abs(value(model.get_layer("second").bias) - bias).max() > 1e-3
    paths = [line.path for line in report.touched]
    assert model.get_layer("second").bias.path in paths


@pytest.mark.parametrize(
    "arguments", [{"padding": "same"}, {"use_bias": False}]
)
def test_a_bias_takes_up_nothing_where_that_would_be_wrong(arguments):
    def function(x):
        x = layers.BatchNormalization()(conv(x, 4, "first"))
        return layers.Flatten()(conv(x, 5, "second", **arguments))

    model = spread(model_of(IMAGE, function))
    found = resets.select(model)
    assert next(found.layers[0].of(units.OUTGOING)).taken is None


def test_a_bias_of_a_unit_that_begins_anew_takes_up_nothing():
    model = spread(model_of((7,), dense_norm))
    found = resets.select(model)
    second = model.get_layer("second")
    before = value(second.bias)
    resets.reset(model, found, [np.array([1]), np.array([2])], 3)
    after = value(second.bias)
    assert after[2] == 0 and (after != before).all()


def moments(model, entry):
    place = [id(v) for v in model.trainable_variables].index(id(entry.variable))
    adam = model.optimizer
    return [value(s[place]) for s in (adam._momentums, adam._velocities)]


@pytest.mark.parametrize("name", ["flatten", "batch_norm", "concatenate"])
def test_moments_of_the_unit_begin_anew_and_no_others(name):
    model, x, _ = compiled(name)
    for variable in model.optimizer.variables:
        if variable.shape:
            variable.assign(np.ones(variable.shape))
    selection = resets.select(model)
    chosen = [np.array([2]), *[np.arange(0)] * (len(selection.layers) - 1)]
    resets.reset(model, selection, chosen, 3)
    parts = {part.entry.path: part for part in selection.layers[0].parts}
    for entry in selection.entries:
        if not entry.variable.trainable:
            continue
        for moment in moments(model, entry):
            own = np.zeros(moment.shape, bool)
            if entry.path in parts:
                own[parts[entry.path].places(np.array([2]))] = True
                assert own.any()
            assert (moment[own] == 0).all() and (moment[~own] == 1).all()


# Keras has it from 3.10 on.
MUON = [f(0.1) for f in [getattr(keras.optimizers, "Muon", None)] if f]


@pytest.mark.quick(every=4)
@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(0.1),
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.optimizers.Adagrad(0.1),
        keras.optimizers.RMSprop(0.1, momentum=0.5, centered=True),
        keras.optimizers.Ftrl(0.1),
        keras.optimizers.Nadam(0.1),
        *MUON,
        keras.optimizers.AdamW(0.1, use_ema=True),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1)),
        keras.optimizers.Adam(0.1, gradient_accumulation_steps=2),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_the_next_step_brings_nothing_back(optimizer):
    """Each optimizer goes on from the weights as they are."""
    model, x, _ = built("dense")
    model.compile(optimizer, "mse", jit_compile=False)
    for _ in range(2):
        model.train_on_batch(x, np.ones((20, 3)))
    selection = resets.select(model)
    chosen = [np.array([1]), np.array([], int)]
    resets.reset(model, selection, chosen, 3)
    entry = next(selection.layers[0].of(units.OUTGOING)).entry
    assert (value(entry.variable)[1] == 0).all()
    average = getattr(optimizer, "_model_variables_moving_average", None)
    if average:
        place = [v.path for v in model.trainable_variables].index(entry.path)
        assert (value(average[place])[1] == 0).all()
    before = value(entry.variable)
    # A gradient of 0 moves no weight of a unit whose moments are 0.
    zeros = [np.zeros(v.shape, "float32") for v in model.trainable_variables]
    for _ in range(2):
        grads = [ops.convert_to_tensor(z) for z in zeros]
        model.optimizer.apply(grads, model.trainable_variables)
    np.testing.assert_allclose(value(entry.variable)[1], 0, atol=1e-6)
    assert np.isfinite(value(entry.variable)).all() and before.any()


def test_sums_over_rows_are_refused():
    model, _, _ = compiled("dense", keras.optimizers.Adafactor(0.1))
    selection, before = resets.select(model), state(model)
    with pytest.raises(ValueError, match="Adafactor"):
        resets.reset(model, selection, [np.array([1]), np.array([1])], 3)
    assert same(state(model), before)


def test_draws_are_those_of_the_seed_and_leave_global_states_alone():
    found = []
    for seed in (3, 3, 4):
        model, _, _ = built("flatten")
        random.seed(7)
        np.random.seed(7)
        keras.utils.set_random_seed(7)
        selection = resets.select(model)
        chosen = [np.array([1]), np.array([0, 3])]
        resets.reset(model, selection, chosen, seed)
        assert random.random() == random.Random(7).random()
        assert np.random.rand() == np.random.RandomState(7).rand()
        found.append(list(map(value, model.trainable_variables)))
    assert same(found[0], found[1]) and not same(found[0], found[2])


def test_between_two_units_that_begin_anew_the_weight_is_zero():
    model, _, _ = built("dense")
    selection = resets.select(model)
    resets.reset(model, selection, [np.array([1]), np.array([2])], 3)
    kernel = value(model.get_layer("second").kernel)
    assert (kernel[1] == 0).all() and kernel[0, 2] != 0


def test_biases_are_zero_where_that_is_asked():
    model = mlp(units=6, initializer="torch")
    selection = resets.select(model)
    chosen = [np.array([1]), np.arange(0)]
    resets.reset(model, selection, chosen, 3)
    assert value(model.get_layer("hidden1").bias)[1] != 0
    resets.reset(model, selection, chosen, 3, zero_bias=True)
    assert value(model.get_layer("hidden1").bias)[1] == 0


def test_weights_that_are_not_finite_are_refused():
    model, _, _ = built("dense")
    kernel = value(model.get_layer("last").kernel)
    kernel[0, 0] = np.nan
    model.get_layer("last").kernel.assign(kernel)
    before = state(model)
    with pytest.raises(ValueError, match="finite"):
        resets.reset(
            model, resets.select(model), [np.array([1]), np.array([1])], 3
        )
    after = state(model)
    assert all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(before, after, strict=True)
    )
