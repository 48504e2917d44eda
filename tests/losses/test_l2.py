"""L2 as a penalty and as decoupled decay, by closed forms."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.losses import l2 as losses
from ws_keras.losses import l2_init
from ws_keras.training import adam

RATE, DECAY = 0.1, 0.25
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32")


def build(regularizer=None):
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, "tanh", kernel_regularizer=regularizer),
            layers.BatchNormalization(),
            layers.Dense(1, name="head"),
        ]
    )


def constant(y, predictions):
    """A loss without a data term."""
    return ops.sum(predictions) * 0.0


def fitted(optimizer, loss="mse", penalty=None, epochs=3):
    """Trainable weights after a fit."""
    model = build()
    # Gamma starts at 1 and beta at 0: all are to have something to lose.
    for variable in model.trainable_variables:
        variable.assign(variable.numpy() + 0.5)
    if penalty is not None:
        losses.l2(model, penalty)
    # So few steps take less time than their trace.
    model.compile(optimizer, loss, run_eagerly=True)
    model.fit(X, Y, batch_size=8, shuffle=False, epochs=epochs, verbose=0)
    return [v.numpy() for v in model.trainable_variables]


def start():
    return [v.numpy() + 0.5 for v in build().trainable_variables]


def distance(first, second):
    return max(abs(a - b).max() for a, b in zip(first, second, strict=True))


def total(model):
    return sum(map(float, model.losses))


def test_penalty_is_half_the_squares():
    model = build()
    paths = losses.l2(model, 0.5)
    squares = sum((v.numpy() ** 2).sum() for v in model.trainable_variables)
    assert total(model) == pytest.approx(0.25 * squares, rel=1e-6)
    assert len(paths) == 6


def test_one_step_of_the_penalty_takes_rate_times_strength_of_a_weight():
    found = fitted(keras.optimizers.SGD(RATE), constant, DECAY, epochs=1)
    want = [w * (1 - RATE * DECAY) ** 3 for w in start()]
    assert distance(found, want) < 1e-6


@pytest.mark.quick(1)
@pytest.mark.parametrize("kind", [keras.optimizers.Adam, adam.Adam])
def test_decoupled_decay_of_adam_is_past_its_gradient(kind):
    found = fitted(kind(RATE, weight_decay=DECAY), constant, epochs=1)
    # No gradient, no step of Adam: three times the decay, as in AdamW.
    want = [w * (1 - RATE * DECAY) ** 3 for w in start()]
    assert distance(found, want) < 1e-6


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, adam.Adam])
def test_a_penalty_under_adam_moves_all_weights_as_much(kind):
    model = build()
    losses.l2(model, DECAY, exclude=layers.BatchNormalization)
    # A single step takes less time than its trace.
    model.compile(kind(RATE, epsilon=1e-12), constant, run_eagerly=True)
    kernel = model.get_layer("head").kernel
    before = kernel.numpy()
    model.train_on_batch(X, Y)
    # The first step of Adam is the rate times the gradient's sign.
    want = before - RATE * np.sign(before)
    np.testing.assert_allclose(kernel.numpy(), want, atol=1e-5)


def test_with_plain_sgd_both_are_the_same():
    penalty = fitted(keras.optimizers.SGD(RATE), penalty=DECAY)
    decay = fitted(keras.optimizers.SGD(RATE, weight_decay=DECAY))
    none = fitted(keras.optimizers.SGD(RATE))
    assert distance(penalty, decay) < 1e-5
    assert distance(penalty, none) > 1e-2


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda **keywords: keras.optimizers.SGD(RATE, 0.9, **keywords),
        pytest.param(
            lambda **keywords: keras.optimizers.Adam(RATE, **keywords),
            marks=pytest.mark.slow,
        ),
        lambda **keywords: adam.Adam(RATE, **keywords),
    ],
    ids=["momentum", "keras_adam", "adam"],
)
def test_with_momentum_and_adam_they_are_not(optimizer):
    penalty = fitted(optimizer(), penalty=DECAY)
    decay = fitted(optimizer(weight_decay=DECAY))
    assert distance(penalty, decay) > 1e-2


def test_gamma_and_beta_are_pulled_unless_excluded():
    model = build()
    paths = losses.l2(model)
    assert {"gamma", "beta"} <= {path.split("/")[-1] for path in paths}
    model = build()
    paths = losses.l2(model, exclude=layers.BatchNormalization)
    assert {path.split("/")[-1] for path in paths} == {"kernel", "bias"}
    assert model.layers[1].gamma.regularizer is None


def test_penalties_add_up_and_a_second_call_replaces_its_own():
    model = build(keras.regularizers.L2(0.1))
    layer = total(model)
    l2_init.l2_init(model, 0.5)
    losses.l2(model, 9.0)
    losses.l2(model, 0.2)
    squares = sum((v.numpy() ** 2).sum() for v in model.trainable_variables)
    want = layer + 0.1 * squares
    assert total(model) == pytest.approx(want, rel=1e-6)
    l2_init.l2_init(model, 0.5)  # beneath the other one
    assert total(model) == pytest.approx(want, rel=1e-6)
    losses.l2(model, 0)
    assert total(model) == pytest.approx(layer, rel=1e-6)
    model.get_layer("head").bias.assign([2.0])
    assert total(model) == pytest.approx(layer + 0.5 * 4, rel=1e-6)


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf"), "1"])
def test_bad_strength(strength):
    with pytest.raises(ValueError, match="Received: strength="):
        losses.l2(build(), strength)


def test_a_strength_that_makes_the_loss_infinite():
    model = build()
    losses.l2(model, 0.5)
    before = total(model)
    with pytest.raises(ValueError, match=r"finite .* gives inf up to .*gamma"):
        losses.l2(model, 1e39, include="gamma")
    assert total(model) == before


def test_penalties_that_only_together_are_infinite():
    model = build()
    for variable in model.trainable_variables:
        variable.assign(np.full(variable.shape, 1e18))
    largest = max(np.prod(v.shape) for v in model.trainable_variables)
    strength = 0.6e-36 * 2 * 3.4e38 / largest  # half of what float32 holds
    with pytest.raises(ValueError, match="gives inf up to"):
        losses.l2(model, strength)
    assert model.losses == []


def test_weights_that_are_not_finite_are_blamed_and_not_the_strength():
    model = build()
    model.get_layer("head").bias.assign([np.nan])
    with pytest.raises(ValueError, match="Weights must be finite .*head/bias"):
        losses.l2(model, 1e-4)
    losses.l2(model, 0)  # takes back what there is


def test_pattern_that_matches_nothing():
    model = build()
    with pytest.raises(ValueError, match="'tail'"):
        losses.l2(model, include="tail")
    assert model.losses == []
