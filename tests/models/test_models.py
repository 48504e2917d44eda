"""The paper's networks: sizes, initialization, normalization, forward pass."""

import itertools
import math
import random

import keras
import numpy as np
import pytest

from ws_keras import models
from ws_keras.models import mlp
from ws_keras.models import resnet18

SMALL = {"input_shape": (8, 8, 3), "width": 4, "blocks": (1, 1)}


def trainable(model):
    return sum(math.prod(v.shape) for v in model.trainable_variables)


@pytest.mark.parametrize(
    "name, arguments, count",
    [
        ("resnet18", {}, 701_466),
        ("resnet18", {"num_classes": 100}, 713_076),
        ("resnet18", {"width": 64}, 11_173_962),
        ("mlp", {}, 318_410),
        ("logistic", {}, 30_730),
        # Closed form: the hidden layers have no bias either.
        ("mlp", {"use_bias": False}, 3072 * 100 + 100 * 100 + 100 * 10),
        ("mlp", {"depth": 3}, 318_410 + 100 * 101),
    ],
)
def test_trainable_parameters(name, arguments, count):
    assert trainable(models.build(name, **arguments)) == count


@pytest.mark.quick(3)
@pytest.mark.parametrize("width", [2, 3, 4, 7, 8])
@pytest.mark.parametrize("side", [8, 16])
def test_gradients_of_the_residual_network(width, side):
    """Against double precision: fast kernels may be wrong, not just coarse."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes TensorFlow's gradients")
    arguments = {"width": width, "blocks": (1, 1, 1), "norm": "layer"}
    shape = (side, side, 3)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (16, *shape)).astype("uint8")
    y = rng.integers(0, 10, 16)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found, values = {}, None
    for dtype in ("float64", "float32"):
        model = models.build(
            "resnet18", input_shape=shape, dtype=dtype, **arguments
        )
        values = values or model.get_weights()
        model.set_weights(values)
        with tf.GradientTape() as tape:
            error = loss(y, model(x))
        variables = [v.value for v in model.trainable_variables]
        found[dtype] = [g.numpy() for g in tape.gradient(error, variables)]
    for ours, exact in zip(found["float32"], found["float64"], strict=True):
        scale = np.abs(exact).max()
        np.testing.assert_allclose(ours, exact, atol=1e-3 * scale)


def test_norms_of_the_residual_network():
    norm = trainable(resnet18()) - trainable(resnet18(norm="none"))
    # Gamma and beta after each of 20 convolutions, by their channels.
    channels = 16 * 5 + 32 * 5 + 64 * 5 + 128 * 5
    assert norm == 2 * channels
    assert trainable(resnet18(norm="layer")) == 701_466
    layers = resnet18(norm="batch").layers
    norms = [
        x for x in layers if isinstance(x, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 20
    assert {(x.epsilon, x.momentum) for x in norms} == {(1e-5, 0.9)}


@pytest.mark.parametrize("build", [resnet18, mlp])
def test_initialization_of_the_authors_framework(build):
    model = build()
    for layer in model.layers:
        if not isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D)):
            continue
        kernel = layer.kernel.numpy()
        limit = 1 / math.sqrt(math.prod(kernel.shape[:-1]))
        assert abs(kernel).max() <= limit
        # The standard deviation of a uniform distribution, and the middle.
        error = limit / math.sqrt(kernel.size)
        assert kernel.std() == pytest.approx(
            limit / math.sqrt(3), abs=4 * error
        )
        assert abs(kernel.mean()) < 4 * error
        if layer.use_bias:
            bias = layer.bias.numpy()
            assert 0 < abs(bias).max() <= limit
            assert len(np.unique(bias)) == bias.size


def test_biases_are_uniform():
    bias = mlp(units=4000, depth=1).get_layer("hidden1").bias.numpy()
    scaled = bias * math.sqrt(3072)
    # Moments of a uniform variable on [-1, 1], four standard errors wide.
    assert abs(scaled.mean()) < 4 * math.sqrt(1 / 3 / 4000)
    assert (scaled**2).mean() == pytest.approx(
        1 / 3, abs=4 * math.sqrt(4 / 45 / 4000)
    )


def test_a_model_without_biases_has_kernels_only():
    for name in ("mlp", "logistic"):
        model = models.build(name, use_bias=False, normalization="none")
        assert {v.name for v in model.variables} == {"kernel"}
        black = np.zeros((1, 32, 32, 3), np.uint8)
        assert not model.predict(black, verbose=0).any()


@pytest.mark.parametrize("initializer", ["torch", "keras"])
@pytest.mark.parametrize("name", models.NAMES)
def test_building_leaves_global_generators_alone(name, initializer):
    def states():
        numpy = np.random.get_state()
        return random.getstate(), numpy[1].tolist(), numpy[2]

    before = states()
    models.build(name, initializer=initializer)
    assert states() == before


def test_keras_initialization_has_zero_biases():
    model = mlp(initializer="keras")
    assert not model.get_layer("hidden1").bias.numpy().any()
    limit = math.sqrt(6 / (3072 + 100))
    kernel = abs(model.get_layer("hidden1").kernel.numpy())
    assert 0.99 * limit < kernel.max() <= limit


def normalized(model, x):
    part = keras.Model(model.inputs, model.get_layer("normalize").output)
    return part.predict(x, verbose=0)


def test_pixels_go_to_minus_one_to_one():
    x = np.zeros((1, 8, 8, 3), np.uint8)
    x[0, 0, 0] = [0, 255, 51]
    found = normalized(resnet18(**SMALL), x)
    np.testing.assert_allclose(found[0, 0, 0], [-1, 1, -0.6], atol=1e-6)


def test_channel_statistics():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    x[..., 2] = 7  # a constant channel has nothing to scale
    moments = x.mean((0, 1, 2)).tolist(), x.std((0, 1, 2)).tolist()
    model = resnet18(**SMALL, normalization="channel", moments=moments)
    found = normalized(model, x)
    np.testing.assert_allclose(found.mean((0, 1, 2)), [0, 0, 0], atol=1e-4)
    np.testing.assert_allclose(found.std((0, 1, 2)), [1, 1, 0], atol=1e-4)


def test_layer_norm_is_over_height_width_and_channels_of_a_sample():
    model = resnet18(**SMALL, norm="layer")
    norm = model.get_layer("stem_norm")
    norm.gamma.assign([1, 2, 3, 4])
    norm.beta.assign([0, -1, 0, 1])
    x = np.random.default_rng(2).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    part = keras.Model(model.inputs, [norm.input, norm.output])
    before, after = part.predict(x, verbose=0)
    mean = before.mean((1, 2, 3), keepdims=True)
    variance = before.var((1, 2, 3), keepdims=True)
    expected = (before - mean) / np.sqrt(variance + 1e-5) * [1, 2, 3, 4]
    expected += [0, -1, 0, 1]
    np.testing.assert_allclose(after, expected, atol=1e-5)


def convolve(x, kernel, stride):
    """A convolution padded by one on each side, as in the authors' code."""
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    size = (x.shape[1] - 3) // stride + 1
    out = np.zeros((len(x), size, size, kernel.shape[-1]))
    for i in range(size):
        for j in range(size):
            patch = x[:, stride * i : stride * i + 3, stride * j :][:, :, :3]
            out[:, i, j] = np.einsum("bhwi,hwio->bo", patch, kernel)
    return out


def batch_norm(x):
    """With the statistics of a new layer: mean 0, variance 1."""
    return x / math.sqrt(1 + 1e-5)


# Halving an odd size, as 7 pixels of a 28-pixel image, has its own padding.
@pytest.mark.parametrize("size", [8, 7])
def test_forward_pass_equals_the_network_written_out(size):
    model = resnet18(**{**SMALL, "input_shape": (size, size, 3)})
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    kernel = {
        x.name.removesuffix("_conv"): x.kernel.numpy().astype(np.float64)
        for x in model.layers
        if isinstance(x, keras.layers.Conv2D)
    }

    def relu(x):
        return np.maximum(x, 0)

    h = relu(batch_norm(convolve(x / 127.5 - 1, kernel["stem"], 1)))
    y = relu(batch_norm(convolve(h, kernel["stage1_block1_conv1"], 1)))
    h = relu(batch_norm(convolve(y, kernel["stage1_block1_conv2"], 1)) + h)
    y = relu(batch_norm(convolve(h, kernel["stage2_block1_conv1"], 2)))
    y = batch_norm(convolve(y, kernel["stage2_block1_conv2"], 1))
    bridge = kernel["stage2_block1_shortcut"][0, 0]
    h = relu(y + batch_norm(h[:, ::2, ::2] @ bridge))
    head = model.get_layer("logits")
    expected = h.mean((1, 2)) @ head.kernel.numpy() + head.bias.numpy()
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_mlp_equals_the_network_written_out():
    model = mlp((2, 2, 1), 3, depth=2, units=5, activation="tanh")
    x = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    h = x.reshape(2, 4) / 127.5 - 1
    *hidden, logits = (x for x in model.layers if x.weights)
    for layer in hidden:
        h = np.tanh(h @ layer.kernel.numpy() + layer.bias.numpy())
    expected = h @ logits.kernel.numpy() + logits.bias.numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("name", models.NAMES)
def test_mixed_precision_keeps_float32_weights_and_logits(name):
    arguments = SMALL if name == "resnet18" else {"input_shape": (8, 8, 3)}
    model = models.build(name, dtype="mixed_bfloat16", **arguments)
    assert {v.dtype for v in model.variables} == {"float32"}
    assert model.output.dtype == "float32"
    inner = model.layers[-2].output
    assert inner.dtype == "bfloat16"
    full = models.build(name, **arguments)
    full.set_weights(model.get_weights())
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    ours, theirs = model.predict(x, verbose=0), full.predict(x, verbose=0)
    # bfloat16 has 8 significant bits.
    assert 0 < abs(ours - theirs).max() < 0.05 * theirs.std()


@pytest.mark.parametrize(
    "build, arguments, words",
    [
        (resnet18, {"norm": "group"}, "Received: norm='group'"),
        (resnet18, {"input_shape": (12,)}, "input_shape=(12,)"),
        (resnet18, {"width": 0}, "Received: width=0"),
        (resnet18, {"blocks": ()}, "blocks=()"),
        (resnet18, {"blocks": (1, 0)}, "Received: width=16, blocks=(1, 0)"),
        (resnet18, {"num_classes": 0}, "Received: units=0"),
        (resnet18, {"initializer": "he"}, "initializer='he'"),
        (resnet18, {"normalization": "full"}, "normalization='full'"),
        (resnet18, {"normalization": "channel"}, "moments=None"),
        (mlp, {"initializer": "he"}, "Received: initializer='he'"),
        (mlp, {"normalization": "full"}, "normalization='full'"),
        (mlp, {"activation": "gelu"}, "activation='gelu'"),
        (mlp, {"depth": -1}, "depth=-1"),
        (mlp, {"units": 0}, "units=0"),
        (models.build, {"name": "vgg"}, "name='vgg'"),
    ],
)
def test_bad_arguments(build, arguments, words):
    with pytest.raises(ValueError) as error:
        build(**arguments)
    assert words in str(error.value)


@pytest.mark.parametrize("initializer", models.initializers.NAMES)
def test_no_two_layers_start_alike(initializer):
    model = models.resnet18(initializer=initializer)
    starts = [
        layer.kernel.numpy().ravel()[:400]
        for layer in model.layers
        if hasattr(layer, "kernel")
    ]
    for one, other in itertools.combinations(starts, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.3


def test_kaiming_draws_convolutions_by_their_outputs():
    model = models.resnet18(width=64, initializer="kaiming")
    layer = model.get_layer("stage2_block1_conv1")  # 64 to 128 channels
    kernel = layer.kernel.numpy()
    assert kernel.std() == pytest.approx(math.sqrt(2 / (128 * 9)), rel=0.01)
    # A normal distribution has tails; a uniform one ends at 1.7 deviations.
    assert np.abs(kernel).max() > 3 * kernel.std()
    dense = model.get_layer("logits").kernel.numpy()
    assert np.abs(dense).max() <= 1 / math.sqrt(512)


def test_the_moments_of_cifar10_serve_other_sets():
    x = np.array([[[0, 255, 100]]], np.uint8)[None]
    model = models.mlp((1, 1, 3), depth=0, normalization="cifar10")
    found = model.get_layer("normalize")(x).numpy().ravel()
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    expected = [
        (v / 255 - m) / s
        for v, m, s in zip((0, 255, 100), mean, std, strict=True)
    ]
    assert found == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"of shape \(28, 28, 1\)"):
        models.mlp((28, 28, 1), normalization="cifar10")
