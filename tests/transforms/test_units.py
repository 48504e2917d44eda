"""Units of a graph: which are found, and which are refused by name."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from tests.transforms.unit_networks import IMAGE
from tests.transforms.unit_networks import built
from tests.transforms.unit_networks import conv
from tests.transforms.unit_networks import dense
from tests.transforms.unit_networks import model_of
from tests.transforms.unit_networks import plain
from tests.transforms.unit_networks import same
from tests.transforms.unit_networks import silenced
from tests.transforms.unit_networks import spread
from tests.transforms.unit_networks import state
from tests.transforms.unit_networks import value
from ws_keras.models import mlp
from ws_keras.models.resnet import resnet18
from ws_keras.transforms import activity
from ws_keras.transforms import resets
from ws_keras.transforms import units

RNG = np.random.default_rng(0)


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
