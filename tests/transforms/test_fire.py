"""FIRE: singular values, SciPy's polar factors, and what stays."""

import random

import keras
import numpy as np
import pytest
import scipy.linalg
from keras import layers
from keras import ops

import ws_keras
from tests.transforms import zoo
from ws_keras.transforms import kernels
from ws_keras.transforms import variables
from ws_keras.transforms.fire import fire


def value(variable):
    return np.array(ops.convert_to_numpy(variable), np.float64)


def state(model):
    return {v.path: ops.convert_to_numpy(v).copy() for v in model.variables}


def spread(model, seed=5):
    """Gives each weight another value than its first one."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


def from_zoo(name):
    return spread(zoo.ALL[name]())


def one(layer, shape):
    return spread(keras.Sequential([keras.Input(shape), layer]))


def same_weights(first, second):
    pairs = zip(first.weights, second.weights, strict=True)
    return all(np.array_equal(value(a), value(b)) for a, b in pairs)


def checked(before, after, scale):
    """Whether a matrix is the scaled polar factor of another one."""
    wide = before.shape[0] < before.shape[1]
    want, _ = scipy.linalg.polar(before, "left" if wide else "right")
    np.testing.assert_allclose(after, scale * want, atol=2e-6)
    values = np.linalg.svd(after, compute_uv=False)
    np.testing.assert_allclose(values, scale, rtol=1e-5)


@pytest.mark.parametrize(("d_in", "d_out"), [(5, 5), (9, 4), (3, 12), (1, 4)])
def test_dense(d_in, d_out):
    model = one(layers.Dense(d_out), (d_in,))
    kernel, bias = map(value, model.weights)
    report = fire(model)
    checked(kernel, value(model.weights[0]), np.sqrt(d_out / d_in))
    np.testing.assert_array_equal(bias, value(model.weights[1]))
    line, kept = report
    assert line.action == "changed" and kept.action == "kept"
    norm = np.sqrt(d_out / d_in * min(d_in, d_out))
    assert line.norm_after == pytest.approx(norm, rel=1e-5)
    assert "changed" in str(report)
    assert report.totals()["norm_after"] == pytest.approx(norm, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "size"), [("Conv1D", (3,)), ("Conv2D", (3, 2)), ("Conv3D", 2)]
)
def test_a_convolution_has_a_matrix_at_each_position(kind, size):
    shape = (5,) * int(kind[4]) + (4,)
    model = one(getattr(layers, kind)(6, size), shape)
    before = value(model.weights[0])
    fire(model)
    after = value(model.weights[0])
    positions = list(np.ndindex(before.shape[:-2]))
    for place in positions:
        scale = np.sqrt(6 / 4) / len(positions)
        checked(before[place], after[place], scale)


def test_channels_first_have_the_same_kernel():
    """Keras stores the same kernel for both formats of the data."""
    last = one(layers.Conv2D(6, (3, 2)), (5, 5, 4))
    first = one(
        layers.Conv2D(6, (3, 2), data_format="channels_first"), (4, 5, 5)
    )
    assert same_weights(first, last)
    fire(last)
    fire(first)
    assert same_weights(first, last)


def test_groups_are_matrices_of_their_own():
    model = one(layers.Conv2D(9, (2, 3), groups=3), (5, 5, 6))
    before = value(model.weights[0])
    fire(model)
    after = value(model.weights[0])
    for i, j in np.ndindex(2, 3):
        for group in range(3):
            part = np.s_[i, j, :, 3 * group : 3 * group + 3]
            checked(before[part], after[part], np.sqrt(3 / 2) / 6)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_transposed_convolution_reads_from_its_last_axis(dimensions):
    kind = getattr(layers, f"Conv{dimensions}DTranspose")
    model = one(kind(6, 3, strides=2), (4,) * dimensions + (2,))
    before = value(model.weights[0])
    assert before.shape[-2:] == (6, 2)
    fire(model)
    after = value(model.weights[0])
    for place in np.ndindex(before.shape[:-2]):
        scale = np.sqrt(6 / 2) / 3**dimensions
        checked(before[place].T, after[place].T, scale)


def test_of_separable_convolutions_the_pointwise_part():
    model = one(layers.SeparableConv2D(5, 3, depth_multiplier=2), (6, 6, 4))
    depthwise, pointwise, bias = map(value, model.weights)
    fire(model)
    new = list(map(value, model.weights))
    np.testing.assert_array_equal(new[0], depthwise)
    checked(pointwise[0, 0], new[1][0, 0], np.sqrt(5 / 8))
    np.testing.assert_array_equal(new[2], bias)


@pytest.mark.parametrize(
    "layer", [layers.DepthwiseConv2D(3), layers.Conv2D(8, 3, groups=4)]
)
def test_depthwise_kernels_stay(layer):
    model = keras.Sequential([keras.Input((6, 6, 4)), layer])
    model = spread(keras.Sequential([model, layers.Conv2D(2, 1)]))
    before = state(model)
    report = fire(model)
    (touched,) = report.touched
    assert touched.path == model.layers[-1].kernel.path
    path = layer.weights[0].path
    np.testing.assert_array_equal(before[path], value(layer.weights[0]))
    reasons = {line.path: line.reason for line in report}
    assert reasons[path] == "no kernel of FIRE"


@pytest.mark.parametrize(
    ("equation", "output", "shape", "cut", "scale"),
    [
        ("abc,cd->abd", (None, 4), (3, 6), [np.s_[:, :]], np.sqrt(4 / 6)),
        # An axis of heads among the outputs, and among what is summed over.
        *(
            (f"{e}cde->{o}", (None, 3, 4), (5, 6), heads, np.sqrt(4 / 6))
            for e, o, heads in [
                ("abc,", "abde", [np.s_[:, i] for i in range(3)])
            ]
        ),
        (
            *("abcd,cde->abe", (None, 6), (5, 2, 3)),
            *([np.s_[i] for i in range(2)], np.sqrt(6 / 3) / 2),
        ),
        # Separate maps, one for each place.
        (
            *("abhc,hcd->abhd", (None, 2, 4), (5, 2, 3)),
            *([np.s_[i] for i in range(2)], np.sqrt(4 / 3)),
        ),
        ("...x,xy->...y", 4, (6,), [np.s_[:, :]], np.sqrt(4 / 6)),
        # The kernel's outputs come first.
        ("abc,dc->abd", (None, 4), (3, 6), ["turned"], np.sqrt(4 / 6)),
    ],
)
def test_einsum_dense(equation, output, shape, cut, scale):
    model = one(layers.EinsumDense(equation, output), shape)
    before = value(model.weights[0])
    fire(model)
    after = value(model.weights[0])
    for part in cut:
        if part == "turned":
            checked(before.T, after.T, scale)
        else:
            checked(before[part], after[part], scale)


def test_an_einsum_that_mixes_nothing_stays():
    model = one(layers.EinsumDense("ab,b->ab", (4,)), (4,))
    with pytest.raises(ValueError, match="einsum_dense"):
        fire(model)


def test_kernels_without_inputs_stay():
    parts = [layers.Dense(3, name="empty"), layers.Dense(2)]
    model = keras.Sequential([keras.Input((0,)), *parts])
    before = value(model.layers[1].kernel)
    fire(model)
    assert model.layers[0].kernel.shape == (0, 3)
    checked(before, value(model.layers[1].kernel), np.sqrt(2 / 3))


def attention():
    inputs = keras.Input((5, 6))
    x = layers.MultiHeadAttention(2, 3, name="attention")(inputs, inputs)
    return spread(keras.Model(inputs, layers.LayerNormalization()(x)))


def test_attention_has_queries_and_keys_of_each_head():
    model = attention()
    layer = model.get_layer("attention")
    before = state(model)
    report = fire(model)
    assert {line.path.split("/")[-2] for line in report.touched} == {
        "query",
        "key",
    }
    for part in (layer._query_dense, layer._key_dense):
        old, new = before[part.kernel.path], value(part.kernel)
        for head in range(2):
            checked(old[:, head], new[:, head], np.sqrt(3 / 6))


@pytest.mark.skipif(
    not hasattr(layers, "GroupQueryAttention"), reason="an older Keras"
)
def test_grouped_queries():
    inputs = keras.Input((5, 6))
    layer = layers.GroupQueryAttention(3, 4, 2)
    model = spread(keras.Model(inputs, layer(inputs, inputs)))
    before = state(model)
    assert len(fire(model).touched) == 2
    part = layer._query_dense.kernel
    for head in range(4):
        new = value(part)[:, head]
        checked(before[part.path][:, head], new, np.sqrt(3 / 6))


@pytest.mark.parametrize("name", zoo.ALL)
def test_a_second_time_changes_nothing(name):
    model = from_zoo(name)
    fire(model)
    once = state(model)
    report = fire(model)
    for path, array in state(model).items():
        np.testing.assert_allclose(array, once[path], atol=1e-6)
    assert all(line.cosine > 1 - 1e-6 for line in report.touched)


@pytest.mark.parametrize("name", zoo.ALL)
def test_what_fire_does_not_know_stays(name):
    model = from_zoo(name)
    before = state(model)
    layouts = {e.path: kernels.layout(e) for e in variables.entries(model)}
    touched = {line.path for line in fire(model).touched}
    known = {path for path, layout in layouts.items() if layout is not None}
    assert touched == known and touched
    for path, array in state(model).items():
        assert np.array_equal(array, before[path]) == (path not in known)
        if path.endswith(("bias", "gamma", "beta", "embeddings", "alpha")):
            assert path not in known


def test_a_tied_kernel_is_changed_once():
    shared = layers.Dense(4, name="shared")
    inputs = keras.Input((4,))
    model = spread(keras.Model(inputs, shared(shared(inputs))))
    before = value(shared.kernel)
    assert len(fire(model).touched) == 1
    checked(before, value(shared.kernel), 1.0)


def test_what_is_tied_to_an_embedding_stays():
    class Head(layers.Dense):
        def build(self, shape):
            self._kernel, self.bias = table._embeddings, None
            self.built = True

    table = layers.Embedding(4, 4, name="table")
    inputs = keras.Input((3,), dtype="int32")
    x = Head(4, name="head")(table(inputs))
    model = keras.Model(inputs, layers.Dense(2)(x))
    assert model.get_layer("head").kernel is table.embeddings
    spread(model)
    before = value(table.embeddings)
    fire(model)
    np.testing.assert_array_equal(before, value(table.embeddings))


def test_nothing_is_drawn():
    model = spread(zoo.convolutions())
    zoo.set_random_seed(3)
    want = random.random(), np.random.rand(), keras.random.uniform((2,))
    zoo.set_random_seed(3)
    before = state(model)
    fire(model)
    got = random.random(), np.random.rand(), keras.random.uniform((2,))
    assert want[:2] == got[:2]
    np.testing.assert_array_equal(*(value(each[2]) for each in (want, got)))
    first = state(model)
    for variable in model.variables:
        variable.assign(before[variable.path])
    fire(model)
    for path, array in state(model).items():
        np.testing.assert_array_equal(array, first[path])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("size", [0.3, 1e-6, 300.0])
def test_half_precision(dtype, size):
    layer = layers.Dense(8, dtype=keras.DTypePolicy(dtype))
    model = keras.Sequential([keras.Input((8,), dtype=dtype), layer])
    rng = np.random.default_rng(0)
    layer.kernel.assign(size * rng.normal(size=(8, 8)))
    before = value(ops.cast(layer.kernel, "float32"))
    fire(model)
    assert keras.backend.standardize_dtype(layer.kernel.dtype) == dtype
    after = value(ops.cast(layer.kernel, "float32"))
    want, _ = scipy.linalg.polar(before)
    accuracy = 2.0**-11 if dtype == "float16" else 2.0**-8
    np.testing.assert_allclose(after, want, atol=accuracy)


def test_the_steps_of_the_article():
    model = one(layers.Dense(40), (40,))
    kernel = value(model.weights[0])
    values = np.linalg.svd(kernel, compute_uv=False)
    values /= np.linalg.norm(values)
    for _ in range(10):
        values = 1.5 * values - 0.5 * values**3
    assert values.min() < 0.9  # which is why it is not the default
    fire(model, iterations=10)
    found = np.linalg.svd(value(model.weights[0]), compute_uv=False)
    np.testing.assert_allclose(found, np.sort(values)[::-1], atol=1e-5)


def test_frozen_layers_and_selections():
    model = spread(zoo.dense())
    first, last = model.layers
    first.trainable = False
    (line,) = fire(model).touched
    assert line.path == last.kernel.path
    assert len(fire(model, frozen=True).touched) == 2
    first.trainable = True
    for chosen in ({"include": first}, {"exclude": last}):
        (line,) = fire(model, **chosen).touched
        assert line.path == first.kernel.path
    first.trainable = False
    reasons = {line.path: line.reason for line in fire(model)}
    assert reasons[first.kernel.path] == "frozen"
    reasons = {line.path: line.reason for line in fire(model, include=last)}
    assert reasons[last.bias.path] == "no kernel of FIRE"


@pytest.mark.quick(2)
@pytest.mark.parametrize("policy", [None, "reset", "reset_slots", "keep"])
def test_the_optimizer(policy):
    model = zoo.dense()
    model.compile("adam", "mse")
    x = np.ones((4, 6), "float32")
    model.fit(x, np.ones((4, 3)), verbose=0)
    fire(model, **({} if policy is None else {"optimizer": policy}))
    steps, _, *slots = model.optimizer.variables
    assert int(ops.convert_to_numpy(steps)) == (
        policy in ("reset_slots", "keep")
    )
    assert any(value(slot).any() for slot in slots) == (policy == "keep")


def test_averages_of_weights_follow():
    model = zoo.dense()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    x = np.ones((4, 6), "float32")
    model.fit(x, np.ones((4, 3)), verbose=0)
    fire(model, optimizer="keep")
    average = model.optimizer._model_variables_moving_average[0]
    values = np.linalg.svd(value(average), compute_uv=False)
    np.testing.assert_allclose(values, np.sqrt(8 / 6), rtol=1e-5)


def test_constraints_hold():
    kernel = keras.constraints.NonNeg()
    model = one(layers.Dense(5, kernel_constraint=kernel), (5,))
    fire(model)
    assert (value(model.weights[0]) >= 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"iterations": 0}, "Received: iterations=0"),
        ({"iterations": 2.5}, "Received: iterations=2.5"),
        ({"optimizer": "drop"}, "Received: optimizer='drop'"),
        ({"include": "nothing_such"}, "nothing_such"),
        ({"include": layers.LSTM}, "lstm_cell"),
        ({"include": layers.Embedding}, "'embedding"),
    ],
)
def test_bad_arguments_leave_the_model(arguments, words):
    model = spread(zoo.sequences())
    before = state(model)
    with pytest.raises(ValueError, match=words):
        ws_keras.fire(model, **arguments)
    for path, array in state(model).items():
        np.testing.assert_array_equal(array, before[path])


def test_weights_that_are_not_finite_are_named_before_any_is_written():
    model = spread(zoo.dense())
    model.layers[1].kernel.assign(np.full((8, 3), np.nan))
    before = state(model)
    with pytest.raises(ValueError, match=model.layers[1].kernel.path):
        fire(model)
    for path, array in state(model).items():
        np.testing.assert_array_equal(array, before[path])
    fire(model, exclude=model.layers[1])


def test_layers_with_lora_are_named():
    model = spread(zoo.dense())
    model.layers[0].enable_lora(2)
    before = state(model)
    with pytest.raises(ValueError, match=model.layers[0].name):
        fire(model)
    for path, array in state(model).items():
        np.testing.assert_array_equal(array, before[path])


def test_a_model_that_is_not_built():
    with pytest.raises(ValueError, match="must be built"):
        fire(keras.Sequential([layers.Dense(3)]))
