"""New draws by layers that are built once more."""

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import ops

from tests.transforms import zoo
from ws_keras import seeds
from ws_keras.transforms import reinitialize
from ws_keras.transforms import shrink_perturb as transforms


@pytest.mark.parametrize(
    "build", [zoo.dense, zoo.convolutions, zoo.sequences, zoo.nested]
)
def test_a_second_draw_is_that_of_layers_built_anew(build):
    """Layers that were built once more are kept, and draw by other seeds."""
    used, unused = build(), build()
    transforms.cold_start(used, seed=7)
    first = [np.array(w) for w in used.get_weights()]
    transforms.cold_start(used, seed=8)
    transforms.cold_start(unused, seed=8)
    for new, want in zip(used.weights, unused.weights, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(new), ops.convert_to_numpy(want), new.path
        )
    transforms.cold_start(used, seed=7)
    for old, again in zip(first, used.get_weights(), strict=True):
        np.testing.assert_array_equal(old, again)


def test_a_draw_is_that_of_the_initializer_with_an_addressed_seed():
    layer = keras.layers.Dense(4, bias_initializer="random_normal")
    model = keras.Sequential([keras.Input((6,)), layer])

    def want(name, initializer, shape, seed):
        place = (0, name, "config", "seed")  # the first variable's layer
        return initializer(seed=seeds.derive(seed, "fresh", *place))(shape)

    for seed in (1, 2):
        transforms.cold_start(model, seed=seed)
        kernel = want(
            "kernel_initializer",
            keras.initializers.GlorotUniform,
            (6, 4),
            seed,
        )
        bias = want(
            "bias_initializer", keras.initializers.RandomNormal, (4,), seed
        )
        for got, value in zip(layer.get_weights(), (kernel, bias), strict=True):
            np.testing.assert_array_equal(got, ops.convert_to_numpy(value))
    # Another initializer counts from the next application on.
    layer.kernel_initializer = keras.initializers.Orthogonal(seed=5)
    transforms.cold_start(model, seed=2)
    columns = layer.get_weights()[0]
    np.testing.assert_allclose(columns.T @ columns, np.eye(4), atol=1e-5)


def test_constant_starts_follow_the_config_of_the_layer():
    """They are remembered from one application to the next."""
    norm = keras.layers.BatchNormalization()
    model = keras.Sequential([keras.Input((3,)), norm])
    transforms.cold_start(model, seed=0)
    norm.moving_mean_initializer = keras.initializers.Constant(5.0)
    norm.gamma_initializer = keras.initializers.Constant(0.5)
    transforms.cold_start(model, seed=0)
    assert ops.convert_to_numpy(norm.moving_mean).tolist() == [5, 5, 5]
    assert ops.convert_to_numpy(norm.gamma).tolist() == [0.5, 0.5, 0.5]
    assert ops.convert_to_numpy(norm.moving_variance).tolist() == [1, 1, 1]


def test_what_build_itself_assigns_is_the_start():
    @keras.saving.register_keras_serializable("test_fresh")
    class Assigning(keras.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(2,), initializer="zeros")
            self.scale.assign([3.0, 4.0])

        def call(self, inputs):
            return inputs * self.scale

    model = keras.Sequential([keras.Input((2,)), Assigning()])
    for _ in range(2):
        model.set_weights([np.zeros(2)])
        transforms.cold_start(model, seed=1)
        assert model.get_weights()[0].tolist() == [3, 4]


def test_a_class_that_reads_its_values_in_build_is_drawn_too():
    @keras.saving.register_keras_serializable("test_fresh")
    class Reading(keras.layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(50,))
            # No variable can be made of an array while values are put off.
            self.start = keras.Variable(np.ones(50), trainable=False)

        def call(self, inputs):
            return inputs

    model = keras.Sequential([keras.Input((50,)), Reading()])
    model.set_weights([np.full(50, 9), np.full(50, 9)])
    transforms.shrink_perturb(model, 0, 1, seed=1)
    kernel, start = model.get_weights()
    assert np.unique(kernel).size == 50 and np.abs(kernel).max() < 3
    assert (start == 9).all()  # training never updates it
    again = [np.array(w) for w in model.get_weights()]
    transforms.shrink_perturb(model, 0, 1, seed=1)
    for old, new in zip(again, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_keras_global_state_stays_as_it_was():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    zoo.set_random_seed(5)
    want = [float(keras.random.normal(())) for _ in range(3)]
    zoo.set_random_seed(5)
    got = []
    for _ in range(3):
        transforms.shrink_perturb(model, 0.5, 0.5)
        got.append(float(keras.random.normal(())))
    assert got == want
    # Nor are variables left behind that Keras would fill in later.
    with keras.StatelessScope():
        pass


def test_layers_of_keras_are_built_once_more_only_once(monkeypatch):
    built, build = [], reinitialize._built
    monkeypatch.setattr(
        reinitialize, "_built", lambda *a: built.append(a[0].name) or build(*a)
    )
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, name="head"),
        ]
    )
    transforms.cold_start(model, seed=1)
    assert built == ["conv", "norm", "head"]
    transforms.cold_start(model, seed=2)
    transforms.shrink_perturb(model, seed=3)
    assert built == ["conv", "norm", "head"]


@keras.saving.register_keras_serializable("test_fresh")
class Gated(keras.layers.Layer):
    """Has initializers that only its own `build` can make."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}

    def build(self, input_shape):
        deviation = 1 + self.seed % 1000
        kernel = keras.initializers.RandomNormal(0, deviation, self.seed)
        self.kernel = self.add_weight(shape=(30,), initializer=kernel)
        gate = keras.initializers.Constant(float(np.random.rand()))
        self.gate = self.add_weight(shape=(1,), initializer=gate)

    def call(self, inputs):
        return inputs * self.kernel * self.gate


@keras.saving.register_keras_serializable("test_fresh")
class Shifted(keras.initializers.RandomNormal):
    """A user's kind of an initializer of Keras, with more from its seed."""

    def __init__(self, seed):
        super().__init__(seed=seed)
        self.shift = seed % 1000

    def get_config(self):
        return {"seed": self.seed}

    def __call__(self, shape, dtype=None, **kwargs):
        return super().__call__(shape, dtype, **kwargs) + self.shift


@keras.saving.register_keras_serializable("test_fresh")
class Unseeded(keras.layers.Layer):
    """Has a kernel whose initializer no config knows."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(30,))

    def call(self, inputs):
        return inputs * self.kernel


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gated(seed=4),
        Unseeded,
        lambda: keras.layers.Dense(3, kernel_initializer=Shifted(seed=2)),
        lambda: keras.layers.Dense(
            3, bias_initializer=keras.initializers.Constant([1.0, 2.0, 3.0])
        ),
    ],
    ids=["gated", "unseeded", "subclass", "array"],
)
def test_a_draw_knows_nothing_of_those_before_it(make):
    """A run that goes on in another process draws the same."""
    used, unused = (
        keras.Sequential([keras.Input((30,)), make()]) for _ in range(2)
    )
    draws = set()
    for seed in (1, 2, 3):
        transforms.cold_start(used, seed=seed)
        draws.add(used.get_weights()[0].tobytes())
    transforms.cold_start(unused, seed=3)
    for got, want in zip(used.get_weights(), unused.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert len(draws) == 3


def test_what_is_kept_goes_with_the_layer():
    def used():
        layer = keras.layers.Dense(4, kernel_regularizer="l2")
        model = keras.Sequential([keras.Input((6,)), layer])
        transforms.cold_start(model, seed=1)
        assert layer in reinitialize._KEPT
        return weakref.ref(layer)

    layer = used()
    keras.backend.clear_session()
    gc.collect()
    assert layer() is None


def _small(*units):
    return keras.Sequential(
        [keras.Input((4,)), *(keras.layers.Dense(n) for n in units)]
    )


_GIVEN = _small(3, 2)


def _failing():
    raise FileNotFoundError("no weights.h5 here")


@pytest.mark.parametrize(
    ("build_fn", "message"),
    [
        (_small(3, 2), "must be a function.*Received: Sequential"),
        ("small", "must be a function.*Received: str"),
        (lambda: None, "returned NoneType"),
        (lambda model: model, "raised TypeError"),
        (_failing, "raised FileNotFoundError: no weights.h5 here"),
        (lambda: _GIVEN, "returned the model itself"),
        (lambda: _small(3), "nothing in place of .*kernel"),
        (lambda: _small(3, 5), r"shape \(3, 5\) in place of"),
        (
            lambda: keras.Sequential([keras.layers.Dense(3)]),
            "which is not built",
        ),
    ],
)
def test_a_wrong_build_fn_is_told_what_is_wrong_with_it(build_fn, message):
    before = [np.array(w) for w in _GIVEN.get_weights()]
    with pytest.raises(ValueError, match=f"`build_fn`.*{message}") as caught:
        transforms.shrink_perturb(_GIVEN, seed=1, build_fn=build_fn)
    assert "\n" not in str(caught.value)
    for old, new in zip(before, _GIVEN.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert (
        len(transforms.cold_start(_GIVEN, build_fn=lambda: _small(3, 2))) == 4
    )
