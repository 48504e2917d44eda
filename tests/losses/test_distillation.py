"""Distillation against its formula and a step written out."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from ws_keras.losses import distillation

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.integers(0, 3, 24).astype("int32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def linear(seed, **arguments):
    layer = layers.Dense(3, **arguments)
    model = keras.Sequential([keras.Input((4,)), layer])
    ws_keras.cold_start(model, seed=seed)
    return model


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def arrays(model):
    return [ops.convert_to_numpy(v).copy() for v in model.variables]


def formula(model, teacher, weight, temperature, sample=None):
    z, v = (
        np.array(X, np.float64) @ w + b
        for w, b in map(arrays, (model, teacher))
    )
    hard = -np.log(softmax(z)[np.arange(24), Y])
    soft = -softmax(v / temperature) * np.log(softmax(z / temperature))
    each = (1 - weight) * hard + weight * temperature**2 * soft.sum(1)
    return (each * (1 if sample is None else sample)).mean()


@pytest.mark.parametrize(
    ("weight", "temperature"), [(0.3, 4.0), (1.0, 0.5), (0, 2.0)]
)
@pytest.mark.parametrize("sample", [None, RNG.uniform(0, 2, 24)])
def test_the_loss(weight, temperature, sample):
    model, teacher = linear(1), linear(2)
    learner = ws_keras.distill(model, teacher, weight, temperature)
    # A single step takes less time than its trace.
    learner.compile(keras.optimizers.SGD(0.0), LOSS, run_eagerly=True)
    want = formula(model, teacher, weight, temperature, sample)
    found = learner.train_on_batch(X, Y, sample_weight=sample)
    assert float(found) == pytest.approx(want, rel=1e-5)


def tokens(seed):
    """Logits for each token; 0 is no token."""
    keras.utils.set_random_seed(seed)
    start = keras.initializers.RandomNormal(stddev=2.0)
    table = layers.Embedding(5, 4, start, mask_zero=True)
    return keras.Sequential([keras.Input((6,)), table, layers.Dense(3)])


def test_tokens_that_a_mask_leaves_out_have_no_teacher():
    model, teacher = tokens(1), tokens(2)
    x, y = RNG.integers(0, 5, (9, 6)), RNG.integers(0, 3, (9, 6))
    learner = ws_keras.distill(model, teacher, 0.3, 4.0)
    learner.compile(keras.optimizers.SGD(0.0), LOSS, run_eagerly=True)
    found = learner.train_on_batch(x, y)
    z, v = (ops.convert_to_numpy(m(x))[x > 0] for m in (model, teacher))
    hard = -np.log(softmax(z)[np.arange(len(z)), y[x > 0]])
    soft = -(softmax(v / 4) * np.log(softmax(z / 4))).sum(1)
    want = 0.7 * hard.mean() + 0.3 * 16 * soft.mean()
    assert float(found) == pytest.approx(want, rel=1e-5)


def test_one_step_equals_the_gradient_written_out():
    model, teacher = linear(1), linear(2)
    (kernel, bias), (other, shift) = arrays(model), arrays(teacher)
    learner = ws_keras.distill(model, teacher, 0.3, 4.0)
    learner.compile(keras.optimizers.SGD(0.5), LOSS)
    learner.train_on_batch(X, Y)
    z, v = X @ kernel + bias, X @ other + shift
    hard = softmax(z) - np.eye(3)[Y]
    soft = 4.0 * (softmax(z / 4) - softmax(v / 4))  # T ** 2 / T
    slope = (0.7 * hard + 0.3 * soft) / 24
    got = arrays(model)
    np.testing.assert_allclose(got[0], kernel - 0.5 * X.T @ slope, atol=1e-5)
    np.testing.assert_allclose(got[1], bias - 0.5 * slope.sum(0), atol=1e-5)


@pytest.mark.slow
def test_the_teacher_stays_and_can_teach_everything():
    model, teacher = linear(1), linear(2)
    before = arrays(teacher)
    learner = ws_keras.distill(model, teacher, weight=1.0)
    learner.compile(keras.optimizers.Adam(0.1), LOSS)
    learner.fit(X, Y, epochs=150, verbose=0)
    for old, new in zip(before, arrays(teacher), strict=True):
        np.testing.assert_array_equal(old, new)
    ours, theirs = (ops.convert_to_numpy(m(X)) for m in (model, teacher))
    np.testing.assert_allclose(softmax(ours), softmax(theirs), atol=0.02)


def test_a_teacher_with_moments_and_dropout_is_in_inference_mode():
    parts = [layers.BatchNormalization(), layers.Dropout(0.9), layers.Dense(3)]
    teacher = keras.Sequential([keras.Input((4,)), *parts])
    before, want = arrays(teacher), ops.convert_to_numpy(teacher(X))
    learner = ws_keras.distill(linear(1), teacher, 1.0, 1.0)
    learner.compile(keras.optimizers.SGD(0.0), LOSS)
    found = float(learner.train_on_batch(X, Y))
    logs = np.log(softmax(ops.convert_to_numpy(learner(X))))
    assert found == pytest.approx(-(softmax(want) * logs).sum(1).mean(), 1e-4)
    for old, new in zip(before, arrays(teacher), strict=True):
        np.testing.assert_array_equal(old, new)


def test_penalties_count_once_and_in_full():
    model, teacher = linear(1), linear(2)
    ws_keras.l2(model, 0.5)
    learner = ws_keras.distill(model, teacher, 0.3, 2.0)
    learner.compile(keras.optimizers.SGD(0.0), LOSS)
    want = formula(model, teacher, 0.3, 2.0)
    want += 0.25 * sum((a**2).sum() for a in arrays(model))
    found = learner.train_on_batch(X, Y)
    assert float(found) == pytest.approx(want, rel=1e-5)


def test_evaluation_is_that_of_the_labels_and_the_model_is_saved(tmp_path):
    model, teacher = linear(1), linear(2)
    learner = ws_keras.distill(model, teacher)
    learner.compile("sgd", LOSS, metrics=["accuracy"])
    model.compile("sgd", LOSS, metrics=["accuracy"])
    learner.fit(X, Y, verbose=0)
    np.testing.assert_allclose(
        *(m.evaluate(X, Y, verbose=0) for m in (learner, model)), rtol=1e-6
    )
    assert len(learner.variables) == len(model.variables)
    learner.save_weights(tmp_path / "a.weights.h5")
    saved = (tmp_path / "a.weights.h5").stat().st_size
    model.save_weights(tmp_path / "b.weights.h5")
    assert saved < 2 * (tmp_path / "b.weights.h5").stat().st_size + 20_000
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(*map(arrays_of_kernel, (again, model)))


def arrays_of_kernel(model):
    return ops.convert_to_numpy(model.layers[-1].kernel)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0.5, 0), "Received: temperature=0"),
        ((0.5, np.inf), "Received: temperature=inf"),
        ((1.5, 2), "Received: weight=1.5"),
        ((True, 2), "Received: weight=True"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        ws_keras.distill(linear(1), linear(2), *arguments)


def sequential(*parts):
    return keras.Sequential([keras.Input((4,)), *parts])


def softmax_of_an_operation():
    start = keras.Input((4,))
    return keras.Model(start, ops.softmax(layers.Dense(3)(start)))


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (softmax_of_an_operation, "softmax"),
        (lambda: sequential(sequential(layers.Dense(3, "softmax"))), "softmax"),
        (lambda: sequential(layers.Dense(3), layers.Softmax()), "softmax"),
        (lambda: sequential(layers.Dense(3, "sigmoid")), "sigmoid"),
    ],
)
def test_probabilities_are_refused_by_name(build, word):
    with pytest.raises(ValueError, match=f"`teacher`.*ends with a {word}"):
        ws_keras.distill(linear(1), build())
    with pytest.raises(ValueError, match=f"`model`.*ends with a {word}"):
        ws_keras.distill(build(), linear(1))


class Doubled(keras.Model):
    """Two outputs, for four inputs alone."""

    def call(self, x):
        return ops.reshape(x, (-1, 2, 2))[:, 0], x


def test_a_teacher_of_other_outputs_or_inputs_is_refused():
    start = keras.Input((4,))
    both = keras.Model(start, [layers.Dense(3)(start) for _ in range(2)])
    doubled = Doubled()
    doubled(X)
    for teacher in (both, doubled):
        with pytest.raises(ValueError, match="one output.*Received.*with 2"):
            ws_keras.distill(linear(1), teacher)
    other = Own()
    other(np.ones((2, 5)))
    with pytest.raises(ValueError, match="`teacher` must take the inputs"):
        ws_keras.distill(linear(1), other)


@pytest.mark.parametrize(
    "loss", ["mse", keras.losses.BinaryCrossentropy(from_logits=True)]
)
def test_numbers_and_labels_are_refused_before_a_step(loss):
    model, y = linear(1), np.eye(3, dtype="float32")[Y]
    learner, before = ws_keras.distill(model, linear(2)), arrays(model)
    learner.compile("sgd", loss)
    with pytest.raises(ValueError, match="softmax.*Received: loss="):
        learner.fit(X, y, verbose=0)
    for old, new in zip(before, arrays(model), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.isfinite(learner.evaluate(X, y, verbose=0))


def test_one_logit_is_refused():
    one = [sequential(layers.Dense(1)) for _ in range(2)]
    with pytest.raises(ValueError, match="two classes.*Received.*1"):
        ws_keras.distill(*one)


def adapted():
    norm = layers.Normalization()
    norm.adapt(5 + 3 * X)
    return sequential(norm, layers.Dense(3)), X


def of_texts():
    tf = pytest.importorskip("tensorflow")
    words = layers.TextVectorization(8, output_sequence_length=3)
    words.adapt(["a b c", "d e"])
    start = keras.Input((), dtype="string")
    x = layers.Embedding(8, 4)(words(start))
    model = keras.Model(start, layers.Dense(3)(layers.Flatten()(x)))
    return model, tf.constant(["b d e", "c a a", "e"])


@pytest.mark.parametrize("build", [adapted, of_texts])
def test_an_earlier_state_of_itself_has_what_adapt_learned(build):
    model, x = build()
    learner = distillation.successive(model)
    learner.teach(0.5)
    found, want = (ops.convert_to_numpy(f(x)) for f in (learner.taught, model))
    np.testing.assert_array_equal(found, want)
    assert abs(want).max() > 1e-3


class Own(keras.Model):
    """A teacher without a graph."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def test_a_teacher_may_be_subclassed():
    model, teacher = linear(1), Own()
    teacher(X)
    learner = ws_keras.distill(model, teacher, 0.4, 3.0)
    learner.compile(keras.optimizers.SGD(0.0), LOSS)
    want = formula(model, teacher, 0.4, 3.0)
    np.testing.assert_allclose(learner.train_on_batch(X, Y), want, rtol=1e-5)


def test_bad_models():
    model = linear(1)
    with pytest.raises(ValueError, match="share variables"):
        ws_keras.distill(model, keras.Sequential(model.layers))
    soft = linear(2, activation="softmax")
    with pytest.raises(ValueError, match="ends with a softmax"):
        ws_keras.distill(model, soft)
    four = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    with pytest.raises(ValueError, match="same classes"):
        ws_keras.distill(model, four)
    with pytest.raises(ValueError, match="must be built"):
        ws_keras.distill(model, keras.Sequential([layers.Dense(3)]))
    with pytest.raises(ValueError, match="Received: model=3"):
        ws_keras.distill(3, model)
