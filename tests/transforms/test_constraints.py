"""What a transform leaves keeps to the constraints of the weights."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.transforms import dash
from ws_keras.transforms import reset_layers
from ws_keras.transforms import shrink_perturb as transforms

X = np.random.default_rng(0).normal(size=(16, 5)).astype("float32")
Y = np.random.default_rng(1).normal(size=(16, 6)).astype("float32")


@keras.saving.register_keras_serializable(package="test_constraints")
class Grid(keras.constraints.Constraint):
    """Multiples of 1/64: of one's own."""

    def __call__(self, w):
        return ops.round(w * 64) / 64


def _is_unit(kernel):
    return np.allclose(np.linalg.norm(kernel, axis=0), 1, atol=1e-5)


KINDS = {
    "non_neg": (keras.constraints.NonNeg(), lambda k: (k >= 0).all()),
    "max_norm": (
        keras.constraints.MaxNorm(0.5),
        lambda k: (np.linalg.norm(k, axis=0) < 0.5 + 1e-5).all(),
    ),
    "unit_norm": (keras.constraints.UnitNorm(), _is_unit),
    "min_max": (
        keras.constraints.MinMaxNorm(0.2, 0.6),
        lambda k: (np.linalg.norm(k, axis=0) > 0.2 - 1e-3).all(),
    ),
    "own": (Grid(), lambda k: (k * 64 == np.round(k * 64)).all()),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def _model(kind, **arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, kernel_constraint=KINDS[kind][0]),
        ]
    )
    # A single step takes less time than its trace.
    optimizer = keras.optimizers.SGD(0.1, **arguments)
    model.compile(optimizer, "mse", run_eagerly=True)
    model.fit(X, Y, verbose=0)
    assert _holds(kind, model)
    return model


def _holds(kind, model):
    return KINDS[kind][1](ops.convert_to_numpy(model.layers[0].kernel))


def _ones(weight, rng):
    return -np.ones_like(weight)


@pytest.mark.quick(every=8)
@every_kind
@pytest.mark.parametrize("noise", ["fresh", "gaussian", "scaled", _ones])
@pytest.mark.parametrize("strengths", [(0.4, 0.1), (0.4, 3.0), (0.3, 0)])
def test_constraints_hold_after_each_kind_of_noise(kind, noise, strengths):
    model = _model(kind)
    transforms.shrink_perturb(model, *strengths, noise=noise, seed=0)
    assert _holds(kind, model)


@pytest.mark.quick(every=2)
@every_kind
@pytest.mark.parametrize(
    "transform",
    [
        lambda model: transforms.cold_start(model, seed=0),
        lambda model: reset_layers.reset_layers(model, last=1, seed=0),
        lambda model: dash.dash(model, [(X, Y)], 0.05),
    ],
)
def test_they_hold_after_the_relatives(kind, transform):
    model = _model(kind)
    transform(model)
    assert _holds(kind, model)


def test_what_a_constraint_allows_is_the_formula_as_it_stands():
    model = _model("non_neg")
    kernel = ops.convert_to_numpy(model.layers[0].kernel).copy()
    transforms.shrink_perturb(model, 0.5, 0)
    got = ops.convert_to_numpy(model.layers[0].kernel)
    np.testing.assert_array_equal(got, kernel * np.float32(0.5))
    transforms.shrink_perturb(
        model, 0.5, 1.0, noise=lambda w, rng: np.where(w > 0.1, -1.0, 0.25)
    )
    want = np.maximum(0.5 * got + np.where(got > 0.1, -1, 0.25), 0)
    got = ops.convert_to_numpy(model.layers[0].kernel)
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_the_root_of_a_weight_stays_a_number():
    @keras.saving.register_keras_serializable(package="test_constraints")
    class Root(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(
                shape=(shape[-1],),
                initializer="ones",
                constraint=keras.constraints.NonNeg(),
            )

        def call(self, x):
            return x * ops.sqrt(self.scale)

    model = keras.Sequential([keras.Input((5,)), Root(), layers.Dense(6)])
    transforms.shrink_perturb(model, 0.5, 2.0, noise="gaussian", seed=0)
    assert np.isfinite(ops.convert_to_numpy(model(X))).all()
