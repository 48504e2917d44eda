"""DASH against an independent reference, and what it must leave alone."""

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.transforms import dash as transforms
from ws_keras.transforms import gradients

RNG = np.random.default_rng(3)
CHUNKS = [
    (RNG.normal(size=(n, 6, 6, 2)).astype("float32"), RNG.integers(0, 3, n))
    for n in (12, 7, 9)
]
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture
def model():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("relu"),
            layers.Flatten(),
            layers.Dense(5, "tanh", name="hidden"),
            layers.Dense(3, name="head"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), LOSS)
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(11)
    for variable in [*model.weights, *model.optimizer.momentums]:
        variable.assign(rng.normal(0, 0.3, variable.shape))
    norm = model.get_layer("norm")
    norm.moving_variance.assign(rng.uniform(0.5, 1.5, 4))
    return model


def linear(weights):
    """A linear classifier with given weights, in NumPy and in Keras."""
    inputs = keras.Input((4,))
    outputs = layers.Dense(3, name="head")(inputs)
    model = keras.Model(inputs, outputs)
    model.set_weights(weights)
    return model


def cross_entropy_gradient(kernel, bias, x, y):
    """Closed form: the mean of x (softmax - onehot)."""
    logits = x @ kernel + bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return x.T @ p / len(y), p.mean(0)


def test_linear_model_equals_the_algorithm_written_out():
    kernel, bias = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    model = linear([kernel, bias])
    chunks = [
        (RNG.normal(size=(n, 4)).astype("float32"), RNG.integers(0, 3, n))
        for n in (8, 5)
    ]
    alpha, floor = 0.3, 0.2
    average = [np.zeros((4, 3)), np.zeros(3)]
    for x, y in chunks:
        new = cross_entropy_gradient(kernel, bias, x, y)
        average = [
            (1 - alpha) * a + alpha * g
            for a, g in zip(average, new, strict=True)
        ]
    expected = kernel.copy()
    for unit in range(3):
        w, g = kernel[:, unit], average[0][:, unit]
        cosine = -g @ w / np.linalg.norm(g) / np.linalg.norm(w)
        expected[:, unit] *= max(floor, cosine)
    g = average[1]
    cosine = -g @ bias / np.linalg.norm(g) / np.linalg.norm(bias)

    transforms.dash(model, chunks, floor, alpha, loss=LOSS)

    ours = model.get_weights()
    np.testing.assert_allclose(ours[0], expected, rtol=1e-5)
    np.testing.assert_allclose(ours[1], bias * max(floor, cosine), rtol=1e-5)


@pytest.mark.parametrize("size", [2.0**-27, 1.0, 2.0**10])
def test_half_precision_loses_no_small_or_large_gradient(size):
    """The gradient of `size * mean(y . prediction)` is `size * mean(x y)`."""
    inputs = keras.Input((4,))
    head = layers.Dense(3, use_bias=False, dtype="mixed_float16")
    model = keras.Model(inputs, head(inputs))
    kernel = RNG.normal(size=(4, 3)).astype("float32")
    model.set_weights([kernel])
    x = RNG.normal(size=(8, 4)).astype("float16").astype("float32")
    y = RNG.choice([-1.0, 1.0], (8, 3)).astype("float32")

    def loss(y, predictions):
        found = keras.ops.cast(predictions, "float32") * y
        return size * keras.ops.sum(found, axis=-1)

    transforms.dash(model, [(x, y)], 0.0, 1.0, loss=loss)
    found = transforms.factors(kernel, x.T @ y, 0.0, axes=(0,))
    assert found.max() > 0.1
    ours = model.get_weights()[0]
    np.testing.assert_allclose(ours, kernel * found, atol=2e-3)


def test_a_convolution_has_one_factor_per_pair_of_channels(model):
    kernel = model.get_layer("conv").kernel.numpy()
    gradient = RNG.normal(size=kernel.shape)
    found = transforms.factors(kernel, gradient, 0.3, axes=(0, 1))
    assert found.shape == (1, 1, 2, 4)
    for i in range(2):
        for o in range(4):
            w, g = kernel[:, :, i, o].ravel(), gradient[:, :, i, o].ravel()
            cosine = -(w @ g) / np.linalg.norm(w) / np.linalg.norm(g)
            assert found[0, 0, i, o] == pytest.approx(max(0.3, cosine))


def test_factors_of_the_extreme_directions():
    weight = np.array([1.0, 2.0])
    assert transforms.factors(weight, -3 * weight, 0.3) == 1
    assert transforms.factors(weight, weight, 0.3) == 0.3
    assert transforms.factors(weight, np.zeros(2), 0.3) == 0.3
    # A 1x1 kernel is a scalar: its direction is right or wrong.
    kernel = np.array([[[[2.0, -2.0]]]])
    gradient = np.array([[[[-1.0, -1.0]]]])
    found = transforms.factors(kernel, gradient, 0.3, axes=(0, 1))
    assert found.ravel().tolist() == [1.0, 0.3]


def test_kernels_and_biases_shrink_and_nothing_else(model):
    before = {v.path: v.numpy() for v in model.variables}
    slots = [v.numpy() for v in model.optimizer.variables]

    report = transforms.dash(model, CHUNKS, 0.3)

    touched = {line.path for line in report.touched}
    assert touched == {
        v.path for v in model.trainable_variables if "norm" not in v.path
    }
    for variable in model.variables:
        old, new = before[variable.path], variable.numpy()
        if variable.path in touched:
            ratio = new / old
            assert ratio.min() >= 0.3 - 1e-6 and ratio.max() <= 1 + 1e-6
            assert not np.array_equal(old, new)
        else:
            np.testing.assert_array_equal(old, new)
    for old, variable in zip(slots, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


def test_bias_is_one_vector(model):
    bias = model.get_layer("hidden").bias
    old = bias.numpy()
    transforms.dash(model, CHUNKS, 0.3)
    ratio = bias.numpy() / old
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def test_shrink_of_one_is_the_identity(model):
    before = model.get_weights()
    transforms.dash(model, CHUNKS, 1.0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_optimizer_can_be_reset(model):
    transforms.dash(model, CHUNKS, optimizer="reset")
    assert model.optimizer.iterations.numpy() == 0
    for momentum in model.optimizer.momentums:
        assert not momentum.numpy().any()


def test_gradient_does_not_depend_on_the_batches(model):
    x, y = CHUNKS[0]
    before = [v.numpy() for v in model.variables]
    whole = gradients.mean_gradient(model, x, y, LOSS)
    parts = gradients.mean_gradient(model, x, y, LOSS, batch_size=5)
    twice = gradients.mean_gradient(
        model, np.concatenate([x, x]), np.concatenate([y, y]), LOSS
    )
    for a, b, c in zip(whole, parts, twice, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
        np.testing.assert_allclose(a, c, atol=1e-6)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


def _two_inputs():
    first, second = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.Concatenate()([first, second])
    outputs = keras.layers.Dense(1, name="head")(joined)
    model = keras.Model([first, second], outputs)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("kind", [dict, list, tuple])
def test_several_inputs_are_those_of_one_input_that_holds_them(kind):
    x, y = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
    y = y[:, :1]
    model, plain = _two_inputs(), keras.Sequential([keras.Input((4,))])
    plain.add(keras.layers.Dense(1))
    plain.compile("sgd", "mse")
    plain.set_weights(model.get_weights())
    parts = {"a": x[:, :2], "b": x[:, 2:]}
    given = parts if kind is dict else kind(parts.values())
    transforms.dash(model, [(given, y)], 0.3, batch_size=4)
    transforms.dash(plain, [(x, y)], 0.3, batch_size=4)
    for ours, theirs in zip(
        model.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    parts["b"] = x[1:, 2:]
    with pytest.raises(ValueError, match="5 or 6 samples, 6 targets"):
        transforms.dash(model, [(parts, y)], 0.3)


def test_gradient_equals_finite_differences(model):
    x, y = CHUNKS[1]
    found = gradients.mean_gradient(model, x, y, LOSS)
    head = model.get_layer("head").kernel
    place = [v.path for v in model.trainable_variables].index(head.path)
    value = head.numpy()
    step = np.zeros_like(value)
    step[2, 1] = 1e-2
    losses = []
    for moved in (value + step, value - step):
        head.assign(moved)
        losses.append(float(LOSS(y, model(x, training=False))))
    difference = (losses[0] - losses[1]) / 2e-2
    assert found[place][2, 1] == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"shrink": 1.4}, "Received: shrink=1.4"),
        ({"alpha": 0.0}, "Received: alpha=0.0"),
        ({"chunks": []}, "Received: no chunk"),
        ({"chunks": [CHUNKS[0][0]]}, "pairs (x, y)"),
        ({"chunks": [(CHUNKS[0][0], [1])]}, "Received: 12 samples, 1 targ"),
        ({"optimizer": "drop"}, "Received: optimizer='drop'"),
        ({"batch_size": -1}, "Received: batch_size=-1"),
        ({"batch_size": 1.5}, "Received: batch_size=1.5"),
        ({"alpha": True}, "Received: alpha=True"),
        ({"chunks": None}, "Received: chunks=None"),
        ({"loss": "nope"}, "Received: loss='nope'"),
        ({"chunks": [(CHUNKS[0][0][:, :2], CHUNKS[0][1])]}, "Samples 0 to 11"),
    ],
)
def test_bad_arguments_leave_the_model(model, arguments, words):
    before = model.get_weights()
    with pytest.raises(ValueError) as error:
        transforms.dash(model, **{"chunks": CHUNKS, **arguments})
    assert words in str(error.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_gradient_that_is_not_finite_is_refused(model):
    x, y = CHUNKS[0]
    before = model.get_weights()
    with pytest.raises(ValueError, match="NaN or infinity"):
        transforms.dash(model, [(np.full_like(x, np.inf), y)])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_model_without_kernels_is_refused():
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    with pytest.raises(ValueError, match="which has none"):
        transforms.dash(model, CHUNKS, loss=LOSS)


def test_a_loss_for_each_output_is_not_one_loss():
    inputs = keras.Input((4,))
    outputs = [keras.layers.Dense(1)(inputs), keras.layers.Dense(2)(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", ["mse", "mae"])
    x, y = CHUNKS[0]
    with pytest.raises(ValueError, match="2 losses"):
        transforms.dash(model, [(x, y)])


def test_model_without_a_loss_is_refused():
    model = linear([np.ones((4, 3)), np.ones(3)])
    with pytest.raises(ValueError, match="Received: loss=None"):
        transforms.dash(model, CHUNKS)


@pytest.mark.parametrize("kind", ["dict", "list", "dict of outputs"])
def test_one_loss_in_a_structure_is_the_loss(kind):
    """Keras accepts it, so DASH must give what the plain loss gives."""
    x, y = np.random.default_rng(0).normal(size=(2, 8, 4)).astype("float32")
    inputs = keras.Input((4,))
    outputs = layers.Dense(4, name="head")(layers.Dense(3, "tanh")(inputs))
    plain = keras.Model(inputs, outputs)
    plain.compile("sgd", "mse")
    weights = plain.get_weights()
    loss = {"dict": {"head": "mse"}, "list": ["mse"]}.get(kind, "mse")
    shaped = {"head": outputs} if kind == "dict of outputs" else outputs
    other = keras.Model(inputs, shaped)  # it shares all layers
    other.compile("sgd", loss)
    y_given = {"head": y} if kind == "dict of outputs" else y
    transforms.dash(other, [(x, y_given)], 0.2)
    found = other.get_weights()
    plain.set_weights(weights)
    transforms.dash(plain, [(x, y)], 0.2)
    for ours, theirs in zip(found, plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(found[0], weights[0])
