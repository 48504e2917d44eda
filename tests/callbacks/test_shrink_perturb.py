"""`ShrinkPerturb` inside `fit`: when it fires, and how it resumes."""

import copy
import json
import shutil

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import ws_keras
from ws_keras import ShrinkPerturb

STEPS = 4  # of an epoch
X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def _model(optimizer="adam", steps_per_execution=1, seed=3):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dense(1),
        ],
        name="model",
    )
    model.compile(optimizer, "mse", steps_per_execution=steps_per_execution)
    ws_keras.cold_start(model, seed=seed)
    return model


def _fit(model, callbacks, epochs, **arguments):
    return model.fit(
        X,
        Y,
        batch_size=len(X) // STEPS,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
        **arguments,
    )


def _values(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [ops.convert_to_numpy(v).copy() for v in variables]


def _same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


class _Recorder(ShrinkPerturb):
    """Notes the step and epoch of each application."""

    def set_model(self, model):
        super().set_model(model)
        self.fired = []
        self.numbers = []
        self.seen = 0

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(batch, logs)
        self.begun = batch

    def on_train_batch_end(self, batch, logs=None):
        # Keras gives the first or the last step of an execution, by version.
        done = self.begun + self.model.steps_per_execution
        self.seen = self._epoch * STEPS + min(done, STEPS)

    def _apply(self, what, number):
        self.fired.append(self.seen)
        self.numbers.append(number)
        super()._apply(what, number)


@pytest.fixture(scope="module")
def often_fitted():
    """A model for tests to which its weights do not matter: one trace."""
    return _model()


@pytest.mark.quick(8)
@pytest.mark.parametrize("optimizer", ["reset", "keep"])
@pytest.mark.parametrize(
    ("schedule", "fired"),
    [
        ({}, [0]),
        ({"when": "epoch", "every": 2}, [8, 16]),
        ({"when": "epoch", "every": 3}, [12]),
        ({"when": "epoch", "every": 1, "until": 3}, [4, 8]),
        ({"when": "epoch", "every": 3, "last": True}, [12, 24]),
        ({"when": "epoch", "epochs": [0, 1, 5]}, [0, 4, 20]),
        ({"when": "epoch", "epochs": [6], "last": True}, [24]),
        ({"when": "step", "every": 5}, [5, 10, 15, 20]),
        ({"when": "step", "every": 12}, [12]),
        ({"when": "step", "every": 12, "last": True}, [12, 24]),
        ({"when": "step", "every": 1, "until": 1}, [1, 2, 3]),
    ],
)
def test_the_exact_steps_at_which_it_fires(
    often_fitted, schedule, fired, optimizer
):
    callback = _Recorder(0.5, 0.1, optimizer=optimizer, **schedule)
    _fit(often_fitted, [callback], epochs=6)
    assert callback.fired == fired


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras runs single steps there"
)
@pytest.mark.quick(1)
@pytest.mark.parametrize("optimizer", ["reset", "keep"])
def test_steps_per_execution_that_does_not_divide(optimizer):
    # Executions end at steps 3, 4 | 7, 8 | 11, 12 | ...; due are 5, 10, ...
    callback = _Recorder(0.5, 0.1, "step", every=5, optimizer=optimizer)
    _fit(_model(steps_per_execution=3), [callback], epochs=6)
    assert callback.fired == [7, 11, 15, 20]


def test_a_due_step_at_the_end_of_the_fit_waits_for_last(often_fitted):
    callback = _Recorder(0.5, 0.1, "step", every=8)
    _fit(often_fitted, [callback], epochs=6)
    assert callback.fired == [8, 16]
    with pytest.raises(ValueError, match="every=24.* with 24 steps in 6"):
        _fit(often_fitted, [_Recorder(0.5, 0.1, "step", every=24)], epochs=6)


def test_the_end_of_an_epoch_sees_the_trained_model():
    """What is validated and saved is never freshly perturbed."""
    epoch_ends, plain = [], []

    def seen(into):
        return keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: into.append(logs["loss"])
        )

    model = _model()
    callback = ShrinkPerturb(0.1, 0.1, "epoch", every=2, seed=1)
    _fit(model, [callback, seen(epoch_ends)], epochs=3)
    _fit(_model(), [seen(plain)], epochs=3)
    assert epoch_ends[:2] == plain[:2]
    assert epoch_ends[2] != plain[2]


def test_the_weights_before_training_are_those_of_the_formula():
    model = _model()
    kernel = model.layers[0].kernel.numpy()
    taken = []
    peek = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: taken.append(
            model.layers[0].kernel.numpy()
        )
    )
    _fit(model, [ShrinkPerturb(0.25, 0), peek], epochs=1)
    np.testing.assert_array_equal(taken[0], 0.25 * kernel)


def test_one_and_zero_trains_like_no_callback():
    ours, plain = _model(), _model()
    _fit(ours, [ShrinkPerturb(1, 0, "step", every=3)], epochs=4)
    _fit(plain, [], epochs=4)
    assert _same(_values(ours), _values(plain))


def test_each_fit_and_each_application_draws_anew_and_a_seed_repeats_them():
    def noises():
        model = _model()
        callback = ShrinkPerturb(0, 1, "epoch", epochs=(0, 1), seed=9)
        taken = []
        peek = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: taken.append(
                model.layers[0].kernel.numpy()
            )
        )
        for _ in range(2):
            _fit(model, [callback, peek], epochs=2)
        return [taken[i * STEPS] for i in range(4)]

    first, second = noises(), noises()
    assert _same(first, second)
    for i, a in enumerate(first):
        for b in first[:i]:
            assert (a != b).all()


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch traces no graphs"
)
def test_no_new_trace():
    model = _model()
    traces = []

    @keras.saving.register_keras_serializable(package="test")
    def loss(y, predicted):
        traces.append(1)
        return keras.ops.mean((y - predicted) ** 2)

    model.compile("adam", loss)
    _fit(model, [ShrinkPerturb(0.5, 0.1, "step", every=3)], epochs=3)
    once = len(traces)
    _fit(model, [ShrinkPerturb(0.5, 0.1, "epoch", every=1)], epochs=3)
    assert len(traces) == once


def test_log_adds_the_report_to_the_history():
    callback = ShrinkPerturb(0.5, 0.1, "epoch", every=2, log=True)
    history = _fit(_model(), [callback], epochs=3).history
    totals = callback.report.totals()
    # Nothing has been applied when the first two epochs end.
    assert history["shrink_perturb_cosine"] == [totals["cosine"]]
    assert 0 < totals["norm_after"] < totals["norm_before"]


class _Kill(keras.callbacks.Callback):
    """Ends the fit as a crash would, at the end of some step."""

    def __init__(self, at):
        super().__init__()
        self.at = at
        self.seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.at:
            raise KeyboardInterrupt


class _Break(keras.callbacks.Callback):
    """Ends the fit at the beginning of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def _interrupted(folder, schedule, at, ours_first, again=None, **restoring):
    """Fits with BackupAndRestore, killed at a step, then starts again."""
    for kill in ([_Kill(at)], []):
        model = _model(seed=3 if kill else 4)  # other weights: restored ones
        callback = ShrinkPerturb(0.5, 0.1, seed=2, **schedule)
        if again and not kill:
            callback = again
        restore = keras.callbacks.BackupAndRestore(folder, **restoring)
        callbacks = [callback, restore] if ours_first else [restore, callback]
        try:
            _fit(model, [*callbacks, *kill], epochs=6)
        except KeyboardInterrupt:
            continue
        return model
    raise AssertionError("the second fit did not end")


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "ours_first", [True, pytest.param(False, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "at", [6, *(pytest.param(at, marks=pytest.mark.slow) for at in (1, 8, 17))]
)
@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"when": "epoch", "epochs": [0, 1, 2, 5]},
        {"when": "step", "every": 5},
        pytest.param(
            {"when": "step", "every": 3, "optimizer": "keep"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_interrupted_fit_ends_with_the_same_weights(
    tmp_path, schedule, at, ours_first
):
    if at < STEPS:
        # Nothing was saved yet: the second fit starts from other weights.
        want = _model(seed=4)
    else:
        want = _model(seed=3)
    _fit(want, [ShrinkPerturb(0.5, 0.1, seed=2, **schedule)], epochs=6)
    got = _interrupted(tmp_path / "backup", schedule, at, ours_first)
    assert _same(_values(got), _values(want))


@pytest.mark.slow
@pytest.mark.parametrize(
    "ours_first", [pytest.param(True, marks=pytest.mark.slow), False]
)
def test_without_a_seed_a_restored_fit_goes_on_with_the_saved_one(
    tmp_path, ours_first
):
    schedule = {"when": "epoch", "every": 2}
    model = _model()
    folder = tmp_path / "backup"

    def callbacks():
        restore = keras.callbacks.BackupAndRestore(folder)
        ours = ShrinkPerturb(0.5, 0.1, **schedule)
        return [ours, restore] if ours_first else [restore, ours]

    with pytest.raises(KeyboardInterrupt):
        _fit(model, [*callbacks(), _Kill(6)], epochs=6)
    # The rest of the fit twice, from the same backup.
    ends = []
    for number in range(2):
        copied = tmp_path / f"copy{number}"
        shutil.copytree(folder, copied)
        model = _model(seed=4)
        restore = keras.callbacks.BackupAndRestore(copied)
        ours = ShrinkPerturb(0.5, 0.1, **schedule)
        both = [ours, restore] if ours_first else [restore, ours]
        _fit(model, both, epochs=6)
        ends.append(_values(model))
    assert _same(*ends)


@pytest.mark.parametrize(
    "ours_first", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_a_restart_with_other_arguments_is_refused(tmp_path, ours_first):
    other = ShrinkPerturb(0.5, 0.2, "epoch", every=2, seed=2)
    schedule = {"when": "epoch", "every": 2}
    with pytest.raises(ValueError, match="had perturb=0.1.*perturb=0.2"):
        _interrupted(tmp_path / "b", schedule, 10, ours_first, again=other)


@pytest.mark.slow
def test_two_callbacks_are_both_restored(tmp_path):
    """Each has a state of its own in the backup."""

    def callbacks():
        return [
            ShrinkPerturb(0.5, 0.1, seed=2, include="kernel"),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
            ShrinkPerturb(0.3, 0.1, "epoch", every=2, seed=1, exclude="kernel"),
        ]

    want = _model()
    _fit(want, callbacks(), epochs=6)
    with pytest.raises(KeyboardInterrupt):
        _fit(_model(), [*callbacks(), _Kill(14)], epochs=6)
    got = _model(seed=4)
    _fit(got, callbacks(), epochs=6)
    assert _same(_values(got), _values(want))


def test_a_fit_that_broke_off_leaves_nothing_in_the_way(tmp_path):
    """New callback objects, the same model object, no new process."""

    def callbacks():
        restore = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [restore, ShrinkPerturb(0.5, 0.1, seed=2)]

    want = _model()
    _fit(want, [ShrinkPerturb(0.5, 0.1, seed=2)], epochs=6)
    model = _model()
    with pytest.raises(KeyboardInterrupt):
        _fit(model, [*callbacks(), _Kill(14)], epochs=6)
    _fit(model, callbacks(), epochs=6)
    assert _same(_values(model), _values(want))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours_first", "optimizer"),
    [
        (True, "reset"),
        pytest.param(False, "keep", marks=pytest.mark.slow),
        pytest.param(False, "reset_slots", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_second_fit_counts_its_own_steps(
    tmp_path, ours_first, optimizer
):
    """Weekly retraining: the optimizer has counted an earlier fit's steps."""

    def run(folder, kill):
        model = _model()
        _fit(model, [], epochs=2)
        ours = _Recorder(0.5, 0.1, "step", every=3, seed=5, optimizer=optimizer)
        restore = keras.callbacks.BackupAndRestore(tmp_path / folder)
        both = [ours, restore] if ours_first else [restore, ours]
        try:
            _fit(model, [*both, *kill], epochs=5)
        except KeyboardInterrupt:
            pass
        return model, ours.numbers

    want, fired = run("whole", [])
    assert fired == [3, 6, 9, 12, 15, 18]
    assert run("broken", [_Kill(14)])[1] == [3, 6, 9, 12]
    got, fired = run("broken", [])
    assert fired == [12, 15, 18]
    assert _same(_values(got), _values(want))


@pytest.mark.parametrize(
    ("schedule", "steps_per_execution", "ours_first"),
    [
        pytest.param(
            {"when": "epoch", "every": 2}, 1, True, marks=pytest.mark.slow
        ),
        pytest.param(
            {"when": "step", "every": 3}, 1, True, marks=pytest.mark.slow
        ),
        ({"when": "step", "every": 3}, 1, False),
        pytest.param(
            {"when": "step", "every": 5}, 3, True, marks=pytest.mark.slow
        ),
    ],
)
def test_model_checkpoint_and_initial_epoch(
    tmp_path, ours_first, steps_per_execution, schedule
):
    path = str(tmp_path / "model.keras")

    def callbacks():
        save = keras.callbacks.ModelCheckpoint(path)
        ours = ShrinkPerturb(0.5, 0.1, seed=2, **schedule)
        return [ours, save] if ours_first else [save, ours]

    want = _model(steps_per_execution=steps_per_execution)
    _fit(want, callbacks(), epochs=6)
    broken = _model(steps_per_execution=steps_per_execution)
    with pytest.raises(KeyboardInterrupt):
        _fit(broken, [*callbacks(), _Break(3)], epochs=6)
    loaded = keras.models.load_model(path)
    # Keras does not save this one.
    loaded.steps_per_execution = steps_per_execution
    _fit(loaded, callbacks(), epochs=6, initial_epoch=3)
    assert _same(_values(loaded), _values(want))


def test_a_fit_that_continues_by_initial_epoch_is_not_shrunk_again():
    model = _model()
    with pytest.warns(UserWarning, match="begins with epoch 2"):
        _fit(model, [ShrinkPerturb(0, 0)], epochs=3, initial_epoch=2)
    assert np.abs(model.layers[0].kernel.numpy()).max() > 0.05


def test_saved_files_do_not_show_the_state(tmp_path):
    model = _model()
    save = keras.callbacks.ModelCheckpoint(str(tmp_path / "m.keras"))
    _fit(model, [ShrinkPerturb(), save], epochs=1)
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert len(loaded.variables) == len(model.variables)
    assert [layer.name for layer in loaded.layers] == [
        layer.name for layer in model.layers
    ]
    # A later fit of the loaded model is a new one: it is shrunk.
    kernel = loaded.layers[0].kernel.numpy()
    callback = _Recorder(0.5, 0)
    _fit(loaded, [callback], epochs=1)
    assert callback.fired == [0]
    line = callback.report.lines[0]
    assert line.norm_before == pytest.approx(np.linalg.norm(kernel))


def test_a_model_trained_before_is_shrunk_at_each_new_fit():
    """Retraining every week: one callback object or a new one each time."""
    model = _model()
    shared = _Recorder(0.5, 0.1)
    for callback in (shared, shared, _Recorder(0.5, 0.1)):
        _fit(model, [callback], epochs=2)
        assert callback.fired == [0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shrink": 1.4}, "shrink=1.4"),
        ({"perturb": -1}, "perturb=-1"),
        ({"when": "never"}, "when='never'"),
        ({"when": "epoch"}, "every=None"),
        ({"noise": "pink"}, "noise='pink'"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"statistics": "x"}, "statistics='x'"),
        ({"optimizer": "x"}, "optimizer='x'"),
    ],
)
def test_bad_arguments_are_refused_when_it_is_made(arguments, message):
    with pytest.raises(ValueError, match=f"Received: {message}"):
        ShrinkPerturb(**arguments)


def test_a_schedule_beyond_the_fit_is_refused_before_training():
    model = _model()
    model.optimizer.build(model.trainable_variables)
    before = _values(model)
    with pytest.raises(ValueError, match="in a fit of 2 epochs"):
        _fit(model, [ShrinkPerturb(when="epoch", every=2)], epochs=2)
    assert _same(_values(model), before)


@keras.saving.register_keras_serializable(package="test")
def _noise(weight, rng):
    return rng.standard_normal(weight.shape)


@keras.saving.register_keras_serializable(package="test")
def _is_kernel(layer, variable):
    return "kernel" in variable.path


@keras.saving.register_keras_serializable(package="test")
class _Own(layers.Dense):
    pass


@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": 3, "noise": "scaled", "log": True},
        {"when": "epoch", "epochs": np.array([1, 4]), "seed": np.int64(3)},
        {"noise": _noise},
        {"include": [_is_kernel, "bias"]},
        {"exclude": layers.BatchNormalization},
        {"include": (_Own, layers.Dense)},
        {"include": {"a", "b"}},
        {"shrink": {layers.Dense: (0.4, 0.1), "norm": (0.9, 0)}},
        {"build_fn": _model},
    ],
)
def test_config_round_trip(arguments):
    keras.saving.register_keras_serializable(package="test")(_model)
    callback = ShrinkPerturb(**{"shrink": 0.3, "perturb": 0.2, **arguments})
    config = keras.saving.serialize_keras_object(callback)
    config = json.loads(json.dumps(config))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == callback.get_config()
    for name, value in arguments.items():
        if name in ("noise", "exclude", "shrink", "build_fn"):
            assert again._arguments[name] == value


def test_a_layer_object_is_no_config():
    callback = ShrinkPerturb(include=_model().layers[0])
    with pytest.raises(ValueError, match="`include` must not hold a layer"):
        callback.get_config()


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"include": "kernel"}, {"include": "bias"}),
        pytest.param({"exclude": "bias"}, {}, marks=pytest.mark.slow),
        ({"exclude": layers.Dense}, {"exclude": layers.BatchNormalization}),
        ({"shrink": {"k": (0.4, 0)}}, {"shrink": {"k": (0.9, 0)}}),
        pytest.param(
            {},
            {"noise": lambda weight, rng: weight},
            marks=pytest.mark.slow,
        ),
        ({"noise": _noise}, {"noise": lambda weight, rng: weight}),
        ({"seed": 1}, {"seed": 2}),
    ],
)
def test_a_restart_with_another_selection_is_refused(tmp_path, before, after):
    def callbacks(arguments):
        arguments = {"seed": 1, **arguments}
        return [
            ShrinkPerturb(when="epoch", every=2, **arguments),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        ]

    with pytest.raises(KeyboardInterrupt):
        _fit(_model(), [*callbacks(before), _Kill(14)], epochs=6)
    with pytest.raises(ValueError, match="must be continued with the same"):
        _fit(_model(), callbacks(after), epochs=6)


def test_a_restart_with_the_same_selection_made_anew_is_not(tmp_path):
    def callbacks(model):
        return [
            ShrinkPerturb(
                noise=lambda weight, rng: rng.random(weight.shape),
                include=[model.layers[0], layers.BatchNormalization],
                exclude={"beta", "bias"},
            ),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        ]

    model = _model()
    with pytest.raises(KeyboardInterrupt):
        _fit(model, [*callbacks(model), _Kill(14)], epochs=6)
    # Its layers have other names, if Keras has named them.
    model = _model()
    history = _fit(model, callbacks(model), epochs=6)
    assert history.epoch == [3, 4, 5]


def test_a_fit_without_an_epoch_does_nothing():
    model = _model()
    before = _values(model)
    callback = ShrinkPerturb(when="epoch", every=2, last=True)
    _fit(model, [callback], epochs=4, initial_epoch=4)
    assert _same(_values(model)[: len(before)], before)


def test_evaluate_and_predict_leave_nothing_on_the_model():
    model = _model()
    model.evaluate(X, Y, verbose=0, callbacks=[ShrinkPerturb()])
    model.predict(X, verbose=0, callbacks=[ShrinkPerturb()])
    assert not [name for name in vars(model) if "ws_keras" in name]


def test_copies_can_be_made_of_a_callback_that_was_interrupted():
    callback = ShrinkPerturb(0.5, 0.1, seed=1)
    with pytest.raises(KeyboardInterrupt):
        _fit(_model(), [callback, _Kill(3)], epochs=2)
    copied = copy.deepcopy(callback)
    assert copied.get_config() == callback.get_config()
    model = _model()
    _fit(model, [copied], epochs=2)


def test_a_training_step_with_optimizers_of_its_own_is_warned_of():
    class Own(keras.Model):
        def train_step(self, *data):
            return {"loss": 0.0}

    inputs = keras.Input((3,))
    model = Own(inputs, layers.Dense(1)(inputs))
    model.compile(run_eagerly=True)
    callback = ShrinkPerturb(when="step", every=3)
    with pytest.warns(UserWarning, match="made no step in this fit"):
        _fit(model, [callback], epochs=3)
    assert callback.report is None
