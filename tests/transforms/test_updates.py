"""Which floats count as statistics: those that training itself updates."""

import random

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.transforms import shrink_perturb as transforms
from ws_keras.transforms import variables

shrink_perturb = transforms.shrink_perturb
registered = keras.saving.register_keras_serializable(package="test_updates")


def _norm_of(model):
    return next(
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, layers.BatchNormalization)
    )


def _measured(model):
    """Gives the moments of a model's batch norm other values."""
    norm = _norm_of(model)
    norm.moving_mean.assign(np.full(norm.moving_mean.shape, 5.0))
    norm.moving_variance.assign(np.full(norm.moving_variance.shape, 7.0))
    return model


def _moments(model):
    norm = _norm_of(model)
    pair = norm.moving_mean, norm.moving_variance
    return [float(ops.convert_to_numpy(v).flat[0]) for v in pair]


class Trained(keras.Model):
    """Runs its batch norm as training says, or always in inference mode."""

    def __init__(self, inference=False):
        super().__init__()
        self.inference = inference
        self.dense = layers.Dense(3)
        self.norm = layers.BatchNormalization()

    def call(self, x, training=False):
        training = False if self.inference else training
        return self.norm(self.dense(x), training=training)


class Pair(keras.Model):
    """Two networks and a training step of its own, without a `call`."""

    def __init__(self):
        super().__init__()
        self.encoder = _sequential()
        self.decoder = keras.Sequential([keras.Input((3,)), layers.Dense(4)])


def _sequential(**arguments):
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3),
            layers.BatchNormalization(**arguments),
            layers.Dropout(0.5),
        ]
    )


def _nested(training):
    """A backbone, run as Keras' guide to fine-tuning runs it."""
    inputs = keras.Input((4,))
    x = _sequential()(inputs, training=training)
    return keras.Model(inputs, layers.Dense(2)(x))


def _around(model):
    """A graph in a graph in a model of the user's own."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = model

        def call(self, x, training=False):
            return self.body(x, training=training)

    own = Own()
    own(np.zeros((2, 4), "float32"))
    return own


def _subclassed(inference):
    model = Trained(inference)
    model(np.zeros((2, 4), "float32"))
    return model


@pytest.mark.parametrize(
    "build",
    [
        _sequential,
        Pair,
        lambda: _nested(None),
        lambda: _subclassed(False),
    ],
)
def test_moments_that_training_updates_are_reset(build):
    model = _measured(build())
    shrink_perturb(model, 0.5, 0.1, seed=0)
    assert _moments(model) == [0, 1]


@pytest.mark.parametrize(
    "build",
    [
        lambda: _nested(False),
        lambda: _subclassed(True),
        lambda: _around(_nested(False)),
    ],
)
@pytest.mark.parametrize("strengths", [(0.5, 0.1), (0.5, 0), (0, 1)])
def test_moments_in_inference_mode_stay_while_trainable(build, strengths):
    """No training would ever measure them again."""
    model = _measured(build())
    assert _norm_of(model).trainable
    report = shrink_perturb(model, *strengths, seed=0)
    assert _moments(model) == [5, 7]
    reasons = {line.reason for line in report if "moving" in line.path}
    assert reasons == {"not updated in training"}


def test_frozen_moments_are_those_of_a_layer_that_is_only_frozen():
    model = _measured(_sequential())
    model.layers[1].trainable = False
    shrink_perturb(model, 0.5, 0.1, seed=0)
    assert _moments(model) == [5, 7]
    shrink_perturb(model, 0.5, 0.1, seed=0, frozen=True)
    assert _moments(model) == [0, 1]
    assert not model.layers[1].trainable
    assert not model.layers[1].gamma.trainable


class _Buffered(layers.Layer):
    """A layer with one float that is not trained."""

    start = "zeros"

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1],), name="kernel")
        self.buffer = self.add_weight(
            shape=(shape[-1],),
            initializer=self.start,
            trainable=False,
            name="buffer",
        )

    def call(self, x, training=False):
        return x * self.kernel + self.buffer


@registered
class Std(_Buffered):
    """Divides by what the user has assigned."""

    start = "ones"

    def call(self, x):
        return x * self.kernel / self.buffer


@registered
class Projection(_Buffered):
    """A fixed random direction."""

    start = "random_normal"


@registered
class Running(_Buffered):
    """Measures a mean while it trains, as batch norm does."""

    def call(self, x, training=False):
        if training:
            mean = ops.mean(x, axis=0)
            self.buffer.assign(0.9 * self.buffer + 0.1 * mean)
        return x * self.kernel - self.buffer


@registered
class Codebook(_Buffered):
    """Takes its first vectors from the first batch, then follows the data."""

    def build(self, shape):
        super().build(shape)
        self.begun = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def call(self, x, training=False):
        if training:
            mean = ops.mean(x, axis=0)
            later = 0.9 * self.buffer + 0.1 * mean
            self.buffer.assign(ops.where(self.begun > 0, later, mean))
            self.begun.assign(1)
        return x * self.kernel - self.buffer


@registered
class ActNorm(_Buffered):
    """Its weights come from the first batch; a float says that they did."""

    def build(self, shape):
        super().build(shape)
        self.begun = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="begun"
        )

    def call(self, x, training=False):
        if training:
            first = 1 / (1e-6 + ops.std(x, axis=0))
            kernel = ops.where(self.begun > 0, 1.0 * self.kernel, first)
            self.kernel.assign(kernel)
            self.begun.assign(1.0)
        return x * self.kernel + self.buffer


def _with(layer):
    return keras.Sequential([keras.Input((4,)), layer, layers.Dense(2)])


def _train(model):
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.random.default_rng(0).normal(3, 2, (32, 4)).astype("float32")
    model.fit(x, np.zeros((32, 2)), epochs=3, verbose=0)


@pytest.mark.parametrize("kind", [Std, Projection, _Buffered])
@pytest.mark.parametrize("strengths", [(0.5, 0.1), (0.5, 0), (0, 1)])
def test_what_training_does_not_update_stays(kind, strengths):
    layer = kind()
    model = _with(layer)
    layer.buffer.assign([2.0, 3.0, 4.0, 5.0])
    shrink_perturb(model, *strengths, seed=0, noise="gaussian")
    assert ops.convert_to_numpy(layer.buffer).tolist() == [2, 3, 4, 5]


def test_what_a_layer_of_ones_own_measures_is_reset():
    layer = Running()
    model = _with(layer)
    _train(model)
    assert ops.convert_to_numpy(layer.buffer).all()
    shrink_perturb(model, 0.5, 0.1, seed=0)
    assert not ops.convert_to_numpy(layer.buffer).any()


@pytest.mark.parametrize("strengths", [(0.5, 0.1), (0.5, 0), (0, 1)])
def test_a_buffer_stays_with_the_flag_that_guards_it(strengths):
    layer = Codebook()
    model = _with(layer)
    _train(model)
    before = ops.convert_to_numpy(layer.buffer).copy()
    assert before.all()
    shrink_perturb(model, *strengths, seed=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.buffer), before)
    assert int(ops.convert_to_numpy(layer.begun)) == 1


def test_a_float_flag_stays_with_the_weights_that_it_guards():
    """Put back to 0, it would let the next batch overwrite what was mixed."""
    layer = ActNorm()
    model = _with(layer)
    _train(model)
    before = ops.convert_to_numpy(layer.kernel).copy()
    shrink_perturb(model, 0.5, 0, seed=0)
    _train(model)
    after = ops.convert_to_numpy(layer.kernel)
    np.testing.assert_allclose(after, before / 2, rtol=1e-6)


class _Opaque(layers.Layer):
    """Cannot be called on symbols; its batch norm can."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=False):
        raise RuntimeError("needs the data")


def test_a_layer_that_cannot_be_called_is_taken_apart():
    layer = _Opaque()
    layer.build((None, 4))
    kinds = {e.variable.name: e.kind for e in variables.entries(layer)}
    assert kinds["moving_mean"] == kinds["moving_variance"] == "statistic"
    # Keras has left its name on a stack, where later variables find it.
    assert "opaque" not in keras.Variable(np.zeros(1), name="later").path


def test_to_find_out_leaves_no_trace():
    model = _measured(_nested(None))
    values = [ops.convert_to_numpy(v).copy() for v in model.variables]
    nodes = [len(layer._inbound_nodes) for layer in model._flatten_layers()]
    keras.utils.set_random_seed(3)
    states = random.getstate(), np.random.get_state()[1].tolist()
    variables.entries(model)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
    for old, variable in zip(values, model.variables, strict=True):
        assert ops.convert_to_numpy(variable).tobytes() == old.tobytes()
    assert [len(la._inbound_nodes) for la in model._flatten_layers()] == nodes
    assert not model.losses
