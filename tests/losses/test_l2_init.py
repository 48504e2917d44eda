"""L2 regularization towards the starting weights."""

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.losses import l2_init as losses


def build(regularizer=None):
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, "relu", kernel_regularizer=regularizer),
            layers.BatchNormalization(),
            layers.Dense(1, name="head"),
        ]
    )


def test_penalty_is_zero_at_the_start_and_quadratic_beyond():
    model = build()
    losses.l2_init(model, 0.5)
    assert sum(map(float, model.losses)) == 0
    head = model.get_layer("head")
    head.kernel.assign_add(np.full((4, 1), 2.0))
    # 0.5 times four squares of 2.
    assert sum(map(float, model.losses)) == pytest.approx(8.0, rel=1e-6)


def test_a_step_equals_the_closed_form():
    model = build()
    start = model.get_layer("head").bias.numpy()
    losses.l2_init(model, 0.25, include="head/bias")
    model.get_layer("head").bias.assign(start + 3.0)
    # No data term: the loss is a constant.
    model.compile(
        keras.optimizers.SGD(0.1), lambda y, p: keras.ops.sum(p) * 0.0
    )
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    # w - rate * 2 * strength * (w - start)
    expected = start + 3.0 * (1 - 0.1 * 2 * 0.25)
    np.testing.assert_allclose(
        model.get_layer("head").bias.numpy(), expected, rtol=1e-6
    )


def test_earlier_regularizers_go_on_to_count():
    model = build(keras.regularizers.L2(0.1))
    alone = sum(map(float, model.losses))
    assert alone > 0
    losses.l2_init(model, 0.5)
    assert sum(map(float, model.losses)) == pytest.approx(alone)


def test_a_second_call_replaces_the_first():
    model = build()
    losses.l2_init(model, 0.5)
    model.get_layer("head").bias.assign([1.0])
    losses.l2_init(model, 0.5)
    assert sum(map(float, model.losses)) == 0
    model.get_layer("head").bias.assign([2.0])
    assert sum(map(float, model.losses)) == pytest.approx(0.5)


def test_selection():
    model = build()
    paths = losses.l2_init(model, exclude=layers.BatchNormalization)
    kept = {"kernel", "bias"}
    assert len(paths) == 4 and {p.split("/")[-1] for p in paths} == kept


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf"), "1"])
def test_bad_strength(strength):
    with pytest.raises(ValueError, match="Received: strength="):
        losses.l2_init(build(), strength)


def test_pattern_that_matches_nothing():
    model = build()
    with pytest.raises(ValueError, match="'tail'"):
        losses.l2_init(model, include="tail")
    assert model.losses == []
