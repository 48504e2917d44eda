"""Units of a graph: reset without a change of what the network computes.

The invariant finds a wrong place by itself: units that give exactly 0 are
reset, and neither the outputs nor any other weight may change.
"""

import random

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.models import mlp
from ws_keras.models.resnet import resnet18
from ws_keras.transforms import activity
from ws_keras.transforms import fresh
from ws_keras.transforms import resets
from ws_keras.transforms import units
from ws_keras.transforms import utility

RNG = np.random.default_rng(0)


def value(variable):
    return np.array(ops.convert_to_numpy(variable))


def state(model):
    optimizer = getattr(model, "optimizer", None)
    slots = optimizer.variables if optimizer else []
    return [value(v) for v in [*model.variables, *slots]]


def same(first, second):
    return all(map(np.array_equal, first, second))


def spread(model, seed=5):
    """Gives each weight and statistic another value than its first one."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if keras.backend.is_float_dtype(variable.dtype):
            drawn = rng.uniform(0.1, 0.9, variable.shape)
            sign = rng.choice([-1, 1], variable.shape)
            is_variance = "variance" in variable.path
            variable.assign(drawn if is_variance else drawn * sign)
    return model


def dense(x, units, name, activation="relu"):
    return layers.Dense(units, activation=activation, name=name)(x)


def conv(x, filters, name, activation="relu", **keywords):
    return layers.Conv2D(
        filters, 3, activation=activation, name=name, **keywords
    )(x)


def model_of(shape, function):
    start = keras.Input(shape)
    return keras.Model(start, function(start))


def plain(x):
    return dense(dense(dense(x, 6, "first"), 5, "second"), 3, "last", None)


def text(x):
    x = layers.Embedding(9, 4)(x)
    x = layers.Conv1D(6, 3, activation="relu", name="first")(x)
    x = layers.GlobalMaxPooling1D()(x)
    return dense(x, 3, "last", None)


def flattened(x):
    x = conv(x, 4, "first")
    x = layers.Flatten()(layers.Dropout(0.5)(layers.MaxPooling2D()(x)))
    return dense(dense(x, 5, "second"), 3, "last", None)


def reshaped(x):
    x = layers.Reshape((-1, 4))(conv(x, 4, "first"))
    x = layers.Conv1D(5, 2, activation="relu", name="second")(x)
    return dense(layers.Reshape((-1,))(x), 3, "last", None)


def normalized(x):
    x = conv(x, 4, "first", None, use_bias=False)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = layers.GlobalAveragePooling2D()(layers.ZeroPadding2D()(x))
    x = dense(x, 5, "second", None)
    x = layers.Activation("relu")(layers.BatchNormalization(name="other")(x))
    return dense(x, 3, "last", None)


def normalized_after_flattening(x):
    x = layers.Flatten()(conv(x, 4, "first", None))
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    return dense(x, 3, "last", None)


def joined(x):
    a, b = conv(x, 4, "first"), conv(x, 3, "second")
    c = layers.Concatenate()([a, x[:, 1:-1, 1:-1], b])
    return dense(layers.Flatten()(conv(c, 5, "third")), 3, "last", None)


def densely_joined(x):
    a = conv(x, 4, "first", padding="same")
    b = conv(layers.Concatenate()([x, a]), 3, "second", padding="same")
    c = layers.Concatenate(axis=3)([x, a, b])
    c = layers.BatchNormalization(name="norm")(c)
    c = layers.GlobalMaxPooling2D()(layers.ReLU()(c))
    return dense(c, 3, "last", None)


def nested(x):
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Conv2D(5, 3, name="inner")]
    )
    start = keras.Input((6, 6, 5))
    other = keras.Model(start, layers.ReLU()(layers.MaxPooling2D()(start)))
    x = inner(conv(x, 4, "first", padding="same"))
    return dense(layers.Flatten()(other(x)), 3, "last", None)


def siamese(x):
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    pair = [encoder(x), encoder(layers.UpSampling2D()(x[:, :4, :4]))]
    return dense(layers.Concatenate()(pair), 3, "last", None)


def depthwise(x):
    x = layers.ReLU()(conv(x, 4, "first", None))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x)
    x = layers.SeparableConv2D(5, 2, activation="relu", name="second")(x)
    return dense(layers.Flatten()(x), 3, "last", None)


def transposed(x):
    x = layers.Conv2DTranspose(4, 3, activation="relu", name="first")(x)
    x = layers.Conv2DTranspose(5, 3, activation="relu", name="second")(x)
    return layers.Conv2D(3, 3, name="last")(x)


def prelu(x):
    x = layers.PReLU(shared_axes=[1, 2])(conv(x, 4, "first", None))
    return dense(layers.Flatten()(x), 3, "last", None)


def operations(x):
    x = keras.ops.relu(layers.Conv2D(4, 3, name="first")(x))
    x = keras.activations.relu(layers.Conv2D(4, 3, name="second")(x[:, ::2]))
    return dense(layers.Flatten()(x), 3, "last", None)


def masked(x):
    x = layers.Masking()(ops.where(x[..., :1] > -1, x, 0))
    x = layers.GlobalAveragePooling1D()(dense(x, 6, "first"))
    return dense(x, 3, "last", None)


def residual(x):
    x = conv(x, 4, "stem", padding="same")
    y = conv(conv(x, 5, "first", padding="same"), 4, "b", None, padding="same")
    x = layers.ReLU()(layers.Add()([x, y]))
    return dense(layers.GlobalAveragePooling2D()(x), 3, "last", None)


IMAGE = (8, 8, 2)
# How a network is made, and the layers whose units can be reset.
NETWORKS = {
    "dense": ((7,), plain, ["first", "second"]),
    "over_time": ((5, 7), plain, ["first", "second"]),
    "text": ((8,), text, ["first"]),
    "flatten": (IMAGE, flattened, ["first", "second"]),
    "reshape": (IMAGE, reshaped, ["first", "second"]),
    "batch_norm": (IMAGE, normalized, ["first", "second"]),
    "flat_norm": (IMAGE, normalized_after_flattening, ["first"]),
    "concatenate": (IMAGE, joined, ["first", "second", "third"]),
    "dense_net": (IMAGE, densely_joined, ["first", "second"]),
    "nested": (IMAGE, nested, ["first", "inner"]),
    "siamese": (IMAGE, siamese, ["first"]),
    "depthwise": (IMAGE, depthwise, ["first", "second"]),
    "transposed": (IMAGE, transposed, ["first", "second"]),
    "prelu": (IMAGE, prelu, ["first"]),
    "operations": (IMAGE, operations, ["first", "second"]),
    "masked": ((5, 7), masked, ["first"]),
    "residual": (IMAGE, residual, ["first"]),
}
HANDLED = [name for name, (_, _, names) in NETWORKS.items() if names]


def built(name):
    shape, function, names = NETWORKS[name]
    model = spread(model_of(shape, function))
    if name == "text":
        return model, RNG.integers(0, 9, (20, *shape)), names
    return model, RNG.normal(size=(20, *shape)).astype("float32"), names


def compiled(name, optimizer=None):
    """A model whose optimizer has moments other than 0, with samples."""
    model, x, names = built(name)
    optimizer = optimizer or keras.optimizers.Adam(1e-5)
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    for slot in optimizer.variables:
        if len(slot.shape):
            slot.assign(RNG.uniform(0.1, 0.9, slot.shape))
    return model, x, names


def silenced(model, selection, units_of):
    """Lets units give exactly 0, by all that is theirs up to a rectifier."""
    for each, chosen in zip(selection.layers, units_of, strict=True):
        for part in each.parts:
            if part.role == units.OUTGOING or "moving" in part.entry.path:
                continue
            after = value(part.entry.variable)
            after[part.places(chosen)] = 0
            part.entry.variable.assign(after)


@pytest.mark.parametrize("name", HANDLED)
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
@pytest.mark.parametrize("name", HANDLED)
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


class Own(layers.Layer):
    """A layer that is not known."""

    def call(self, x):
        return x


class OwnDense(layers.Dense):
    """One that reads its inputs in another way."""

    def call(self, x):
        return super().call(x[..., ::-1])


class Standardized(layers.Conv1D):
    """One that reads its inputs with another kernel; `call` is Keras'."""

    def convolution_op(self, inputs, kernel):
        kernel = kernel - ops.mean(kernel, (0, 1), keepdims=True)
        return super().convolution_op(inputs, kernel)


class Squared(layers.Dense):
    """One whose kernel is computed from its weights."""

    @property
    def kernel(self):
        return super().kernel ** 2


def unknown_layer(x):
    return dense(Own(name="mystery")(dense(x, 4, "first")), 3, "last", None)


def unknown_reader(x):
    return dense(OwnDense(4, name="mystery")(dense(x, 4, "first")), 3, "last")


def standardized(x):
    x = dense(x[:, None], 4, "first")
    x = Standardized(4, 1, name="mystery")(x)
    return dense(layers.Flatten()(x), 3, "last")


def squared(x):
    return dense(Squared(4, name="mystery")(dense(x, 4, "first")), 3, "last")


def shown_by_a_mask(x):
    """The mask of the reader depends on a unit."""
    mask = dense(x, 1, "first")[:, None, 0] > 0
    pool = layers.GlobalAveragePooling1D(name="mystery")
    x = pool(layers.Reshape((1, 7))(x), mask=mask)
    return dense(x, 3, "last")


def mixed(x):
    x = layers.Softmax(name="mystery")(dense(x, 4, "first"))
    return dense(x, 3, "last")


def recurrent(x):
    x = layers.Reshape((1, 4))(dense(x, 4, "first"))
    return dense(layers.LSTM(3, name="mystery")(x), 3, "last")


def misshaped(x):
    x = layers.Reshape((2, 6), name="mystery")(dense(x, 12, "first")[:, None])
    x = layers.Permute((2, 1))(x)
    return dense(layers.Conv1D(3, 2)(x), 3, "last")


@pytest.mark.parametrize(
    "function",
    [unknown_layer, unknown_reader, standardized, squared, mixed, recurrent],
)
def test_what_cannot_be_followed_is_refused_by_name(function):
    model = spread(model_of((7,), function))
    before = state(model)
    with pytest.raises(ValueError, match="'first'.*'mystery'"):
        resets.select(model)
    assert same(state(model), before)


def across_samples(x):
    return dense(ops.reshape(dense(x, 4, "first"), (-1, 8)), 3, "last")


def test_units_that_only_a_mask_shows_are_not_found():
    with pytest.raises(ValueError, match="layer 'first', whose output goes"):
        resets.select(model_of((7,), shown_by_a_mask))


@pytest.mark.parametrize(
    ("shape", "function"), [((7,), misshaped), ((3, 7), across_samples)]
)
def test_channels_that_a_shape_tears_apart_are_not_found(shape, function):
    with pytest.raises(ValueError, match="layer 'first', whose output goes"):
        resets.select(model_of(shape, function))


def test_inputs_that_a_dict_names_are_not_taken_for_each_other():
    """Keras finds the inputs of `inner` by name, not in the dict's order."""
    starts = [keras.Input((4,), name=name) for name in ("late", "early")]
    ends = [dense(each, 3, f"of_{each.name}") for each in starts]
    inner = keras.Model(starts, layers.Concatenate()(ends))

    def function(x):
        a, b = dense(x, 4, "first"), dense(x, 4, "second")
        return dense(inner({"early": b, "late": a}), 3, "last", None)

    model = spread(model_of((7,), function))
    found = resets.select(model, include=["first", "second"])
    numbers = {"first": [1], "second": []}
    chosen = [np.array(numbers[e.layer.name], int) for e in found.layers]
    silenced(model, found, chosen)
    x = RNG.normal(size=(20, 7)).astype("float32")
    outputs = value(model(x))
    read = {
        e.owner.name: e.variable for e in found.entries if e.variable.ndim > 1
    }
    before = {name: value(variable) for name, variable in read.items()}
    resets.reset(model, found, chosen, 3)
    np.testing.assert_array_equal(value(model(x)), outputs)
    assert (value(read["of_late"])[1] == 0).all()
    np.testing.assert_array_equal(value(read["of_early"]), before["of_early"])


def test_a_layer_that_is_refused_can_be_left_out():
    def function(x):
        return unknown_layer(dense(x, 5, "body"))

    model = spread(model_of((7,), function))
    found = resets.select(model, exclude="first")
    assert [each.layer.name for each in found.layers] == ["body"]
    found = resets.select(model, include="body")
    assert [each.layer.name for each in found.layers] == ["body"]


def reasons(model, **arguments):
    found = resets.select(model, **arguments)
    return {
        entry.owner.name: found.reasons[entry.index]
        for entry in found.entries
        if entry.index in found.reasons
    }


def test_additions_are_named():
    model, _, _ = built("residual")
    found = reasons(model)
    assert "'add" in found["stem"] and "'add" in found["b"]
    assert found["first"] == "" and "output" in found["last"]


def test_an_output_behind_a_softmax_is_named():
    def function(x):
        return dense(dense(x, 4, "first"), 3, "last", "softmax")

    found = reasons(model_of((7,), function))
    assert found["first"] == "" and "output" in found["last"]


def test_dropout_behind_a_softmax_is_no_reader():
    def function(x):
        x = dense(dense(x, 5, "first"), 3, "last", "softmax")
        return layers.Dropout(0.1)(x)

    found = reasons(model_of((7,), function))
    assert found["first"] == "" and "an output" in found["last"]


def test_a_softmax_inside_is_refused():
    def function(x):
        return dense(dense(x, 4, "gate", "softmax"), 3, "last")

    with pytest.raises(ValueError, match="'gate'.*its activation"):
        resets.select(model_of((7,), function))


@pytest.mark.parametrize(
    "norm", [layers.LayerNormalization, layers.GroupNormalization]
)
def test_norms_over_channels_are_named(norm):
    def function(x):
        x = dense(x, 4, "first")
        keywords = {"groups": 2} if norm is layers.GroupNormalization else {}
        x = norm(name="norm", **keywords)(dense(x, 4, "second"))
        return dense(x, 3, "last")

    found = reasons(model_of((7,), function))
    assert found["first"] == "" and "'norm'" in found["second"]


def test_groups_are_named():
    def function(x):
        x = conv(conv(x, 4, "first"), 4, "second", groups=2)
        return dense(layers.Flatten()(x), 3, "last")

    found = reasons(model_of(IMAGE, function))
    assert "groups" in found["first"] and found["second"] == ""


def test_a_layer_that_reads_other_units_elsewhere_is_named():
    def function(x):
        a, b = dense(x, 4, "first"), dense(x, 4, "second")
        both = layers.Dense(5, activation="relu", name="both")
        joined = layers.Concatenate()([both(a), both(b)])
        return dense(joined, 3, "last")

    found = reasons(model_of((7,), function))
    assert "used twice" in found["first"] and "used twice" in found["second"]
    assert found["both"] == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Conv1D(5, 2, padding="same", activation="relu"),
        lambda: layers.SeparableConv1D(5, 2, padding="same"),
        lambda: layers.DepthwiseConv1D(2, padding="same", use_bias=False),
        layers.BatchNormalization,
        lambda: layers.PReLU(shared_axes=[1]),
    ],
)
@pytest.mark.parametrize("is_first", [False, True])
def test_a_layer_that_reads_no_units_elsewhere_is_named(make, is_first):
    both = make()

    def function(x):
        read = [conv1d(x), x] if is_first else [x, conv1d(x)]
        joined = layers.Concatenate()([both(each) for each in read])
        return dense(dense(layers.Flatten()(joined), 5, "other"), 3, "last")

    def conv1d(x):
        part = layers.Conv1D(4, 1, activation="relu", name="first")
        return part(x)

    assert "used twice" in reasons(model_of((7, 4), function))["first"]


def test_a_layer_that_reads_itself_is_named():
    again = layers.Dense(4, activation="relu", name="again")

    def function(x):
        return dense(dense(again(again(x)), 5, "other"), 3, "last")

    found = reasons(model_of((4,), function))
    assert "used twice" in found["again"] and found["other"] == ""


def test_a_layer_that_is_used_twice_alike_is_reset():
    shared = layers.Dense(4, activation="relu", name="shared")
    reader = layers.Dense(3, activation="relu", name="reader")
    starts = [keras.Input((7,)), keras.Input((7,))]
    ends = [reader(shared(start)) for start in starts]
    model = spread(keras.Model(starts, layers.Concatenate()(ends)))
    found = resets.select(model, include="shared")
    x = [RNG.normal(size=(20, 7)).astype("float32") for _ in starts]
    silenced(model, found, [np.array([2])])
    size = activity.Activity(model, found.layers)(x)[0]
    want = sum(abs(value(shared(each))).mean(0) for each in x)
    np.testing.assert_allclose(size, want, rtol=1e-5)
    outputs = value(model(x))
    resets.reset(model, found, [np.array([2])], 3)
    np.testing.assert_array_equal(value(model(x)), outputs)


class Tied(layers.Layer):
    """A layer that uses the kernel of another one."""

    def __init__(self, other):
        super().__init__()
        self.other = other

    def call(self, x):
        return ops.matmul(x, self.other.kernel)


def test_weights_of_two_layers_are_named():
    first = layers.Dense(7, activation="relu", name="first")
    start = keras.Input((7,))
    hidden = dense(first(start), 5, "second")
    joined = layers.Concatenate()([hidden, Tied(first)(start)])
    model = keras.Model(start, dense(dense(joined, 4, "third"), 3, "last"))
    found = reasons(model)
    assert "shares" in found["first"]
    assert found["second"] == found["third"] == ""


def test_frozen_weights_are_not_written():
    model, _, _ = built("dense")
    model.get_layer("second").trainable = False
    with pytest.raises(ValueError, match="'second'"):
        # Their outgoing weights are frozen, or their own.
        resets.select(model)
    found = resets.select(model, frozen=True)
    assert len(found.layers) == 2
    model.get_layer("second").trainable = True
    model.get_layer("last").trainable = False
    found = reasons(model)
    assert found["first"] == "" and "'last'" in found["second"]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.last = layers.Dense(4), layers.Dense(3)

    def call(self, x):
        return self.last(self.first(x))


def test_a_model_without_a_graph_is_refused():
    model = Subclassed()
    model(np.zeros((2, 7), "float32"))
    with pytest.raises(ValueError, match="graph"):
        resets.select(model)


class Overridden(keras.Model):
    """A graph whose call does something else."""

    def call(self, x, training=None):
        return super().call(x[..., ::-1], training=training)


def test_a_call_of_ones_own_is_refused():
    start = keras.Input((7,))
    with pytest.raises(ValueError, match="graph"):
        resets.select(Overridden(start, plain(start)))


def test_the_resnet_has_units_inside_its_blocks_alone():
    model = resnet18(width=4)
    found = resets.select(model)
    assert [each.layer.name for each in found.layers] == [
        f"stage{stage}_block{block}_conv1"
        for stage in (1, 2, 3, 4)
        for block in (1, 2)
    ]
    x = RNG.integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    chosen = [np.array([1]) for _ in found.layers]
    spread(model)
    silenced(model, found, chosen)
    outputs = value(model(x))
    resets.reset(model, found, chosen, 3)
    np.testing.assert_allclose(value(model(x)), outputs, rtol=1e-5)


def test_the_mlp_has_units_in_each_hidden_layer():
    model = mlp(units=6, depth=3)
    found = resets.select(model)
    assert [each.count for each in found.layers] == [6, 6, 6]


def test_activation_is_the_mean_of_absolute_values():
    model, x, _ = built("batch_norm")
    found = resets.select(model)
    before = state(model)
    sizes = activity.Activity(model, found.layers)(x)
    inner = keras.Model(
        model.inputs,
        [
            next(la for la in model.layers if isinstance(la, kind)).output
            for kind in (layers.ReLU, layers.Activation)
        ],
    )
    for size, output in zip(sizes, inner(x), strict=True):
        output = value(output)
        want = abs(output).reshape(-1, output.shape[-1]).mean(0)
        np.testing.assert_allclose(size, want, rtol=1e-5)
    assert same(state(model), before)


def test_activations_of_units_without_a_function_are_their_outputs():
    model = spread(
        keras.Sequential([keras.Input((7,)), layers.Dense(4), layers.Dense(3)])
    )
    x = RNG.normal(size=(20, 7)).astype("float32")
    found = resets.select(model)
    (size,) = activity.Activity(model, found.layers)(x)
    want = abs(value(model.layers[0](x))).mean(0)
    np.testing.assert_allclose(size, want, rtol=1e-5)


@pytest.mark.parametrize("name", HANDLED)
def test_scores_and_utilities_average_to_one(name):
    model, x, _ = built(name)
    found = resets.select(model)
    sizes = activity.Activity(model, found.layers)(x)
    for each, size in zip(found.layers, sizes, strict=True):
        assert activity.scores(size).mean() == pytest.approx(1)
        assert utility.utilities(each, size).mean() == pytest.approx(1)


def test_utility_is_activation_times_outgoing_weights():
    model, x, _ = built("concatenate")
    each = resets.select(model).layers[1]  # of three units, behind 4 + 2
    kernel = value(model.get_layer("third").kernel)
    want = abs(kernel[:, :, 6:]).mean((0, 1, 3))
    np.testing.assert_allclose(utility.outgoing(each), want, rtol=1e-6)
    size = np.array([1.0, 2.0, 3.0])
    found = utility.utilities(each, size)
    np.testing.assert_allclose(found, want * size / (want * size).mean())


def test_a_silent_layer_has_scores_of_zero():
    assert activity.scores(np.zeros(3)).tolist() == [0, 0, 0]


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


def test_convolutions_with_channels_first_have_no_units():
    """A layer in front of one is named, and one behind it is not."""
    image = keras.Input((3, 8, 8))
    x = conv(image, 4, "image", data_format="channels_first")
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.MaxPooling2D(data_format="channels_first")(x)
    x = dense(layers.Flatten(data_format="channels_first")(x), 5, "behind")
    found = units.of(keras.Model(image, layers.Dense(2, name="head")(x)))
    assert [each.layer.name for each in found] == ["behind", "head"]
    assert not found[0].reason

    row = keras.Input((6,))
    x = layers.Reshape((2, 4, 4))(dense(row, 32, "before"))
    x = conv(x, 4, "image", data_format="channels_first")
    x = layers.Dense(2, name="head")(layers.Flatten()(x))
    before, _ = units.of(keras.Model(row, x))
    assert before.layer.name == "before" and before.is_unknown
