"""Adversarial training against closed forms and a loop written out."""

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras import models
from ws_keras.losses import adversarial as losses
from ws_keras.transforms import shrink_perturb as transforms

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = RNG.integers(0, 3, 32).astype("int32")
MOMENTUM = 0.8
is_tensorflow = keras.backend.backend() == "tensorflow"
tensorflow_alone = pytest.mark.skipif(
    not is_tensorflow, reason="written with TensorFlow"
)


def cross_entropy(dtype="float32"):
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, dtype=dtype
    )


def build(norm=True, dropout=0.0, dtype="float32", regularizer=None):
    x = start = keras.Input((4,), dtype=dtype)
    x = layers.Dense(6, "tanh", dtype=dtype, kernel_regularizer=regularizer)(x)
    if norm:
        x = layers.BatchNormalization(momentum=MOMENTUM, dtype=dtype)(x)
    if dropout:
        x = layers.Dropout(dropout, seed=7, dtype=dtype)(x)
    model = keras.Model(start, layers.Dense(3, dtype=dtype)(x))
    transforms.cold_start(model, seed=3)
    return model


def compiled(model, rate=0.1, **arguments):
    optimizer = keras.optimizers.SGD(rate)
    arguments = {"metrics": ["accuracy"], **arguments}
    model.compile(optimizer, cross_entropy(), **arguments)
    return model


def values(model):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]


def assert_near(first, second, tolerance=1e-6):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def attacked(model, x, y):
    pair = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)
    return keras.ops.convert_to_numpy(model.attack(*pair))


def test_attack_on_logistic_regression_is_the_known_one():
    model = models.mlp((4,), 2, depth=0, input_dtype="float32")
    ours = compiled(losses.adversarial(model, 0.3))
    kernel, _ = model.get_weights()
    # Goodfellow et al.: away from the label along sign(w_1 - w_0).
    away = np.sign(kernel[:, 1] - kernel[:, 0])
    labels = Y % 2
    want = X + 0.3 * np.where(labels == 0, 1, -1)[:, None] * away
    np.testing.assert_allclose(attacked(ours, X, labels), want, rtol=1e-6)


def test_loss_of_logistic_regression_is_the_known_one():
    model = models.mlp((4,), 2, depth=0, input_dtype="float32")
    ours = compiled(losses.adversarial(model, 0.3, weight=0.75))
    kernel, bias = model.get_weights()
    w, b = kernel[:, 1] - kernel[:, 0], bias[1] - bias[0]
    sign = np.where(Y % 2 == 1, 1, -1)
    # The margin shrinks by eps times the L1 norm (of normalized samples).
    scale = 1 / 127.5
    margin = sign * ((X * scale - 1) @ w + b)
    less = margin - 0.3 * scale * abs(w).sum()
    want = 0.25 * np.log1p(np.exp(-margin)) + 0.75 * np.log1p(np.exp(-less))
    logs = ours.train_on_batch(X, Y % 2, return_dict=True)
    assert float(logs["loss"]) == pytest.approx(want.mean(), rel=1e-5)
    assert float(logs["accuracy"]) == pytest.approx((margin > 0).mean())


@pytest.mark.slow
@tensorflow_alone  # JAX has no float64 unless told so for the process
def test_signs_are_those_of_finite_differences():
    model = compiled(losses.adversarial(build(dtype="float64"), 0.1))
    x, exact = X.astype("float64"), cross_entropy("float64")

    def loss(x):
        # Batch statistics: a sample moves the outputs of all others.
        with keras.StatelessScope():
            return float(exact(Y, model(x, training=True)))

    difference = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        difference[place] = (loss(x + step) - loss(x - step)) / 2e-6
    clear = abs(difference) > 1e-8
    assert clear.mean() > 0.99
    sign = np.sign(attacked(model, x, Y) - x)
    np.testing.assert_array_equal(sign[clear], np.sign(difference)[clear])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_small_gradients_have_signs_in_half_precision(policy):
    """A fitted network's vanish in float16 unless the loss is scaled."""
    keras.config.set_dtype_policy(policy)
    try:
        start = keras.Input((16, 16, 1))
        x = layers.GlobalAveragePooling2D()(start)
        model = keras.Model(start, layers.Dense(2, dtype="float32")(x))
        model.layers[-1].set_weights([np.array([[-9.0, 9.0]]), np.zeros(2)])
        ours = losses.adversarial(model, 0.1)
        ours.compile("sgd", cross_entropy())
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.ones((64, 16, 16, 1), "float32")  # logits -9 and 9
    moved = attacked(ours, x, np.ones(64, "int32")) - x
    np.testing.assert_allclose(moved, -0.1, atol=1e-2)


def test_an_attack_needs_a_loss():
    ours = losses.adversarial(build(), 0.1)
    with pytest.raises(ValueError, match="is not compiled. Call `compile`"):
        ours.attack(X, Y)


def test_pixels_are_attacked_as_floats_and_stay_pixels():
    model = models.mlp((4, 4, 1), 3, depth=1, units=8)
    ours = compiled(losses.adversarial(model, 2.5 / 255))
    pixels = RNG.integers(0, 256, (32, 4, 4, 1)).astype("uint8")
    pixels[:, 0] = 0
    pixels[:, 1] = 255
    found = attacked(ours, pixels, Y)
    assert found.min() == 0 and found.max() == 255
    moved = abs(found - pixels)[:, 2:]
    inside = (pixels[:, 2:] > 2) & (pixels[:, 2:] < 253)
    np.testing.assert_allclose(moved[inside], 2.5, rtol=1e-4)
    whole = ours.predict(pixels, verbose=0)
    np.testing.assert_array_equal(whole, model.predict(pixels, verbose=0))


def test_an_attack_changes_no_variable():
    model = compiled(losses.adversarial(build(dropout=0.5), 0.1))
    before = values(model)
    attacked(model, X, Y)
    for a, b in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_moving_statistics_are_updated_by_the_two_passes():
    model = build()
    ours = compiled(losses.adversarial(model, 0.2), rate=0.0)
    found = attacked(ours, X, Y)
    ours.fit(X, Y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    hidden = keras.Model(model.inputs, model.layers[1].output)
    mean, variance = np.zeros(6), np.ones(6)
    for x in (X, found):
        features = hidden.predict(x, verbose=0).astype("float64")
        mean = MOMENTUM * mean + (1 - MOMENTUM) * features.mean(0)
        variance = MOMENTUM * variance + (1 - MOMENTUM) * features.var(0)
    norm = model.layers[2]
    assert_near([mean], [keras.ops.convert_to_numpy(norm.moving_mean)], 1e-5)
    assert_near([variance], [keras.ops.convert_to_numpy(norm.moving_variance)])


@pytest.mark.quick(1)
@tensorflow_alone
@pytest.mark.parametrize("jit_compile", [False, True])
def test_steps_equal_a_loop_written_out(jit_compile):
    """Dropout included; moving statistics included."""
    import tensorflow as tf

    eps, weight, rate = 0.2, 0.3, 0.1
    arguments = {"regularizer": keras.regularizers.L2(0.01)}
    # XLA draws other masks from the same seed.
    arguments["dropout"] = 0.0 if jit_compile else 0.3
    ours = compiled(
        losses.adversarial(build(**arguments), eps, weight),
        jit_compile=jit_compile,
        steps_per_execution=2,
    )
    ours.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    theirs = build(**arguments)
    kept = theirs.non_trainable_variables
    for batch in [slice(i, i + 8) for i in range(0, 32, 8)] * 2:
        x, y = tf.constant(X[batch]), tf.constant(Y[batch])
        with tf.GradientTape() as tape:
            clean = cross_entropy()(y, theirs(x, training=True))
            state = [v.numpy() for v in kept]
            with tf.GradientTape() as inner:
                inner.watch(x)
                again = cross_entropy()(y, theirs(x, training=True))
            moved = x + eps * tf.sign(inner.gradient(again, x))
            for variable, value in zip(kept, state, strict=True):
                variable.assign(value)
            moved = cross_entropy()(
                y, theirs(tf.stop_gradient(moved), training=True)
            )
            loss = (1 - weight) * clean + weight * moved + sum(theirs.losses)
        weights = [v.value for v in theirs.trainable_variables]
        for w, g in zip(weights, tape.gradient(loss, weights), strict=True):
            w.assign_sub(rate * g)
    assert_near(values(ours), values(theirs), 1e-5)


def test_eps_0_is_plain_training_but_for_the_moving_statistics():
    ours = compiled(losses.adversarial(build(), 0.0))
    plain = compiled(build())
    history = [
        model.fit(X, Y, batch_size=8, shuffle=False, epochs=3, verbose=0)
        for model in (ours, plain)
    ]
    first, second = (
        [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
        for model in (ours, plain)
    )
    assert_near(first, second, 1e-5)
    for name in ("loss", "accuracy"):
        a, b = (run.history[name] for run in history)
        assert a == pytest.approx(b, rel=1e-5)


def test_sample_weights_weigh_both_kinds_and_steer_no_attack():
    weights = RNG.uniform(0.1, 2, 32).astype("float32")
    model = compiled(losses.adversarial(build(norm=False), 0.2), rate=0.0)
    found = attacked(model, X, Y)
    each = keras.losses.SparseCategoricalCrossentropy(True, reduction=None)
    of = [each(Y, model(x)) for x in (X, found)]
    both = sum(keras.ops.convert_to_numpy(loss) for loss in of) / 2
    logs = model.train_on_batch(X, Y, weights, return_dict=True)
    assert float(logs["loss"]) == pytest.approx((weights * both).mean(), 1e-5)


def test_it_shares_the_variables_and_evaluates_clean():
    model = build()
    ours = compiled(losses.adversarial(model, 0.5))
    assert all(
        a is b for a, b in zip(ours.variables, model.variables, strict=True)
    )
    compiled(model)
    mine, theirs = (m.evaluate(X, Y, verbose=0) for m in (ours, model))
    assert mine == theirs


@pytest.mark.quick(1)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_both_models_can_be_saved(tmp_path, dtype):
    model = models.resnet18(
        (8, 8, 1), 3, width=8, blocks=(1,), input_dtype=dtype
    )
    ours = losses.adversarial(model, 0.1, 0.25, value_range=(0, 255))
    x = RNG.integers(0, 256, (4, 8, 8, 1)).astype(dtype)
    want = model.predict(x, verbose=0)
    for name, one in (("plain", model), ("ours", ours)):
        one.save(tmp_path / f"{name}.keras")
        again = keras.models.load_model(tmp_path / f"{name}.keras")
        np.testing.assert_array_equal(again.predict(x, verbose=0), want)
    assert type(again) is losses.Adversarial
    assert (again.eps, again.weight, again.value_range) == (0.1, 0.25, (0, 255))
    assert type(keras.models.load_model(tmp_path / "plain.keras")) is (
        type(model)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eps": -0.1}, "`eps` must be .* Received: eps=-0.1"),
        ({"eps": True}, "`eps` must be .* Received: eps=True"),
        ({"eps": float("nan")}, "`eps` must be .* Received: eps=nan"),
        ({"eps": 0.1, "weight": 1.5}, r"\[0, 1\].* Received: weight=1.5"),
        ({"eps": 0.1, "value_range": (1, 1)}, "low < high.*Received"),
        ({"eps": 0.1, "value_range": 255}, "low < high.*Received"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.adversarial(build(), **arguments)


def test_bad_models():
    words = keras.Input((4,), dtype="int32")
    tokens = keras.Model(words, layers.Embedding(9, 3)(words))
    with pytest.raises(ValueError, match="Received: a model that takes 'int32"):
        losses.adversarial(tokens, 0.1)
    with pytest.raises(ValueError, match="with 0 inputs and 0 outputs"):
        losses.adversarial(keras.Sequential([layers.Dense(3)]), 0.1)
    start = keras.Input((4,))
    two = keras.Model(start, [layers.Dense(3)(start), layers.Dense(2)(start)])
    with pytest.raises(ValueError, match="1 inputs and 2 outputs"):
        losses.adversarial(two, 0.1)
