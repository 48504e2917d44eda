"""Soft weight rescaling: its closed form, and predictions that stay."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
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
    found = rescaling.stages(model, 0)
    assert [s.norm for s in found] == pytest.approx([4.0, 6.0], rel=1e-5)
    product = rescaling.rescale(found, strength)
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
    factor = rescaling.rescale(rescaling.stages(model, 0), strength)
    after = value(model(x))
    assert abs(factor - 1) > 0.05
    np.testing.assert_allclose(after, factor * before, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(after.argmax(1), before.argmax(1))


def test_after_each_batch_of_a_fit():
    model, batches = chain(), 6
    model.compile(keras.optimizers.SGD(0.0), "mse")
    start = [np.linalg.norm(value(w)) for w in model.weights[::2]]
    x = np.ones((batches, 4), "float32")
    callback = ws_keras.SoftWeightRescaling(0.2)
    model.fit(x, x, batch_size=1, verbose=0, callbacks=[callback])
    for norm, first, kernel in zip(
        (4.0, 6.0), start, model.weights[::2], strict=True
    ):
        want = norm + (first - norm) * 0.8**batches
        found = np.linalg.norm(value(kernel))
        assert found == pytest.approx(want, rel=1e-5)


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
    rescaling.rescale(rescaling.stages(model, 0), 1.0)
    after = [value(v) for v in model.weights]
    for old, new in zip(before[:4], after[:4], strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.linalg.norm(after[4]) == pytest.approx(2.0, rel=1e-5)


def test_a_head_may_have_any_activation():
    parts = [layers.Dense(4, "relu"), layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *parts])
    assert len(rescaling.stages(model, 0)) == 2
    model = keras.Sequential([*model.layers[:1], layers.Dense(2)])
    model.add(layers.Softmax())
    model.build((None, 4))
    assert len(rescaling.stages(model, 0)) == 2


def test_what_comes_before_the_first_kernel_may_be_anything():
    known = layers.Normalization(mean=[1.0] * 4, variance=[4.0] * 4)
    parts = [known, layers.Dense(4, "relu"), layers.Dense(3)]
    model = spread(keras.Sequential([keras.Input((4,)), *parts]))
    x = RNG.normal(size=(30, 4)).astype("float32")
    before = value(model(x))
    factor = rescaling.rescale(rescaling.stages(model, 0), 1.0)
    np.testing.assert_allclose(value(model(x)), factor * before, rtol=1e-4)


def two_paths():
    inputs = keras.Input((4,))
    x = layers.Dense(4)(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.Add()([x, inputs])))


def twice():
    inputs, shared = keras.Input((4,)), layers.Dense(4)
    x = shared(shared(inputs))
    return keras.Model(inputs, layers.Dense(2)(x))


def between(*parts):
    parts = [layers.Dense(4), *parts, layers.Dense(2)]
    return keras.Sequential([keras.Input((4,)), *parts])


def frozen_behind():
    model = between(layers.Dense(4, name="still"))
    model.get_layer("still").trainable = False
    return model


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (two_paths, "several paths|Add"),
        (twice, "used twice"),
        (lambda: between(layers.BatchNormalization(name="norm")), "'norm'"),
        (lambda: between(layers.Dense(4, "tanh", name="bent")), "'bent'"),
        (lambda: between(layers.Activation("gelu", name="g")), "'g'"),
        (lambda: between(layers.ReLU(6.0, name="six")), "'six' with a bound"),
        (
            lambda: between(layers.Dense(4, kernel_constraint="non_neg")),
            "with a constraint",
        ),
        (frozen_behind, "frozen layer 'still'"),
    ],
)
def test_other_models_are_refused_by_name(build, words):
    model = build()
    model.compile("sgd", "mse")
    before = [value(v) for v in model.weights]
    callback = ws_keras.SoftWeightRescaling(0.1)
    x = np.ones((2, 4), "float32")
    with pytest.raises(ValueError, match=words):
        model.fit(x, x[:, :2], verbose=0, callbacks=[callback])
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
