"""Hare and tortoise against their recurrence, saved, restored, evaluated."""

import pickle
import warnings

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from tests.callbacks import holders

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = RNG.normal(size=(40, 2)).astype("float32")


def build(norm=False, optimizer=None):
    parts = [keras.Input((3,)), layers.Dense(2)]
    if norm:
        parts.append(layers.BatchNormalization(momentum=0.5))
    model = keras.Sequential(parts)
    ws_keras.cold_start(model, seed=1)
    model.compile(optimizer or keras.optimizers.SGD(0.2, momentum=0.5), "mse")
    return model


def arrays(model):
    return [np.array(ops.convert_to_numpy(v)) for v in model.variables]


class Notes(keras.callbacks.Callback):
    """Notes the weights after each batch, and what fails on demand."""

    def __init__(self, fails_at=None):
        super().__init__()
        self.after, self.begun, self.ended = [], [], []
        self.fails_at = fails_at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.fails_at:
            raise KeyboardInterrupt
        self.begun.append(arrays(self.model))

    def on_train_batch_end(self, batch, logs=None):
        self.after.append(arrays(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append(arrays(self.model))


def fitted(model, *callbacks, epochs=3, **arguments):
    """Five batches are an epoch."""
    data = {"x": X, "y": Y, "batch_size": 8, "shuffle": False, **arguments}
    return model.fit(epochs=epochs, verbose=0, callbacks=callbacks, **data)


def near(first, second, tolerance=1e-6):
    return all(
        np.allclose(a, b, atol=tolerance)
        for a, b in zip(first, second, strict=True)
    )


def gradient(kernel, bias, x, y):
    slope = 2 * (x @ kernel + bias - y) / y.size
    return x.T @ slope, slope.sum(0)


def test_a_loop_written_out():
    model = build(optimizer=keras.optimizers.SGD(0.2))
    hare = [a.astype("float64") for a in arrays(model)]
    tortoise = [a.copy() for a in hare]
    notes = Notes()
    fitted(model, ws_keras.HareAndTortoise(2, 0.9), notes, epochs=5)
    after = iter(notes.after)
    for epoch in range(5):
        if epoch in (2, 4):
            hare = [a.copy() for a in tortoise]
        assert near(notes.begun[epoch], hare)
        for start in range(0, 40, 8):
            some = np.s_[start : start + 8]
            slopes = gradient(*hare, X[some], Y[some])
            hare = [a - 0.2 * g for a, g in zip(hare, slopes, strict=True)]
            tortoise = [
                0.9 * slow + 0.1 * fast
                for slow, fast in zip(tortoise, hare, strict=True)
            ]
            assert near(next(after), hare)
        # Callbacks after it see the tortoise.
        assert near(notes.ended[epoch], tortoise)
    assert near(arrays(model), tortoise)
    assert not near(hare, tortoise, 1e-3)


def test_moving_statistics_are_slow_as_well():
    model, notes = build(norm=True), Notes()
    slow = arrays(model)
    fitted(model, ws_keras.HareAndTortoise(99, 0.9), notes)
    for fast in notes.after:
        slow = [0.9 * a + 0.1 * b for a, b in zip(slow, fast, strict=True)]
    assert near(arrays(model), slow)
    assert not near(notes.after[-1], slow, 1e-2)


def test_the_tortoise_is_validated_and_training_is_as_without():
    model, notes = build(norm=True), Notes()
    alone, want = build(norm=True), Notes()
    callback = ws_keras.HareAndTortoise(99, 0.9)
    found = fitted(model, callback, notes, validation_data=(X, Y))
    fitted(alone, want)
    for one, other in zip(notes.after, want.after, strict=True):
        assert near(one, other, 0)
    last = model.evaluate(X, Y, verbose=0)
    assert found.history["val_loss"][-1] == pytest.approx(last, rel=1e-5)
    assert alone.evaluate(X, Y, verbose=0) != pytest.approx(last, rel=1e-2)


def test_the_tortoise_is_what_a_checkpoint_holds(tmp_path):
    model = build()
    path = tmp_path / "{epoch}.weights.h5"
    saved = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    notes = Notes()
    fitted(model, ws_keras.HareAndTortoise(2, 0.9), saved, notes)
    for number, want in enumerate(notes.ended):
        other = build()
        other.load_weights(tmp_path / f"{number + 1}.weights.h5")
        assert near(arrays(other), want, 0)


@pytest.mark.quick(1)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_an_interrupted_fit_goes_on_alike(tmp_path, first, fails_at):
    def callbacks():
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        pair = [ws_keras.HareAndTortoise(2, 0.9), backup]
        return pair if first else pair[::-1]

    whole = build(norm=True)
    fitted(whole, ws_keras.HareAndTortoise(2, 0.9), epochs=4)
    with pytest.raises(KeyboardInterrupt):
        fitted(build(norm=True), *callbacks(), Notes(fails_at), epochs=4)
    model, notes = build(norm=True), Notes()
    fitted(model, *callbacks(), notes, epochs=4)
    assert len(notes.after) == 5 * (4 - fails_at)
    assert near(arrays(model), arrays(whole), 0)


def test_a_second_fit_begins_with_the_tortoise():
    model, notes = build(), Notes()
    callback = ws_keras.HareAndTortoise(99, 0.9)
    fitted(model, callback)
    before = arrays(model)
    fitted(model, callback, notes, epochs=1)
    assert near(notes.begun[0], before, 0)
    assert not any("_ws_keras_state" in name for name in vars(model))


def test_it_differs_from_the_average_of_keras_by_its_start_alone():
    """That of Keras begins with the weights after the first step."""
    optimizer = keras.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.9)
    model, notes, averages = build(optimizer=optimizer), Notes(), []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            found = optimizer._model_variables_moving_average
            averages[:] = [np.array(ops.convert_to_numpy(v)) for v in found]

    start = arrays(model)
    callbacks = ws_keras.HareAndTortoise(99, 0.9), notes, Look()
    fitted(model, *callbacks, epochs=2)
    pairs = zip(arrays(model), averages, start, notes.after[0], strict=True)
    for ours, theirs, before, after in pairs:
        want = theirs + 0.9**10 * (before - after)
        np.testing.assert_allclose(ours, want, atol=1e-6)
        assert abs(ours - theirs).max() > 1e-3


def test_averages_of_the_optimizer_go_back_as_well():
    optimizer = keras.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.5)
    model, found = build(optimizer=optimizer), []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 0:
                return  # before its first step the optimizer has none
            averages = optimizer._model_variables_moving_average
            pairs = zip(averages, self.model.trainable_variables, strict=True)
            found.append([*map(lambda p: near(p[:1], p[1:], 0), pairs)])

    fitted(model, ws_keras.HareAndTortoise(2, 0.9), Look())
    assert not any(found[0]) and all(found[1])


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "optimizer", list(holders.optimizers(0.2)), ids=lambda o: o.name
)
def test_a_next_fit_without_it_begins_with_the_tortoise(optimizer):
    model = build(optimizer=optimizer)
    fitted(model, ws_keras.HareAndTortoise(99, 0.9))
    before = arrays(model)
    # Without gradients, an optimizer changes no weight.
    fitted(model, epochs=1, sample_weight=np.zeros(len(X)))
    assert near(arrays(model), before)


def test_half_precision_loses_no_small_step():
    layer = layers.Dense(1, dtype=keras.DTypePolicy("float16"))
    model = keras.Sequential([keras.Input((1,), dtype="float16"), layer])
    layer.kernel.assign([[1.0]])

    class Jump(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            layer.kernel.assign([[1.25]])

    model.compile(keras.optimizers.SGD(0.0), "mse")
    slow = ws_keras.HareAndTortoise(99, 0.9995)
    one = np.ones((200, 1), "float16")
    fitted(model, Jump(), slow, x=one, y=one, batch_size=1, epochs=1)
    want = 1.25 - 0.25 * 0.9995**200
    found = float(ops.convert_to_numpy(layer.kernel)[0, 0])
    assert found == pytest.approx(want, abs=6e-4)


def test_copies_and_the_config():
    callback = ws_keras.HareAndTortoise(3, 0.99)
    fitted(build(), callback, epochs=1)
    for again in (
        pickle.loads(pickle.dumps(callback)),
        ws_keras.HareAndTortoise.from_config(callback.get_config()),
    ):
        assert again.get_config() == {"every": 3, "decay": 0.99}
        fitted(build(), again, epochs=1)


def caught(callback, epochs):
    """Warnings of a fit of five batches an epoch."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fitted(build(), callback, epochs=epochs)
    return [w for w in found if "slow copy" in str(w.message)]


def test_a_slow_copy_of_starting_weights_is_told():
    # 0.9 to the 21st is 0.109, and to the 22nd 0.098.
    (found,) = caught(ws_keras.HareAndTortoise(decay=0.9), epochs=4)
    assert "decay=0.9 in a fit of fewer than 22" in str(found.message)
    assert "such as 0.45," in str(found.message)
    assert "hardly been trained" in str(found.message)
    assert not caught(ws_keras.HareAndTortoise(decay=0.9), epochs=5)
    (usual,) = caught(ws_keras.HareAndTortoise(), epochs=1)
    assert "2,302 batches" in str(usual.message)
    assert "such as 0.99," in str(usual.message)
    assert not caught(ws_keras.HareAndTortoise(decay=0.0), epochs=1)


def test_the_same_word_is_said_once():
    """Python shows a text that it has shown no second time."""
    texts = {
        str(w.message)
        for epochs in (1, 2)
        for w in caught(ws_keras.HareAndTortoise(), epochs)
    }
    assert len(texts) == 1


def test_several_batches_at_a_time_are_refused():
    model = build()
    model.compile("sgd", "mse", steps_per_execution=2)
    with pytest.raises(ValueError, match="steps_per_execution=2"):
        fitted(model, ws_keras.HareAndTortoise())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0.9), "Received: every=0"),
        ((2.5, 0.9), "Received: every=2.5"),
        ((2, 1), "Received: decay=1"),
        ((2, -0.1), "Received: decay=-0.1"),
        ((2, True), "Received: decay=True"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        ws_keras.HareAndTortoise(*arguments)
