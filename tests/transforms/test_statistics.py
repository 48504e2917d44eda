"""`recalibrate`: batch-norm moments of the weights, on what people have."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from ws_keras.transforms import batches as reading
from ws_keras.transforms import errors

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (70, 4)).astype("float32")
Y = RNG.integers(0, 3, 70)
IS_TENSORFLOW = keras.backend.backend() == "tensorflow"


def _dense(**norm):
    inputs = keras.Input((4,))
    x = layers.Dense(5, "relu", name="first")(inputs)
    x = layers.BatchNormalization(name="norm", **norm)(x)
    return keras.Model(inputs, layers.Dense(3)(x))


def _values(model):
    return [ops.convert_to_numpy(v).copy() for v in model.variables]


def _moments(model, name="norm"):
    norm = model.get_layer(name)
    pair = norm.moving_mean, norm.moving_variance
    return [ops.convert_to_numpy(variable) for variable in pair]


def _reference(model, parts):
    """Moments of the hidden layer in NumPy, each sample counting the same."""
    kernel, bias = map(ops.convert_to_numpy, model.get_layer("first").weights)
    hidden = [np.maximum(part @ kernel + bias, 0) for part in parts]
    sizes = [len(part) for part in parts]
    means = [h.mean(0) for h in hidden]
    variances = [h.var(0) for h in hidden]
    return [np.average(of, 0, sizes) for of in (means, variances)]


def _assert_close(found, wanted):
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


class _Indexed(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(index * 30, (index + 1) * 30)
        return X[part], Y[part]


def _pipeline(*columns):
    import tensorflow as tf

    data = columns if len(columns) > 1 else columns[0]
    return tf.data.Dataset.from_tensor_slices(data).batch(30)


@pytest.mark.parametrize(
    "data",
    [
        lambda: [X[:30], X[30:60], X[60:]],
        lambda: (X[:30], X[30:60], X[60:]),
        lambda: iter([X[:30], X[30:60], X[60:]]),
        lambda: [(X[:30], Y[:30]), (X[30:60], None), (X[60:],)],
        lambda: _Indexed(),
        lambda: _pipeline(X),
        lambda: _pipeline(X, Y),
        lambda: _pipeline(X, Y).prefetch(1),
    ],
)
def test_batches_of_any_kind(data):
    model = _dense()
    assert ws_keras.recalibrate(model, data()) == ["norm"]
    parts = X[:30], X[30:60], X[60:]
    _assert_close(_moments(model), _reference(model, parts))


@pytest.mark.parametrize(
    "data", [X, (X, Y), (X, Y, np.ones(70)), ops.convert_to_tensor(X)]
)
@pytest.mark.parametrize("batch_size", [None, 7, 70, 1000])
def test_arrays_are_cut_into_equal_parts(data, batch_size):
    model = _dense()
    ws_keras.recalibrate(model, data, batch_size=batch_size)
    count = -(-70 // (batch_size or 32))
    order = np.random.default_rng(0).permutation(70)
    parts = [X[part] for part in np.array_split(order, count)]
    _assert_close(_moments(model), _reference(model, parts))


def _two_inputs(kind):
    pair = {name: keras.Input((4,), name=name) for name in "ab"}
    x = layers.Add()([pair["a"], pair["b"]])
    x = layers.BatchNormalization(name="norm")(x)
    inputs = pair if kind is dict else list(pair.values())
    return keras.Model(inputs, layers.Dense(3)(x))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (dict, {"a": X, "b": 2 * X}),
        (list, [X, 2 * X]),
        (list, (X, 2 * X)),
        (list, ([X, 2 * X], Y)),
        (dict, ({"a": X, "b": 2 * X}, Y)),
        (dict, [{"a": X, "b": 2 * X}]),
        (list, [([X, 2 * X], Y)]),
        (list, [[X, 2 * X]]),
    ],
)
def test_several_inputs(kind, data):
    model = _two_inputs(kind)
    ws_keras.recalibrate(model, data, batch_size=70)
    _assert_close(_moments(model), [3 * X.mean(0), 9 * X.var(0)])


class _Own(keras.Model):
    """A model that does not say how many inputs it has."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization(name="norm")

    def call(self, inputs, training=None):
        a, b = inputs
        return self.norm(a + b, training=training)


def test_several_inputs_of_a_model_of_ones_own():
    model = _Own()
    model([X[:2], X[:2]])
    ws_keras.recalibrate(model, [X, 2 * X], batch_size=70)
    mean = ops.convert_to_numpy(model.norm.moving_mean)
    np.testing.assert_allclose(mean, 3 * X.mean(0), rtol=1e-5)


def test_labels_are_never_taken_for_inputs():
    """Of one feature each, they have the shape of inputs."""
    model = keras.Sequential(
        [keras.Input((1,)), layers.BatchNormalization(name="norm")]
    )
    x = X[:, :1]
    ws_keras.recalibrate(model, (x, 100 + x))
    assert _moments(model)[0] == pytest.approx(x.mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("data", "used"),
    [
        (lambda parts: parts, range(0, 12, 3)),
        (lambda parts: tuple(parts), range(0, 12, 3)),
        (lambda parts: (part for part in parts), range(4)),
    ],
)
def test_long_data_are_read_in_part(data, used):
    parts = [X[i : i + 5] for i in range(0, 60, 5)]
    model = _dense()
    ws_keras.recalibrate(model, data(parts), max_batches=4)
    _assert_close(_moments(model), _reference(model, [parts[i] for i in used]))


def test_a_stream_without_an_end_is_read_in_part():
    def stream():
        while True:
            yield X

    model = _dense()
    ws_keras.recalibrate(model, stream())
    _assert_close(_moments(model), _reference(model, [X]))


def test_an_iterator_is_read_once_and_used_again():
    read = reading.repeatable(iter([X[:30], X[30:]]))
    for most in (1, 2, 5):
        found = list(reading.Batches(_dense(), read, most=most))
        assert len(found) == min(most, 2)
        assert found[0] is next(iter(read))


def test_nothing_but_the_moments_changes():
    inputs = keras.Input((4,))
    x = layers.Dropout(0.5, seed=1)(inputs)
    x = layers.SpectralNormalization(layers.Dense(4))(x)
    x = layers.BatchNormalization()(x)
    x = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])(x)
    model = keras.Model(inputs, layers.Dense(3)(layers.GaussianNoise(1.0)(x)))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    generator = keras.random.SeedGenerator(3)
    before, slots = _values(model), model.optimizer.variables
    slots = [ops.convert_to_numpy(v) for v in slots]
    drawn = ops.convert_to_numpy(generator.state)
    state = np.random.get_state()[1].copy()
    assert len(ws_keras.recalibrate(model, X)) == 2
    for variable, old in zip(model.variables, before, strict=True):
        same = np.array_equal(ops.convert_to_numpy(variable), old)
        assert same == ("moving" not in variable.path), variable.path
    for variable, old in zip(model.optimizer.variables, slots, strict=True):
        assert np.array_equal(ops.convert_to_numpy(variable), old)
    assert np.array_equal(ops.convert_to_numpy(generator.state), drawn)
    assert np.array_equal(np.random.get_state()[1], state)
    # So that a second call finds the same.
    again = _values(model)
    ws_keras.recalibrate(model, X)
    for variable, old in zip(model.variables, again, strict=True):
        assert np.array_equal(ops.convert_to_numpy(variable), old)


class _Still(layers.Layer):
    """Uses a layer that can be trained in inference mode."""

    def __init__(self, inner):
        super().__init__(name="still")
        self.inner = inner
        self.moving_mean = inner.moving_mean
        self.moving_variance = inner.moving_variance

    def call(self, inputs):
        return self.inner(inputs, training=False)


def test_frozen_layers_and_those_in_inference_mode_are_left_alone():
    inputs = keras.Input((4,))
    x = layers.BatchNormalization(name="frozen", trainable=False)(inputs)
    inner = layers.BatchNormalization()
    inner.build((None, 4))
    x = layers.BatchNormalization(name="norm")(_Still(inner)(x))
    model = keras.Model(inputs, x)
    assert ws_keras.recalibrate(model, X) == ["norm"]
    for name in ("frozen", "still"):
        mean, variance = _moments(model, name)
        assert not mean.any() and (variance == 1).all()


def test_a_model_without_batch_norm_stays():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    before = _values(model)
    assert ws_keras.recalibrate(model, X) == []
    with pytest.raises(ValueError, match="batch 0"):
        ws_keras.recalibrate(model, X[:, :2])
    for variable, old in zip(model.variables, before, strict=True):
        assert np.array_equal(ops.convert_to_numpy(variable), old)


def test_moments_that_are_nan_are_mended():
    model = _dense()
    norm = model.get_layer("norm")
    norm.moving_variance.assign(np.full(5, np.nan))
    ws_keras.recalibrate(model, X, batch_size=70)
    _assert_close(_moments(model), _reference(model, [X]))


@pytest.mark.parametrize("momentum", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_momentum_and_precision(momentum, dtype):
    keras.config.set_dtype_policy(dtype)
    try:
        model = _dense(momentum=momentum)
    finally:
        keras.config.set_dtype_policy("float32")
    ws_keras.recalibrate(model, X, batch_size=70)
    mean, variance = _moments(model)
    wanted = _reference(model, [X])
    near = 1e-4 if dtype == "float32" else 0.02
    np.testing.assert_allclose(mean, wanted[0], rtol=near, atol=near)
    np.testing.assert_allclose(variance, wanted[1], rtol=3 * near, atol=near)
    assert model.get_layer("norm").momentum == momentum


def test_an_image_counts_by_its_size():
    inputs = keras.Input((None, None, 1))
    norm = layers.BatchNormalization(name="norm")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(norm))
    small, large = np.zeros((1, 2, 2, 1)), np.ones((1, 4, 4, 1))
    ws_keras.recalibrate(model, [small, large])
    assert _moments(model)[0] == pytest.approx(16 / 20)


@pytest.mark.skipif(not IS_TENSORFLOW, reason="a strategy of TensorFlow")
@pytest.mark.parametrize("synchronized", [False, True])
def test_under_a_strategy(synchronized):
    import tensorflow as tf

    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = _dense(synchronized=synchronized)
    ws_keras.recalibrate(model, X, batch_size=70)
    _assert_close(_moments(model), _reference(model, [X]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([X, X[:, :2]], "batch 1 of type ndarray"),
        ([X, X * np.nan], "NaN or infinity"),
        ([], "no batch"),
        (X[:0], "no batch"),
        (iter(()), "no batch"),
        (3, "data=3"),
        ({"a": X, "b": X[:3]}, r"\[3, 70\] samples"),
        ({"a": X, "b": "text"}, "'str'"),
        ("text", "batch 0 of type str"),
    ],
)
def test_data_that_are_none_leave_the_model(data, message):
    model = _dense()
    before = _values(model)
    with pytest.raises(ValueError, match=message):
        ws_keras.recalibrate(model, data)
    for variable, old in zip(model.variables, before, strict=True):
        assert np.array_equal(ops.convert_to_numpy(variable), old)


@pytest.mark.parametrize("name", ["batch_size", "max_batches"])
def test_counts_must_be_positive(name):
    with pytest.raises(ValueError, match=f"Received: {name}=0"):
        ws_keras.recalibrate(_dense(), X, **{name: 0})


def test_the_model_must_be_built():
    with pytest.raises(ValueError, match="must be built"):
        ws_keras.recalibrate(keras.Sequential([layers.Dense(3)]), X)


def test_an_error_of_the_data_is_theirs():
    def stream():
        yield X
        raise OSError("the disk is gone")

    model = _dense()
    before = _values(model)
    with pytest.raises(OSError, match="disk"):
        ws_keras.recalibrate(model, stream())
    for variable, old in zip(model.variables, before, strict=True):
        assert np.array_equal(ops.convert_to_numpy(variable), old)
    assert "call" not in vars(model.get_layer("norm"))
    assert issubclass(errors.NotFinite, ValueError)
