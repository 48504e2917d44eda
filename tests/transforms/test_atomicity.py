"""Whatever fails, the model is left exactly as it was."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras.transforms import dash
from ws_keras.transforms import fire
from ws_keras.transforms import norm_reset
from ws_keras.transforms import redo
from ws_keras.transforms import shrink_perturb as transforms

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)).astype("float32")
Y = RNG.integers(0, 3, 16)


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A user's own, not registered with Keras."""

    def __call__(self, step):
        return 0.01 / (1.0 + ops.cast(step, "float32"))

    def get_config(self):
        return {}


class Bare(keras.optimizers.schedules.LearningRateSchedule):
    """A user's own, without a config."""

    def __call__(self, step):
        return 0.01


class Fickle(keras.optimizers.Adam):
    """Cannot be made from its config."""

    def __init__(self, must_have):
        super().__init__(0.01)
        self.must_have = must_have


def _model(optimizer="adam"):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # A single step takes less time than its trace.
    model.compile(optimizer, loss, run_eagerly=True)
    model.fit(X, Y, verbose=0, shuffle=False)
    return model


def _state(model):
    found = [*model.variables, *model.optimizer.variables]
    return [ops.convert_to_numpy(v).copy() for v in found]


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "rate",
    [Schedule(), pytest.param(Bare(), marks=pytest.mark.slow), lambda: 0.01],
)
@pytest.mark.parametrize("policy", ["reset", "reset_slots"])
def test_an_optimizer_with_a_rate_of_the_users_own_is_reset(rate, policy):
    model = _model(keras.optimizers.Adam(rate))
    transforms.shrink_perturb(model, seed=1, optimizer=policy)
    iterations, *slots = map(ops.convert_to_numpy, model.optimizer.variables)
    assert iterations == (0 if policy == "reset" else 1)
    assert slots and not any(slot.any() for slot in slots)
    # The rate itself is still the user's.
    assert model.optimizer._learning_rate is rate
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    "transform",
    [
        lambda model: transforms.shrink_perturb(model, seed=1),
        lambda model: dash.dash(model, [(X, Y)], optimizer="reset"),
        lambda model: fire.fire(model),
        lambda model: norm_reset.norm_reset(model, seed=1),
    ],
)
def test_an_optimizer_that_cannot_be_rebuilt(transform):
    model = _model(Fickle(3))
    before = _state(model)
    with pytest.raises(ValueError, match="Received: Fickle.*optimizer='keep'"):
        transform(model)
    assert _same(before, _state(model))
    transforms.shrink_perturb(model, optimizer="keep")


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([X, X[:, :2]], "Received: batch 1 of type ndarray"),
        (X[:, :2], "Received: batch 0"),
        (3, "Received: data=3"),
        ([X, X * np.nan], "finite statistics.* NaN or infinity for .*mean"),
        ([], "no batch"),
    ],
)
def test_data_that_the_model_does_not_take(data, message):
    model = _model()
    before = _state(model)
    with pytest.raises(ValueError, match=message) as caught:
        transforms.shrink_perturb(
            model, seed=1, statistics="recalibrate", data=data
        )
    assert "\n" not in str(caught.value)
    assert _same(before, _state(model))
    assert model.layers[1].momentum == 0.99
    assert "call" not in vars(model.layers[1])


def test_data_that_break_off():
    def batches():
        yield X
        raise KeyboardInterrupt

    model = _model()
    before = _state(model)
    with pytest.raises(KeyboardInterrupt):
        transforms.shrink_perturb(
            model, seed=1, statistics="recalibrate", data=batches()
        )
    assert _same(before, _state(model))


def test_the_identity_leaves_the_averages_of_weights():
    model = _model(keras.optimizers.Adam(0.1, use_ema=True))
    before = _state(model)
    transforms.shrink_perturb(model, 1, 0)
    assert _same(before, _state(model))


def test_an_empty_mapping_is_refused():
    with pytest.raises(ValueError, match="at least one weight"):
        transforms.shrink_perturb(_model(), {})


def test_what_a_mapping_does_not_mean_keeps_its_statistics():
    model = _model()
    norm, last = model.layers[1:]
    before = [ops.convert_to_numpy(v).copy() for v in norm.variables]
    transforms.shrink_perturb(model, {last: (0.0, 1.0)}, seed=1)
    after = [ops.convert_to_numpy(v) for v in norm.variables]
    assert _same(before, after)
    transforms.shrink_perturb(model, {norm: (0.5, 0.0)}, seed=1)
    assert ops.convert_to_numpy(norm.moving_variance).tolist() == [1.0] * 6


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda layer: layer.quantize("int8"), "'first' with int8 weights"),
        (lambda layer: layer.enable_lora(2), "'first' with LoRA weights"),
    ],
)
@pytest.mark.parametrize(
    "transform",
    [
        lambda model: transforms.shrink_perturb(model, seed=0),
        lambda model: transforms.shrink_perturb(model, {"kernel": (0.5, 0)}),
        lambda model: fire.fire(model),
        lambda model: norm_reset.norm_reset(model),
        lambda model: dash.dash(model, [(X, Y)]),
        lambda model: redo.redo(model, X, 9),
    ],
)
def test_a_layer_without_a_plain_kernel_is_named(transform, change, words):
    """A quantized layer without a bias has no float weight to select."""
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, "relu", use_bias=False, name="first"),
            layers.Dense(6, "relu", name="second"),
            layers.Dense(3),
        ]
    )
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    change(model.layers[0])
    before = _state(model)
    with pytest.raises(ValueError, match=words):
        transform(model)
    assert _same(_state(model), before)


def test_a_frozen_layer_of_integers_stays_as_it_is():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, "relu", use_bias=False),
            layers.Dense(3),
        ]
    )
    first, last = model.layers
    first.quantize("int8")
    first.trainable = False
    report = transforms.shrink_perturb(model, 0.5, 0)
    assert [line.path for line in report.touched] == [
        v.path for v in last.variables
    ]


@pytest.mark.parametrize(
    "transform",
    [
        lambda model: transforms.shrink_perturb(model, seed=0),
        lambda model: fire.fire(model),
        lambda model: dash.dash(model, [(X, Y)]),
    ],
)
def test_a_model_that_is_frozen_as_a_whole_is_refused(transform):
    """Keras then trains no layer, even one that is unfrozen afterwards."""
    model = _model()
    model.trainable = False
    model.layers[-1].trainable = True
    assert model.trainable_variables == []
    before = _state(model)
    with pytest.raises(ValueError, match="Received"):
        transform(model)
    assert _same(_state(model), before)
