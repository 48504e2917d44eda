"""Re-warming: the rate of each batch, resumed fits, the optimizer's state."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import ws_keras
from ws_keras.callbacks.rewarm import StillWarmingUp

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(40, 1)).astype("float32")


class Rates(keras.callbacks.Callback):
    """Notes the rate with which each batch is trained."""

    def __init__(self, fails_at=None):
        super().__init__()
        self.seen, self.fails_at = [], fails_at

    def on_train_batch_end(self, batch, logs=None):
        rate = self.model.optimizer.learning_rate
        self.seen.append(float(ops.convert_to_numpy(rate)))

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.fails_at:
            raise KeyboardInterrupt


def build(optimizer=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer or keras.optimizers.Adam(0.5), "mse")
    return model


def fitted(model, *callbacks, epochs=2, **arguments):
    """Rates of a fit; five batches are an epoch."""
    rates = Rates()
    data = {"x": X, "y": Y, "batch_size": 8, **arguments}
    model.fit(epochs=epochs, verbose=0, callbacks=[*callbacks, rates], **data)
    return rates.seen


def linear_decay(step):
    return 0.4 * (1 - step / 10)


def test_linear_to_the_peak_and_there():
    found = fitted(build(), ws_keras.Rewarm(0.4, 4))
    want = [0.1, 0.2, 0.3, *[0.4] * 7]
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_any_decay_after_it():
    found = fitted(build(), ws_keras.Rewarm(0.4, 4, decay=linear_decay))
    want = [0.1, 0.2, 0.3, 0.4, 0.36, 0.32, 0.28, 0.24, 0.2, 0.16]
    np.testing.assert_allclose(found, want, rtol=1e-6)
    cosine = keras.optimizers.schedules.CosineDecay(0.4, 8)
    found = fitted(build(), ws_keras.Rewarm(0.4, 2, decay=cosine))
    want = 0.2 * (1 + np.cos(np.pi * np.arange(9) / 8))
    np.testing.assert_allclose(found, [0.2, *want], rtol=1e-5, atol=1e-7)


def plateau():
    """Halves the rate after each epoch but the first."""
    return keras.callbacks.ReduceLROnPlateau(
        "loss", 0.5, patience=0, min_delta=1e9
    )


@pytest.mark.parametrize("steps", [2, 12])
def test_another_callback_may_lower_the_rate_after_the_warm_up(steps):
    found = fitted(build(), ws_keras.Rewarm(0.4, steps), plateau(), epochs=4)
    warm = [0.4 * (i + 1) / steps for i in range(steps)]
    rest = [0.4] * 20
    if steps == 2:
        rest[10:] = [0.2] * 5 + [0.1] * 5
    else:  # what was lowered within the warm-up has no effect
        rest[15:] = [0.2] * 5
    want = [*warm, *rest[steps:]]
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_each_batch_has_the_rate_of_a_decay_whatever_others_do():
    rewarm = ws_keras.Rewarm(0.4, 4, decay=linear_decay)
    found = fitted(build(), rewarm, plateau())
    want = [0.1, 0.2, 0.3, 0.4, 0.36, 0.32, 0.28, 0.24, 0.2, 0.16]
    np.testing.assert_allclose(found, want, rtol=1e-6)


@pytest.mark.quick(1)
@pytest.mark.parametrize(("fraction", "steps"), [(0.1, 1), (0.5, 5), (1, 10)])
def test_a_fraction_of_the_fit(fraction, steps):
    found = fitted(build(), ws_keras.Rewarm(0.4, fraction=fraction))
    want = [min(1, (i + 1) / steps) * 0.4 for i in range(10)]
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_each_fit_is_warmed_up_and_ends_at_the_peak():
    model, callback = build(), ws_keras.Rewarm(0.4, 2, decay=linear_decay)
    first = fitted(model, callback)
    rate = ops.convert_to_numpy(model.optimizer.learning_rate)
    assert rate == pytest.approx(0.4)
    assert fitted(model, callback) == first


@pytest.mark.quick(1)
@pytest.mark.parametrize("first", [True, False])
def test_a_fit_that_was_interrupted(tmp_path, first):
    def callbacks():
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        callback = ws_keras.Rewarm(0.4, 7, optimizer="reset")
        return [callback, backup] if first else [backup, callback]

    whole = build()
    want = fitted(whole, ws_keras.Rewarm(0.4, 7, optimizer="reset"), epochs=3)
    with pytest.raises(KeyboardInterrupt):
        fitted(build(), *callbacks(), Rates(fails_at=1), epochs=3)
    model = build()
    assert fitted(model, *callbacks(), epochs=3) == want[5:]
    steps = model.optimizer.iterations
    assert int(ops.convert_to_numpy(steps)) == 15


def test_a_later_epoch():
    want = fitted(build(), ws_keras.Rewarm(0.4, 7), epochs=3)
    found = fitted(build(), ws_keras.Rewarm(0.4, 7), epochs=3, initial_epoch=1)
    assert found == want[5:]


@pytest.mark.quick(1)
@pytest.mark.parametrize("policy", ["keep", "reset", "reset_slots"])
def test_the_optimizer(policy):
    model = build()
    fitted(model)
    fitted(model, ws_keras.Rewarm(0.4, 1, optimizer=policy), epochs=1)
    other = build()
    fitted(other)
    other.optimizer.learning_rate = 0.4
    ws_keras.shrink_perturb(other, 1, 0, optimizer=policy)
    fitted(other, epochs=1)
    for a, b in zip(model.variables, other.variables, strict=True):
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (a, b)))
    steps = int(ops.convert_to_numpy(model.optimizer.iterations))
    assert steps == (5 if policy == "reset" else 15)


def batches():
    """Data whose number of batches nobody knows."""
    for start in range(0, 40, 8):
        yield X[start : start + 8], Y[start : start + 8]


def test_data_of_unknown_length():
    data = {"x": batches(), "y": None, "batch_size": None}
    found = fitted(build(), ws_keras.Rewarm(0.4, 4), epochs=1, **data)
    np.testing.assert_allclose(found, [0.1, 0.2, 0.3, 0.4, 0.4], rtol=1e-6)
    data["x"] = batches()
    with pytest.raises(ValueError, match="Give `steps=`"):
        fitted(build(), ws_keras.Rewarm(0.4), epochs=1, **data)
    data["x"] = batches()
    with pytest.raises(ValueError, match="epoch 1 of data of unknown"):
        callback = ws_keras.Rewarm(0.4, 4)
        fitted(build(), callback, epochs=2, initial_epoch=1, **data)


def test_an_optimizer_with_a_scaled_loss_and_one_with_a_schedule():
    inner = keras.optimizers.SGD(0.5)
    model = build(keras.optimizers.LossScaleOptimizer(inner))
    fitted(model, ws_keras.Rewarm(0.4, 2), epochs=1)
    assert ops.convert_to_numpy(inner.learning_rate) == pytest.approx(0.4)
    schedule = keras.optimizers.schedules.CosineDecay(0.4, 8)
    model = build(keras.optimizers.SGD(schedule))
    with pytest.raises(ValueError, match="as `decay`"):
        fitted(model, ws_keras.Rewarm(0.4, 2))


def test_beside_shrink_perturb():
    model = build()
    want = fitted(build(), ws_keras.Rewarm(0.4, 4))
    shrink = ws_keras.ShrinkPerturb(seed=0)
    assert fitted(model, shrink, ws_keras.Rewarm(0.4, 4)) == want
    assert fitted(model, ws_keras.Rewarm(0.4, 4), shrink) == want


def test_its_config():
    cosine = keras.optimizers.schedules.CosineDecay(0.4, 8)
    callback = ws_keras.Rewarm(0.4, 3, decay=cosine, optimizer="reset")
    again = ws_keras.Rewarm.from_config(callback.get_config())
    found = [[c.rate(i, 3) for i in range(9)] for c in (callback, again)]
    assert found[0] == found[1]
    assert again.get_config() == callback.get_config()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"peak": 0}, "Received: peak=0"),
        ({"peak": -1.0}, "Received: peak=-1.0"),
        ({"peak": np.nan}, "Received: peak=nan"),
        ({"steps": 0}, "Received: steps=0"),
        ({"steps": 1.5}, "Received: steps=1.5"),
        ({"fraction": 0}, "Received: fraction=0"),
        ({"fraction": 1.1}, "Received: fraction=1.1"),
        ({"decay": "cosine"}, "Received: decay='cosine'"),
        ({"decay": lambda step: 0.2}, r"decay\(0\)=0.2"),
        ({"optimizer": "drop"}, "Received: optimizer='drop'"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        ws_keras.Rewarm(**{"peak": 0.4, **arguments})


def test_a_fit_that_ends_during_the_warm_up_is_told():
    """An early stop leaves out most of the epochs that `fraction` counts."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    rewarm = ws_keras.Rewarm(0.4, fraction=0.5)
    with pytest.warns(StillWarmingUp, match="50 batches"):
        found = fitted(build(), rewarm, Stop(), epochs=20)
    assert max(found) == pytest.approx(0.4 * 10 / 50)
    with warnings.catch_warnings():
        warnings.simplefilter("error", StillWarmingUp)
        fitted(build(), ws_keras.Rewarm(0.4, 10), Stop(), epochs=20)
