"""Soft weight rescaling: its closed form, and predictions that stay."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from tests.callbacks import holders
from ws_keras import models
from ws_keras.callbacks import rescaling

RNG = np.random.default_rng(0)


def value(variable):
    return np.array(ops.convert_to_numpy(variable), np.float64)


def spread(model, size=0.7):
    rng = np.random.default_rng(5)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, size, variable.shape))
    return model


def rectifiers():
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255, offset=-0.5)(inputs)
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2DTranspose(4, 2, strides=2)(x)
    x = layers.LeakyReLU()(x)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.Activation("relu")(layers.Dense(7)(x))
    return spread(keras.Model(inputs, layers.Dense(3)(x)), 0.6)


def orthogonal(units, gain, **keywords):
    """A kernel whose norm does not depend on its draw."""
    start = keras.initializers.Orthogonal(gain)
    return layers.Dense(units, kernel_initializer=start, **keywords)


def chain():
    parts = [orthogonal(4, 2.0, activation="relu"), orthogonal(4, 3.0)]
    return spread(keras.Sequential([keras.Input((4,)), *parts]))


@pytest.mark.parametrize("strength", [1.0, 0.3, 1e-2])
def test_the_closed_form(strength):
    model = chain()
    (w, b, v, d) = map(value, model.weights)
    found = rescaling.of(model, 0)
    assert found.norms == pytest.approx((4.0, 6.0), rel=1e-5)
    (product,) = found.apply(strength)
    c, e = (
        (strength * norm + (1 - strength) * np.linalg.norm(a))
        / np.linalg.norm(a)
        for norm, a in ((4.0, w), (6.0, v))
    )
    assert product == pytest.approx(c * e, rel=1e-5)
    for got, want in zip(
        model.weights, (c * w, c * b, e * v, c * e * d), strict=True
    ):
        np.testing.assert_allclose(value(got), want, rtol=1e-5)


@pytest.mark.parametrize("strength", [1.0, 0.1])
def test_a_rectifier_network_keeps_its_predictions(strength):
    model = rectifiers()
    x = RNG.uniform(0, 255, (50, 8, 8, 3)).astype("float32")
    before = value(model(x))
    (factor,) = rescaling.of(model, 0).apply(strength)
    after = value(model(x))
    assert abs(factor - 1) > 0.05
    np.testing.assert_allclose(after, factor * before, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(after.argmax(1), before.argmax(1))


@pytest.mark.parametrize(
    "optimizer", list(holders.optimizers(0.1)), ids=lambda o: o.name
)
def test_after_each_batch_of_a_fit(optimizer):
    model, batches = chain(), 6
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    ws_keras.shrink_perturb(model, 0.9, 0.0, optimizer="keep")
    start = [np.linalg.norm(value(w)) for w in model.weights[::2]]
    x = np.ones((batches, 4), "float32")
    callback = ws_keras.SoftWeightRescaling(0.2)
    given = {"batch_size": 1, "verbose": 0, "sample_weight": np.zeros(batches)}
    model.fit(x, x, callbacks=[callback], **given)
    model.fit(x, x, **given)  # without gradients, nothing else changes
    for norm, first, kernel in zip(
        (4.0, 6.0), start, model.weights[::2], strict=True
    ):
        want = norm + (first - norm) * 0.8**batches
        found = np.linalg.norm(value(kernel))
        assert found == pytest.approx(want, rel=1e-4)


def test_frozen_kernels_and_such_as_start_with_zeros_keep_their_norm():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            orthogonal(4, 1.0),
            layers.Dense(4, kernel_initializer="zeros"),
            orthogonal(4, 1.0),
        ]
    )
    spread(model).layers[0].trainable = False
    before = [value(v) for v in model.weights]
    rescaling.of(model, 0).apply(1.0)
    after = [value(v) for v in model.weights]
    for old, new in zip(before[:4], after[:4], strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.linalg.norm(after[4]) == pytest.approx(2.0, rel=1e-5)


def test_a_head_may_have_any_activation():
    parts = [layers.Dense(4, "relu"), layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *parts])
    assert len(rescaling.of(model, 0).norms) == 2
    model = keras.Sequential([*model.layers[:1], layers.Dense(2)])
    model.add(layers.Softmax())
    model.build((None, 4))
    assert len(rescaling.of(model, 0).norms) == 2


def test_what_comes_before_the_first_kernel_may_be_anything():
    known = layers.Normalization(mean=[1.0] * 4, variance=[4.0] * 4)
    parts = [known, layers.Dense(4, "relu"), layers.Dense(3)]
    model = spread(keras.Sequential([keras.Input((4,)), *parts]))
    x = RNG.normal(size=(30, 4)).astype("float32")
    before = value(model(x))
    (factor,) = rescaling.of(model, 0).apply(1.0)
    np.testing.assert_allclose(value(model(x)), factor * before, rtol=1e-4)


def test_inputs_that_a_dict_names_are_not_taken_for_each_other():
    """Keras finds the inputs of `inner` by name, not in the dict's order."""
    starts = [keras.Input((4,), name=name) for name in ("late", "early")]
    inner = keras.Model(starts, [layers.Dense(3)(each) for each in starts])
    inputs = keras.Input((4,))
    deep = layers.Dense(4, "relu")(inputs)
    ends = inner({"early": inputs, "late": deep})
    model = spread(keras.Model(inputs, ends))
    x = RNG.normal(size=(30, 4)).astype("float32")
    before = [value(each) for each in model(x)]
    factors = rescaling.of(model, 0).apply(1.0)
    for old, new, factor in zip(before, model(x), factors, strict=True):
        np.testing.assert_allclose(value(new), factor * old, rtol=1e-4)


@pytest.mark.parametrize("offset", [0.0, [0.0, 0.0]])
def test_a_head_may_multiply_its_outputs(offset):
    parts = [layers.Dense(2), layers.Rescaling([2.0, 3.0], offset)]
    model = keras.Sequential([keras.Input((4,)), *parts])
    assert len(rescaling.of(model, 0).norms) == 1


def moving(model, rng):
    """Gives batch norm moments that it could have measured."""
    for variable in model.non_trainable_variables:
        if "moving" in variable.name:
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
    return model


def with_batch_norm():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3)(inputs)
    x = layers.Activation("gelu")(layers.BatchNormalization()(x))
    x = layers.PReLU(shared_axes=[1, 2])(layers.DepthwiseConv2D(3)(x))
    x = layers.LayerNormalization()(layers.Conv2D(5, 1)(x))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def branches():
    """Both terms of the sum get the factors of one kernel, and no more."""
    inputs, shared = keras.Input((8, 8, 3)), layers.Conv2D(4, 3)
    x, y = shared(inputs), layers.MaxPooling2D(1)(shared(inputs * 2.0))
    x = layers.Concatenate()([layers.Add()([x, y]), layers.ReLU()(x - y)])
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def nested_parts():
    parts = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu")]
    inner = keras.Sequential([*parts, layers.GlobalAveragePooling2D()])
    return keras.Sequential([keras.Input((8, 8, 3)), inner, layers.Dense(3)])


def with_embedding():
    parts = [layers.Embedding(9, 4, mask_zero=True), layers.Dense(20, "relu")]
    parts += [layers.GlobalAveragePooling1D()]
    parts += [layers.Dense(5, "relu"), layers.Dense(3)]
    return keras.Sequential([keras.Input((6,), dtype="int32"), *parts])


@pytest.mark.parametrize(
    "build",
    [
        lambda: models.build("resnet18", width=8, blocks=(1, 1)),
        with_batch_norm,
        branches,
        nested_parts,
        with_embedding,
    ],
)
def test_graphs_keep_their_predictions(build):
    rng = np.random.default_rng(5)
    model = moving(spread(build(), 0.5), rng)
    shape = (20, *model.input_shape[1:])
    x = rng.integers(0, 9, shape) * (25 if len(shape) > 2 else 1)
    before = value(model(x))
    found = rescaling.of(model, 0)
    (factor,) = found.apply(0.3)
    after = value(model(x))
    kernels = [e.path for e in found.scaling.kernels]
    paths = [w.path for w in model.weights if w.path.endswith("/kernel")]
    assert sorted(kernels) == sorted(paths)
    assert abs(factor - 1) > 0.05
    size = abs(after).max()
    np.testing.assert_allclose(after, factor * before, atol=2e-3 * size)
    np.testing.assert_array_equal(after.argmax(1), before.argmax(1))


def test_moments_follow_what_they_are_of():
    norm = layers.BatchNormalization()
    parts = [orthogonal(4, 3.0), norm, layers.Dense(2)]
    model = spread(keras.Sequential([keras.Input((4,)), *parts]))
    moving(model, np.random.default_rng(0))
    mean, variance = value(norm.moving_mean), value(norm.moving_variance)
    gamma, beta = value(norm.gamma), value(norm.beta)
    factor = 6.0 / np.linalg.norm(value(model.layers[0].kernel))
    rescaling.of(model, 0).apply(1.0)
    for got, want in (
        (norm.moving_mean, factor * mean),
        (norm.moving_variance, factor**2 * variance),
        (norm.gamma, gamma),
        (norm.beta, beta),
    ):
        np.testing.assert_allclose(value(got), want, rtol=1e-5)


def two_paths():
    inputs = keras.Input((4,))
    x = layers.Dense(4)(inputs)
    x = layers.Add(name="sum")([x, inputs])
    return keras.Model(inputs, layers.Dense(2)(x))


def twice():
    inputs, shared = keras.Input((4,)), layers.Dense(4, name="shared")
    x = shared(shared(inputs))
    return keras.Model(inputs, layers.Dense(2)(x))


def normed_twice():
    """The moments are those of the inputs as well, which keep their size."""
    inputs, shared = keras.Input((4,)), layers.BatchNormalization(name="shared")
    x = layers.Concatenate()([shared(inputs), shared(layers.Dense(4)(inputs))])
    return keras.Model(inputs, layers.Dense(2)(x))


def zeros_twice():
    inputs = keras.Input((4,))
    shared = layers.Dense(4, kernel_initializer="zeros", name="shared")
    x = layers.Concatenate()([shared(inputs), shared(layers.Dense(4)(inputs))])
    return keras.Model(inputs, layers.Dense(2)(x))


def frozen_norm():
    model = between(layers.BatchNormalization(name="still"))
    model.get_layer("still").trainable = False
    return model


def of_steps():
    parts = [layers.LSTM(4, name="steps"), layers.Dense(2)]
    return keras.Sequential([keras.Input((4, 1)), *parts])


class Own(keras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def between(*parts):
    parts = [layers.Dense(4), *parts, layers.Dense(2)]
    return keras.Sequential([keras.Input((4,)), *parts])


def frozen_behind():
    model = between(layers.Dense(4, name="still"))
    model.get_layer("still").trainable = False
    return model


class Standardized(layers.Conv1D):
    """One whose output does not depend on the size of its kernel."""

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel / ops.std(kernel))


def standardized():
    parts = [Standardized(4, 1, name="own"), layers.Flatten(), layers.Dense(2)]
    return keras.Sequential([keras.Input((4, 1)), *parts])


def with_lora():
    model = between(layers.Dense(4, name="low"))
    model.get_layer("low").enable_lora(2)
    return model


def shifted():
    """The classes with a large number in `prior` would be predicted less."""
    prior = np.array([3.0, -3.0], "float32")
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(2)(inputs) + prior)


def voting():
    """Each step votes with its probabilities, which are no longer as sure."""
    inputs = keras.Input((3, 4))
    votes = layers.Dense(2, "softmax", name="votes")(inputs)
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(votes))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (shifted, "'add.*Add"),
        (voting, "'votes' with another activation"),
        (two_paths, "'sum'.*different factors"),
        (lambda: models.build("resnet18", width=8, norm="none"), "'add"),
        (twice, "'shared', which is used twice"),
        (normed_twice, "'shared', which is used twice"),
        (zeros_twice, "'shared', which is used twice"),
        (frozen_norm, "frozen layer 'still'"),
        (of_steps, "'steps'.*LSTM"),
        (Own, "'own'.*no graph"),
        (lambda: between(layers.Rescaling(2, 1, name="moved")), "'moved'"),
        (
            lambda: between(
                layers.Activation("tanh", name="bent"),
                layers.UnitNormalization(),
            ),
            "'bent'",
        ),
        (lambda: between(layers.Dense(4, "tanh", name="bent")), "'bent'"),
        (lambda: between(layers.Activation("gelu", name="g")), "'g'"),
        (lambda: between(layers.ReLU(6.0, name="six")), "'six' with a bound"),
        (
            lambda: between(layers.Dense(4, kernel_constraint="non_neg")),
            "with a constraint",
        ),
        (frozen_behind, "frozen layer 'still'"),
        (with_lora, "'low' with LoRA"),
        (standardized, "'own'.*Standardized"),
    ],
)
def test_other_models_are_refused_by_name(build, words):
    model = build()
    model.compile("sgd", "mse")
    shape = model.input_shape[1:] if model.built else (4,)
    x = np.ones((2, *shape), "float32")
    # The call builds a model with a `call` of its own.
    y = np.ones(model(x).shape, "float32")
    before = [value(v) for v in model.weights]
    callback = ws_keras.SoftWeightRescaling(0.1)
    with pytest.raises(ValueError, match=words):
        model.fit(x, y, verbose=0, callbacks=[callback])
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, value(new))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-0.1,), "Received: strength=-0.1"),
        ((1.1,), "Received: strength=1.1"),
        ((True,), "Received: strength=True"),
        ((0.1, -1), "Received: seed=-1"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        ws_keras.SoftWeightRescaling(*arguments)


def test_several_batches_at_a_time_are_refused():
    model = chain()
    model.compile("sgd", "mse", steps_per_execution=2)
    x = np.ones((2, 4), "float32")
    with pytest.raises(ValueError, match="steps_per_execution=2"):
        callback = ws_keras.SoftWeightRescaling(0.1)
        model.fit(x, x, verbose=0, callbacks=[callback])
