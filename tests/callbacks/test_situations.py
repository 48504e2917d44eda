"""`ShrinkPerturb` beside other callbacks, other models and other data."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from ws_keras import ShrinkPerturb
from ws_keras.transforms import shrink_perturb as transforms

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
IS_TENSORFLOW = keras.backend.backend() == "tensorflow"
only_tensorflow = pytest.mark.skipif(
    not IS_TENSORFLOW, reason="a training step in TensorFlow"
)


def _model(optimizer="adam", built=True):
    keras.utils.set_random_seed(1)
    given = [keras.Input((3,))] if built else []
    model = keras.Sequential(
        [*given, layers.Dense(4, activation="tanh"), layers.Dense(1)]
    )
    model.compile(optimizer, "mse")
    return model


def _fit(model, *callbacks, epochs=2, data=None, **arguments):
    given = {"verbose": 0, "epochs": epochs, "shuffle": False, **arguments}
    given["callbacks"] = list(callbacks)
    if data is not None:
        return model.fit(data, **given)
    return model.fit(X, Y, batch_size=4, **given)


def _weights(model):
    return [ops.convert_to_numpy(w).copy() for w in model.weights]


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


def _kernel(model):
    return ops.convert_to_numpy(model.trainable_variables[0])


# --- models that are not built before their first fit


@pytest.mark.parametrize("when", ["fit", "epoch"])
def test_an_unbuilt_model_is_changed_before_its_first_step(when):
    schedule = {"epochs": [0]} if when == "epoch" else {}
    callback = ShrinkPerturb(0.5, 0, when, **schedule)
    model = _model(keras.optimizers.SGD(0.0), built=False)
    _fit(model, callback)
    lines = [line for line in callback.report if "kernel" in line.path]
    assert len(lines) == 2
    assert lines[0].norm_after == pytest.approx(lines[0].norm_before / 2)
    got = np.linalg.norm(_kernel(model))
    assert got == pytest.approx(lines[0].norm_after, rel=1e-5)
    # No step was made, and lost, before it.
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 8


def test_it_is_built_and_fitted_as_one_that_was_built():
    weights = []
    for built in (True, False):
        model = _model(built=built)
        _fit(model, ShrinkPerturb(0, 0, exclude="bias"), ShrinkPerturb(1, 0))
        weights.append([w.shape for w in _weights(model)])
    assert weights[0] == weights[1]


def test_steps_of_an_unbuilt_model_are_counted_from_its_first():
    fired = []

    class Recorder(ShrinkPerturb):
        def _apply(self, what, number):
            fired.append(number)
            super()._apply(what, number)

    _fit(_model(built=False), Recorder(0.9, 0, "step", every=3), epochs=2)
    assert fired == [3, 6]


if IS_TENSORFLOW:
    import tensorflow as tf

    class Adversaries(keras.Model):
        """As in Keras' example of a GAN: parts and optimizers of its own."""

        def __init__(self, built=True):
            super().__init__()
            given = [keras.Input((3,))] if built else []
            self.discriminator = keras.Sequential([*given, layers.Dense(1)])
            self.generator = keras.Sequential([*given, layers.Dense(3)])

        def compile(self, d_optimizer, g_optimizer):
            super().compile()
            self.d_optimizer = d_optimizer
            self.others = {"generator": [g_optimizer]}

        def train_step(self, data):
            x, _ = data
            pairs = (
                (self.discriminator, self.d_optimizer),
                (self.generator, self.others["generator"][0]),
            )
            with tf.GradientTape(persistent=True) as tape:
                loss = ops.mean(self.discriminator(self.generator(x)) ** 2)
            for part, optimizer in pairs:
                gradients = tape.gradient(loss, part.trainable_variables)
                optimizer.apply(gradients, part.trainable_variables)
            return {"loss": loss}


@only_tensorflow
@pytest.mark.parametrize("built", [True, False])
def test_networks_without_a_call(built):
    model = Adversaries(built)
    model.compile(keras.optimizers.Adam(0.0), keras.optimizers.Adam(0.0))
    callback = ShrinkPerturb(0.5, 0)
    _fit(model, callback)
    assert len(callback.report.touched) == 4
    line = callback.report.lines[0]
    assert line.norm_after == pytest.approx(line.norm_before / 2)


@pytest.mark.quick(1)
@only_tensorflow
@pytest.mark.parametrize("policy", ["reset", "reset_slots", "keep"])
def test_optimizers_of_a_training_step_of_ones_own_are_found(policy):
    model = Adversaries()
    optimizers = [keras.optimizers.Adam(0.01) for _ in range(2)]
    model.compile(*optimizers)
    _fit(model)
    before = [
        [ops.convert_to_numpy(v) for v in o.variables] for o in optimizers
    ]
    transforms.shrink_perturb(model, 0.5, 0.1, seed=0, optimizer=policy)
    for optimizer, old in zip(optimizers, before, strict=True):
        values = [ops.convert_to_numpy(v) for v in optimizer.variables]
        assert values[0] == {"reset": 0, "reset_slots": 8, "keep": 8}[policy]
        slots = [v for v in values[2:] if v.any()]
        assert bool(slots) == (policy == "keep")
        assert _same(values[1:2], old[1:2])  # the learning rate
        if policy == "keep":
            assert _same(values, old)


@only_tensorflow
def test_the_optimizer_of_a_part_that_is_left_alone_stays():
    model = Adversaries()
    optimizers = [keras.optimizers.Adam(0.01) for _ in range(2)]
    model.compile(*optimizers)
    _fit(model)
    transforms.shrink_perturb(model, seed=0, include=model.generator)
    counts = [int(ops.convert_to_numpy(o.iterations)) for o in optimizers]
    assert counts == [8, 0]


# --- data of unknown length


def _batches(count=4):
    def generate():
        for i in range(count):
            part = slice(4 * i, 4 * i + 4)
            yield X[part], Y[part]

    if not IS_TENSORFLOW:
        return generate()
    signature = (
        tf.TensorSpec((None, 3), tf.float32),
        tf.TensorSpec((None, 1), tf.float32),
    )
    return tf.data.Dataset.from_generator(generate, output_signature=signature)


@pytest.mark.quick(1)
@pytest.mark.parametrize("optimizer", ["reset", "keep"])
def test_a_fit_of_unknown_length_is_not_changed_after_its_last_step(optimizer):
    ours, plain = _model(), _model()
    callback = ShrinkPerturb(0.1, 0.5, "step", every=4, optimizer=optimizer)
    _fit(ours, callback, epochs=1, data=_batches())
    _fit(plain, epochs=1, data=_batches())
    assert _same(_weights(ours), _weights(plain))
    assert callback.report is None
    # Keras itself counts a step for which there was no batch.
    state = [m.optimizer.variables[1:] for m in (ours, plain)]
    assert _same(*([ops.convert_to_numpy(v) for v in s] for s in state))


@pytest.mark.quick(1)
@only_tensorflow
@pytest.mark.parametrize("last", [False, True])
def test_it_fires_in_the_next_epoch_as_where_the_length_is_known(last):
    arguments = {"every": 4, "seed": 1, "last": last}
    known, unknown = _model(), _model()
    seen = {id(known): [], id(unknown): []}

    class Peek(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen[id(self.model)].append(_kernel(self.model).copy())

    for model, data in ((known, None), (unknown, _batches())):
        callback = ShrinkPerturb(0.5, 0.1, "step", **arguments)
        validation = {"validation_data": (X, Y)}
        _fit(model, callback, Peek(), epochs=3, data=data, **validation)
    assert _same(_weights(known), _weights(unknown))
    assert _same(seen[id(known)], seen[id(unknown)])


# --- other callbacks that write weights


@pytest.mark.quick(1)
@pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="there Keras loses averages at the end of a fit without callbacks",
)
@pytest.mark.parametrize(
    "schedule",
    [
        {"when": "epoch", "every": 2},
        {"when": "epoch", "every": 2, "optimizer": "keep"},
        {"when": "step", "every": 5, "optimizer": "reset_slots"},
        {},
    ],
)
def test_swapped_averages_are_right_in_either_order(schedule):
    ends = []
    for ours_first in (True, False):
        optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8)
        model = _model(optimizer)
        _fit(model)
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        ours = ShrinkPerturb(0.3, 0.2, seed=4, **schedule)
        pair = [ours, swap] if ours_first else [swap, ours]
        _fit(model, *pair, epochs=5)
        ends.append(_weights(model))
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_with_swapped_averages_the_raw_weights_are_shrunk():
    """With a rate of 0 nothing else moves them."""
    for ours_first in (True, False):
        optimizer = keras.optimizers.SGD(0.0, use_ema=True, ema_momentum=0.5)
        model = _model(optimizer)
        before = _kernel(model).copy()
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        ours = ShrinkPerturb(0.5, 0, "epoch", every=1)
        pair = [ours, swap] if ours_first else [swap, ours]
        _fit(model, *pair, epochs=3)
        np.testing.assert_allclose(_kernel(model), before / 4, rtol=1e-5)


def test_a_plateau_of_last_week_does_not_slow_down_this_one():
    model = _model(keras.optimizers.SGD(0.01))
    for _ in range(3):
        plateau = keras.callbacks.ReduceLROnPlateau(
            "loss", factor=0.1, patience=1, min_delta=1e9
        )
        callbacks = [ShrinkPerturb(0.9, 0), plateau]
        logged = _fit(model, *callbacks, epochs=4).history["learning_rate"]
        assert logged[0] == pytest.approx(0.01)
        assert logged[-1] < 0.001


@pytest.mark.quick(3)
@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize(
    "schedule",
    [{}, {"when": "epoch", "every": 1}, {"when": "step", "every": 3}],
)
def test_a_schedule_of_this_week_has_the_last_word(ours_first, schedule):
    model = _model(keras.optimizers.SGD(0.01))
    for start in (0.02, 0.004):
        rates = keras.callbacks.LearningRateScheduler(
            lambda epoch, rate, start=start: start * 0.5**epoch
        )
        ours = ShrinkPerturb(0.9, 0, **schedule)
        pair = [ours, rates] if ours_first else [rates, ours]
        logged = _fit(model, *pair, epochs=3).history["learning_rate"]
        np.testing.assert_allclose(
            logged, [start, start / 2, start / 4], rtol=1e-5
        )


# --- state that is saved, restored, copied


class Loading(keras.callbacks.Callback):
    """Loads weights when the fit begins, as one's own callbacks may."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_begin(self, logs=None):
        self.model.load_weights(self.path)


@pytest.mark.quick(2)
@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("ours_first", [True, False])
def test_weights_of_an_earlier_fit_do_not_make_a_later_one_skip(
    tmp_path, epochs, ours_first
):
    path = str(tmp_path / "last.weights.h5")
    save = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    model = _model(keras.optimizers.SGD(0.0))
    _fit(model, ShrinkPerturb(0.5, 0), save, epochs=epochs)
    before = _kernel(model).copy()
    again = ShrinkPerturb(0.5, 0)
    pair = [again, Loading(path)] if ours_first else [Loading(path), again]
    _fit(model, *pair, epochs=epochs)
    assert again.report is not None
    np.testing.assert_allclose(_kernel(model), before / 2, rtol=1e-6)


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_the_fit_after_one_that_was_resumed_begins_at_its_beginning(tmp_path):
    model = _model()

    def callbacks():
        folder = tmp_path / "backup"
        return [ShrinkPerturb(0.5, 0), keras.callbacks.BackupAndRestore(folder)]

    with pytest.raises(KeyboardInterrupt):
        _fit(model, *callbacks(), Kill(), epochs=4)
    assert _fit(model, *callbacks(), epochs=4).epoch == [2, 3]
    callback = ShrinkPerturb(0.5, 0)
    assert _fit(model, callback, epochs=4).epoch == [0, 1, 2, 3]
    assert callback.report is not None


@pytest.mark.slow
def test_it_can_be_pickled_after_a_fit_and_goes_on():
    callback = ShrinkPerturb(0.5, 0.1, seed=3)
    model = _model()
    _fit(model, callback)
    again = pickle.loads(pickle.dumps(callback))
    assert again.get_config() == callback.get_config()
    assert str(again.report) == str(callback.report)
    ends = []
    for one in (callback, again):
        model = _model()
        _fit(model, one)
        ends.append(_weights(model))
    assert _same(*ends)


def test_a_fit_within_a_fit_needs_a_callback_of_its_own():
    ours = ShrinkPerturb(0.5, 0, "epoch", every=1)
    ours.set_model(_model())
    _fit(_model(), ours)  # as by another callback of the first fit
    with pytest.raises(ValueError, match="of its own"):
        ours.on_epoch_begin(1)
    # One after another is fine.
    ours.report = None
    _fit(_model(), ours)
    assert ours.report is not None


def test_two_threads_need_a_callback_each():
    ours = ShrinkPerturb(0.5, 0)
    ours.set_model(_model())
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ours.set_model, _model()).result()
    with pytest.raises(ValueError, match="of its own"):
        ours.on_epoch_begin(0)


@pytest.mark.slow
def test_the_seed_of_keras_does_not_fix_the_noise_but_the_own_seed_does():
    def noise(seed):
        model = _model()  # it calls keras.utils.set_random_seed
        _fit(model, ShrinkPerturb(0, 1, seed=seed), epochs=1)
        return _weights(model)

    assert not _same(noise(None), noise(None))
    assert _same(noise(7), noise(7))  # each week, in a script of its own
    assert not _same(noise(7), noise(8))
