"""The optimizer's state after a transform."""

import keras
import numpy as np
import pytest

from ws_keras.transforms import optimizers
from ws_keras.transforms import shrink_perturb as transforms

_X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
_Y = np.random.default_rng(1).integers(0, 3, 32)
_WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
# Each that this Keras has.
_NAMES = sorted(
    name
    for name, kind in vars(keras.optimizers).items()
    if isinstance(kind, type)
    and issubclass(kind, keras.optimizers.Optimizer)
    and name not in _WRAPPERS
)


def _model(optimizer, run_eagerly=True):
    """Eight steps take less time than their trace."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, run_eagerly=run_eagerly)
    return model


def _fit(model, epochs=2):
    return model.fit(
        _X, _Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0
    )


def _state(optimizer):
    return [v.numpy() for v in optimizer.variables]


@pytest.mark.quick(every=3)
@pytest.mark.parametrize("name", _NAMES)
def test_reset_equals_a_new_optimizer(name):
    kind = getattr(keras.optimizers, name)
    model = _model(kind(0.01))
    _fit(model)
    new = kind(0.01)
    new.build(model.trainable_variables)
    assert model.optimizer.iterations.numpy() == 8
    optimizers.reset(model.optimizer)
    for got, want in zip(_state(model.optimizer), _state(new), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    "name",
    [
        "Adam",
        pytest.param("Adagrad", marks=pytest.mark.slow),
        pytest.param("Ftrl", marks=pytest.mark.slow),
        pytest.param("Nadam", marks=pytest.mark.slow),
    ],
)
def test_training_after_a_reset_equals_training_after_a_new_compile(name):
    kind = getattr(keras.optimizers, name)
    weights = []
    for reset in (True, False):
        model = _model(kind(0.05))
        _fit(model)
        if reset:
            optimizers.reset(model.optimizer)
        else:
            model.compile(kind(0.05), model.loss, run_eagerly=True)
        _fit(model)
        weights.append([v.numpy() for v in model.weights])
    for a, b in zip(*weights, strict=True):
        assert a.tobytes() == b.tobytes()


def test_the_policy_decides():
    for policy in optimizers.POLICIES:
        model = _model(keras.optimizers.Adam(0.01))
        _fit(model)
        before = _state(model.optimizer)
        transforms.shrink_perturb(model, 0.5, 0.1, optimizer=policy)
        after = _state(model.optimizer)
        iterations = model.optimizer.iterations.numpy()
        slots = any(value.any() for value in after[2:])
        assert (iterations, slots) == {
            "keep": (8, True),
            "reset": (0, False),
            "reset_slots": (8, False),
        }[policy]
        if policy == "keep":
            for a, b in zip(before, after, strict=True):
                assert a.tobytes() == b.tobytes()


def test_an_assigned_learning_rate_stays():
    model = _model(keras.optimizers.Adam(0.01))
    _fit(model)
    model.optimizer.learning_rate.assign(0.003)
    optimizers.reset(model.optimizer)
    assert model.optimizer.learning_rate.numpy() == np.float32(0.003)


def test_a_schedule_restarts_or_continues():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)
    model = _model(keras.optimizers.SGD(schedule))
    _fit(model)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.025)
    optimizers.reset(model.optimizer, "reset_slots")
    assert float(model.optimizer.learning_rate) == pytest.approx(0.025)
    optimizers.reset(model.optimizer)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)


def test_a_loss_scale_goes_back_to_its_start():
    inner = keras.optimizers.Adam(0.01)
    scaled = keras.optimizers.LossScaleOptimizer(
        inner, initial_scale=2.0, dynamic_growth_steps=2
    )
    model = _model(scaled)
    _fit(model)
    assert scaled.dynamic_scale.numpy() > 2
    assert inner.iterations.numpy() == 8
    optimizers.reset(scaled)
    assert scaled.dynamic_scale.numpy() == 2
    assert scaled.step_counter.numpy() == 0
    assert inner.iterations.numpy() == 0
    assert not any(v.numpy().any() for v in inner.variables[2:])


def test_accumulated_gradients_are_dropped():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=3)
    model = _model(optimizer)
    _fit(model, epochs=1)  # 4 steps: one gradient is waiting
    assert any(g.numpy().any() for g in optimizer._accumulated_gradients)
    optimizers.reset(optimizer)
    assert not any(g.numpy().any() for g in optimizer._accumulated_gradients)


@pytest.mark.quick(1)
@pytest.mark.parametrize("policy", optimizers.POLICIES)
def test_moving_averages_do_not_bring_the_old_weights_back(policy):
    optimizer = keras.optimizers.SGD(0.0, use_ema=True, ema_momentum=0.9)
    model = _model(optimizer)
    _fit(model)
    transforms.shrink_perturb(model, 0.1, 0, optimizer=policy)
    shrunk = [v.numpy() for v in model.weights]
    _fit(model)  # the learning rate is 0: only the averages could move it
    for a, b in zip(shrunk, [v.numpy() for v in model.weights], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch traces no graphs"
)
def test_no_new_trace_after_a_reset():
    model = _model(keras.optimizers.Adam(0.01), run_eagerly=False)
    traces = []
    call = model.call

    def counted(*arguments, **keywords):
        traces.append(1)
        return call(*arguments, **keywords)

    model.call = counted
    _fit(model)
    first = len(traces)
    for _ in range(3):
        transforms.shrink_perturb(model, 0.5, 0.1)
        _fit(model)
    assert first > 0
    assert len(traces) == first


def test_a_model_without_optimizer_is_fine():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    transforms.shrink_perturb(model, 0.5, 0.1)
    model.compile("adam", "mse")  # not built yet
    report = transforms.shrink_perturb(model, 0.5, 0.1)
    assert len(report.touched) == 2 and not model.optimizer.built


class OfItsOwn(keras.optimizers.SGD):
    """It cannot be rebuilt."""

    def get_config(self):
        raise NotImplementedError


def test_only_what_is_given_restarts():
    model = _model(OfItsOwn())
    model.second = second = keras.optimizers.Adam()
    for optimizer in (model.optimizer, second):
        optimizer.build(model.trainable_variables)
    slots = second.variables[2:4]
    for slot in slots:
        slot.assign(np.ones(slot.shape))
    optimizers.restart(model, [slots[0]])
    assert [float(np.max(slot.numpy())) for slot in slots] == [0, 1]
    with pytest.raises(ValueError, match="rebuild.*OfItsOwn"):
        optimizers.restart(model, model.optimizer.variables)
