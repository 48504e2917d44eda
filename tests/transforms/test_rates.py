"""The learning rate that an earlier fit has left."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from ws_keras.transforms import rates
from ws_keras.transforms import shrink_perturb as transforms

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")


def _model(rate=0.001, kind=keras.optimizers.Adam, wrap=False):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = kind(rate)
    if wrap:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


def _plateau():
    """Lowers the rate after each epoch: nothing counts as an improvement."""
    return keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.1, patience=1, min_delta=1e9, min_lr=1e-14
    )


def _fit(model, callbacks=(), epochs=6, **arguments):
    model.fit(
        X,
        X[:, :2],
        batch_size=8,
        epochs=epochs,
        verbose=0,
        **arguments,
        callbacks=list(callbacks),
    )


def _rate(model):
    return float(ops.convert_to_numpy(model.optimizer.learning_rate))


def _reset(model, **arguments):
    """Transforms, and returns the sentences of a warning about the rate."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        transforms.shrink_perturb(model, seed=0, **arguments)
    kind = rates.LearningRateLeft
    return [str(w.message) for w in found if issubclass(w.category, kind)]


@pytest.mark.parametrize("wrap", [False, True])
def test_what_a_plateau_has_left_goes_back_to_the_compiled_rate(wrap):
    model = _model(wrap=wrap)
    _fit(model, [_plateau()])
    assert _rate(model) < 1e-7
    assert rates.compiled(model) == pytest.approx(0.001)
    assert not _reset(model)
    assert _rate(model) == pytest.approx(0.001)


def test_a_rate_that_fell_at_the_very_end_counts_too():
    model = _model()
    _fit(model, [_plateau()], epochs=3)
    logged = model.history.history["learning_rate"]
    assert _rate(model) < 0.5 * logged[-1]
    _reset(model)
    assert _rate(model) == pytest.approx(0.001)


def test_what_a_scheduler_has_left():
    model = _model(0.02, keras.optimizers.SGD)
    decay = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: 0.02 * 0.5**epoch
    )
    _fit(model, [decay])
    _reset(model)
    assert _rate(model) == pytest.approx(0.02)


@pytest.mark.parametrize("policy", ["keep", "reset_slots"])
def test_the_other_policies_leave_the_rate(policy):
    model = _model()
    _fit(model, [_plateau()])
    left = _rate(model)
    assert not _reset(model, optimizer=policy)
    assert _rate(model) == left


def test_a_rate_that_was_assigned_since_stays():
    model = _model()
    _fit(model, [_plateau()])
    model.optimizer.learning_rate = 0.0005
    assert not _reset(model)
    assert _rate(model) == pytest.approx(0.0005)


@pytest.mark.quick(1)
@pytest.mark.parametrize("factor", [0.1, 0.2, 1e-8])
def test_what_a_file_has_kept_is_named(tmp_path, factor):
    model = _model()
    _fit(model)
    # As `ReduceLROnPlateau` computes it.
    model.optimizer.learning_rate = _rate(model) * factor
    model.save(tmp_path / "last_week.keras")
    model = keras.models.load_model(tmp_path / "last_week.keras")
    assert rates.compiled(model) is None
    left = _rate(model)
    (sentence,) = _reset(model)
    assert f"{left:.6g}" in sentence and "learning_rate = ..." in sentence
    assert _rate(model) == left


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        (keras.optimizers.Adam, 0.001),
        (keras.optimizers.Adam, 3e-5),
        (keras.optimizers.SGD, 0.001),
        (keras.optimizers.SGD, 0.1),
        (keras.optimizers.RMSprop, 2.5e-4),
    ],
)
def test_a_usual_rate_of_a_file_is_not(tmp_path, kind, rate):
    model = _model(rate, kind)
    _fit(model)
    model.save(tmp_path / "last_week.keras")
    model = keras.models.load_model(tmp_path / "last_week.keras")
    assert not _reset(model)
    assert _rate(model) == pytest.approx(rate)


def test_a_second_fit_does_not_know_the_compiled_rate():
    model = _model()
    _fit(model, [_plateau()])
    _fit(model, [_plateau()])
    assert rates.compiled(model) is None
    left = _rate(model)
    assert _reset(model)
    assert _rate(model) == left


def test_a_schedule_and_no_optimizer_have_no_rate():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)
    model = _model(decay)
    _fit(model, epochs=1)
    assert rates.present(model) is rates.compiled(model) is None
    assert not _reset(model)
    bare = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert rates.present(bare) is rates.compiled(bare) is None
    assert not _reset(bare)


def test_a_fresh_model_has_its_rate():
    assert rates.compiled(_model(0.003)) == pytest.approx(0.003)
