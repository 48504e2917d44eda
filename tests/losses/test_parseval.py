"""The Parseval penalty by its formula."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from tests.transforms import zoo
from ws_keras.losses import l2 as penalties

RNG = np.random.default_rng(0)


def one(layer, shape):
    model = keras.Sequential([keras.Input(shape), layer])
    for variable in model.trainable_variables:
        variable.assign(RNG.normal(size=variable.shape))
    return model, np.array(ops.convert_to_numpy(model.weights[0]), np.float64)


def total(model):
    return sum(map(float, model.losses))


def formula(rows, scale=1.0):
    return ((rows @ rows.T - scale * np.eye(len(rows))) ** 2).sum()


@pytest.mark.parametrize(("d_in", "d_out"), [(4, 4), (3, 7), (7, 3)])
def test_dense(d_in, d_out):
    model, kernel = one(layers.Dense(d_out), (d_in,))
    (path,) = ws_keras.parseval(model, 0.3, 2.0)
    assert path == model.weights[0].path
    want = 0.3 * formula(kernel.T, 2.0)
    assert total(model) == pytest.approx(want, rel=1e-5)


def test_convolutions():
    model, kernel = one(layers.Conv2D(5, (3, 2)), (6, 6, 4))
    ws_keras.parseval(model, 0.5)
    want = 0.5 * formula(kernel.reshape(-1, 5).T)
    assert total(model) == pytest.approx(want, rel=1e-5)
    model, kernel = one(layers.Conv2DTranspose(5, (3, 2)), (6, 6, 4))
    ws_keras.parseval(model, 0.5)
    rows = np.moveaxis(kernel, 2, 0).reshape(5, -1)
    assert total(model) == pytest.approx(0.5 * formula(rows), rel=1e-5)


def test_groups_do_not_see_each_other():
    model, kernel = one(layers.Conv1D(6, 3, groups=2), (6, 4))
    ws_keras.parseval(model, 0.5)
    parts = [kernel[..., :3].reshape(-1, 3), kernel[..., 3:].reshape(-1, 3)]
    want = 0.5 * sum(formula(part.T) for part in parts)
    assert total(model) == pytest.approx(want, rel=1e-5)


def test_orthogonal_units_cost_nothing():
    model, _ = one(layers.Dense(3), (7,))
    rows, _ = np.linalg.qr(RNG.normal(size=(7, 3)))
    model.weights[0].assign(2 * rows)
    ws_keras.parseval(model, 1.0, 4.0)
    assert total(model) == pytest.approx(0, abs=1e-9)


def test_training_on_it_alone_makes_units_orthonormal():
    model, _ = one(layers.Dense(3), (7,))
    ws_keras.parseval(model, 0.1)
    model.compile(keras.optimizers.SGD(0.1), lambda y, p: 0.0 * ops.sum(p))
    model.fit(np.ones((300, 7)), np.ones((300, 3)), batch_size=1, verbose=0)
    kernel = ops.convert_to_numpy(model.weights[0])
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(3), atol=1e-3)


def test_one_step_takes_the_gradient_off():
    model, kernel = one(layers.Dense(3, use_bias=False), (4,))
    ws_keras.parseval(model, 0.2)
    model.compile(keras.optimizers.SGD(0.01), lambda y, p: 0.0 * ops.sum(p))
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    w = kernel.T
    gradient = 0.2 * 4 * (w @ w.T - np.eye(3)) @ w
    after = ops.convert_to_numpy(model.weights[0])
    np.testing.assert_allclose(after, (w - 0.01 * gradient).T, atol=1e-5)


def test_what_is_pulled():
    paths = ws_keras.parseval(zoo.convolutions())
    ends = sorted(path.split("/")[-1] for path in paths)
    assert ends == ["kernel", "kernel", "kernel", "pointwise_kernel"]
    paths = ws_keras.parseval(zoo.sequences())
    assert len(paths) == 3  # Conv1D, TimeDistributed(Dense), Dense
    model = zoo.dense()
    paths = ws_keras.parseval(model, exclude=model.layers[0])
    assert paths == [model.layers[1].kernel.path]


def test_it_adds_up_and_a_second_call_replaces_its_own():
    model, kernel = one(layers.Dense(3, use_bias=False), (4,))
    ws_keras.parseval(model, 9.0)
    penalties.l2(model, 0.4)
    ws_keras.parseval(model, 0.5)
    want = 0.2 * (kernel**2).sum()
    found = total(model)
    assert found == pytest.approx(want + 0.5 * formula(kernel.T), rel=1e-5)
    ws_keras.parseval(model, 0)
    assert total(model) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"strength": -1}, "Received: strength=-1"),
        ({"strength": np.nan}, "Received: strength=nan"),
        ({"scale": 0}, "Received: scale=0"),
        ({"scale": "1"}, "Received: scale='1'"),
        ({"strength": 1e38, "scale": 1e20}, "gives inf"),
        ({"include": "bias"}, r"only weights of the layers \['"),
        ({"include": "nothing_such"}, "nothing_such"),
    ],
)
def test_bad_arguments(arguments, words):
    model = zoo.dense()
    with pytest.raises(ValueError, match=words):
        ws_keras.parseval(model, **arguments)
    assert model.losses == []
