"""Batch-norm moments at the end of `fit`: measured, or said to lag."""

import copy
import warnings

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops
from sklearn import datasets

import ws_keras
from ws_keras.callbacks import moments

X, Y = datasets.load_digits(return_X_y=True)
X = (X / 16).reshape(-1, 8, 8, 1).astype("float32")


def _split(seed):
    order = np.random.default_rng(seed).permutation(len(X))
    return order[:1347], order[1347:]


def _digits_cnn(norm=layers.BatchNormalization, **compiled):
    stack = [keras.Input((8, 8, 1))]
    for channels in (16, 32):
        stack.append(layers.Conv2D(channels, 3, padding="same"))
        stack += [norm(), layers.ReLU(), layers.MaxPooling2D()]
    stack += [layers.Flatten(), layers.Dense(10)]
    model = keras.Sequential(stack)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], **compiled)
    return model


def _fit(model, some, *callbacks, epochs=100, **keywords):
    """Returns what is said of moments in a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(
            X[some],
            Y[some],
            epochs=epochs,
            verbose=0,
            callbacks=list(callbacks),
            **keywords,
        )
    kind = moments.LaggingMoments
    return [str(w.message) for w in caught if issubclass(w.category, kind)]


def _accuracy(model, some):
    return 100 * model.evaluate(X[some], Y[some], verbose=0)[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_recipe_on_digits(seed):
    """What `fit` leaves is used as it is: right, or said not to be."""
    keras.utils.set_random_seed(seed)
    known, held_out = _split(seed)
    model = _digits_cnn()
    stop = ws_keras.StopAtAccuracy(0.99)
    _fit(model, known[:674], stop)
    last_week = model.get_weights()

    said = _fit(model, known, ws_keras.ShrinkPerturb(seed=seed), stop)
    left = _accuracy(model, held_out)
    steps = 43 * len(model.history.epoch)
    ws_keras.recalibrate(model, X[known])
    assert _accuracy(model, held_out) > 95
    assert left < 90  # so that there is something to be said
    (text,) = said
    assert "`ws_keras.recalibrate(model, x)`" in text
    assert "momentum 0.99" in text
    assert f"{steps} steps since their reset" in text

    model.set_weights(last_week)
    again = ws_keras.ShrinkPerturb(seed=seed, data=X[known])
    assert not _fit(model, known, again, stop)
    left = _accuracy(model, held_out)
    ws_keras.recalibrate(model, X[known])
    assert abs(left - _accuracy(model, held_out)) <= 3
    assert left > 95


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "norm",
    [
        lambda: layers.GroupNormalization(8),
        lambda: layers.BatchNormalization(momentum=0.5),
        lambda: layers.BatchNormalization(trainable=False),
    ],
)
def test_nothing_is_said_where_nothing_is_wrong(norm):
    keras.utils.set_random_seed(0)
    model = _digits_cnn(norm)
    again = ws_keras.ShrinkPerturb(seed=0)
    assert not _fit(model, _split(0)[0][:400], again, epochs=3)


def test_moments_that_have_settled_are_let_pass():
    keras.utils.set_random_seed(0)
    model = _digits_cnn()
    some = _split(0)[0][:200]
    assert _fit(model, some, ws_keras.ShrinkPerturb(seed=0), epochs=2)
    ws_keras.recalibrate(model, X[some])
    model.optimizer.learning_rate = 1e-9  # no weight moves any more
    warm = ws_keras.ShrinkPerturb(1.0, 0.0)
    assert not _fit(model, some, warm, epochs=3)


@pytest.mark.quick(1)
@pytest.mark.parametrize("steps_per_execution", [1, 4])
@pytest.mark.parametrize("is_known", [True, False])
def test_lag_is_seen_in_streams_too(steps_per_execution, is_known):
    def batches():
        for _ in range(2):
            for i in range(0, 640, 32):
                yield X[i : i + 32], Y[i : i + 32]

    keras.utils.set_random_seed(0)
    model = _digits_cnn(steps_per_execution=steps_per_execution)
    rule = ws_keras.StopAtAccuracy(None)
    known = {"steps_per_epoch": 20} if is_known else {}
    with pytest.warns(moments.LaggingMoments, match="recalibrate"):
        model.fit(batches(), verbose=0, callbacks=[rule], **known)
    assert rule.watch.lag.momentum == 0.99
    assert rule.watch.lag.steps == (20 if is_known else 40)
    assert rule.watch.lag.since == "in this fit"


class _Restoring(keras.callbacks.Callback):
    """Does what `EarlyStopping` does, with the weights of the first epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.kept = self.model.get_weights()

    def on_train_end(self, logs=None):
        self.model.set_weights(self.kept)


def _same_as_measured(model, some) -> bool:
    """Whether the moments are those of the weights."""
    before = [ops.convert_to_numpy(v) for v in model.weights]
    assert ws_keras.recalibrate(model, X[some])
    after = [ops.convert_to_numpy(v) for v in model.weights]
    return all(map(np.array_equal, before, after))


@pytest.mark.slow
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("validates", [True, False])
def test_moments_are_those_of_restored_weights(is_first, validates):
    keras.utils.set_random_seed(0)
    some = _split(0)[0][:320]
    model = _digits_cnn()
    stop = keras.callbacks.EarlyStopping(
        "val_loss" if validates else "loss",
        mode="max",  # the first epoch is the best
        patience=2,
        restore_best_weights=True,
    )
    again = ws_keras.ShrinkPerturb(seed=0, data=X[some])
    data = {"validation_data": (X[:64], Y[:64])} if validates else {}
    order = [again, stop] if is_first else [stop, again]
    restored = _Restoring()
    assert not _fit(model, some, *order, restored, epochs=6, **data)
    assert stop.stopped_epoch
    kept, now = restored.kept, model.get_weights()
    are_kept = [np.array_equal(*pair) for pair in zip(kept, now, strict=True)]
    names = [variable.name for variable in model.weights]
    assert all(
        kept or "moving" in name
        for kept, name in zip(are_kept, names, strict=True)
    )
    assert _same_as_measured(model, some)


@pytest.mark.quick(1)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_said_is_of_the_restored_moments(is_first):
    keras.utils.set_random_seed(0)
    some = _split(0)[0][:320]
    model = _digits_cnn()
    rule, back = ws_keras.StopAtAccuracy(None), _Restoring()
    order = [rule, back] if is_first else [back, rule]
    (text,) = _fit(model, some, *order, epochs=5)
    assert "after 10 steps in this fit" in text


@pytest.mark.slow
def test_moments_are_measured_before_validation():
    class Seen(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            self.is_right = _same_as_measured(self.model, some)

    keras.utils.set_random_seed(0)
    some = _split(0)[0][:320]  # ten batches: all are measured each time
    seen = Seen()
    again = ws_keras.ShrinkPerturb(seed=0, data=(X[some], Y[some]))
    data = {"validation_data": (X[:64], Y[:64])}
    _fit(_digits_cnn(), some, again, seen, epochs=2, **data)
    assert seen.is_right


def test_a_clean_pass_has_moments_that_fit():
    keras.utils.set_random_seed(0)
    some = _split(0)[0]
    again = ws_keras.ShrinkPerturb(seed=0, data=X[some])
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X[some], Y[some])).batch(500)
    rule = ws_keras.StopAtAccuracy(0.97, data=data)
    model = _digits_cnn()
    _fit(model, some, again, rule, epochs=20)
    assert rule.stopped_by == "threshold"
    assert len(model.history.epoch) < 5
    assert _accuracy(model, some) > 96


@pytest.mark.slow
def test_training_is_the_same_with_and_without_data():
    some = _split(0)[0][:320]
    ends = []
    for data in (None, X[some]):
        keras.utils.set_random_seed(0)
        model = _digits_cnn()
        reset = {"statistics": "reset"}
        again = ws_keras.ShrinkPerturb(seed=0, data=data, **reset)
        _fit(model, some, again, epochs=3, validation_split=0.2)
        ends.append({v.path.split("/", 1)[1]: v for v in model.weights})
    for (name, one), (_, other) in zip(
        *(end.items() for end in ends), strict=True
    ):
        values = ops.convert_to_numpy(one), ops.convert_to_numpy(other)
        assert np.array_equal(*values) == ("moving" not in name), name


def _batches(kind):
    parts = [X[i : i + 32] for i in range(0, 320, 32)]
    if kind == "generator":
        return (part for part in parts)
    if kind == "labelled":
        return [(part, Y[:32]) for part in parts]
    return parts


@pytest.mark.quick(1)
@pytest.mark.parametrize("kind", ["list", "generator", "labelled"])
@pytest.mark.parametrize("statistics", [None, "recalibrate", "keep", "reset"])
def test_iterables_of_batches(kind, statistics):
    keras.utils.set_random_seed(0)
    model = _digits_cnn()
    again = ws_keras.ShrinkPerturb(
        seed=0, statistics=statistics, data=_batches(kind)
    )
    assert not _fit(model, np.arange(320), again, epochs=1)
    before = [ops.convert_to_numpy(v) for v in model.weights]
    ws_keras.recalibrate(model, _batches("list"))
    for variable, value in zip(model.weights, before, strict=True):
        assert np.array_equal(ops.convert_to_numpy(variable), value)


@pytest.mark.slow
def test_data_that_the_model_does_not_take_end_no_fit_late():
    model = _digits_cnn()
    for statistics in (None, "keep"):
        again = ws_keras.ShrinkPerturb(
            seed=0, data=X[:, :5], statistics=statistics
        )
        with pytest.raises(ValueError, match="`data` must hold batches"):
            _fit(model, np.arange(64), again, epochs=1)

    def breaking_off():
        yield X[:32]
        raise OSError("the disk is gone")

    keras.utils.set_random_seed(0)
    again = ws_keras.ShrinkPerturb(
        seed=0, statistics="reset", data=breaking_off()
    )
    said = _fit(model, np.arange(64), again, epochs=1)
    assert len(said) == 1 and "the disk is gone" in said[0]
    assert "`ws_keras.recalibrate(model, x)`" in said[0]


@pytest.mark.slow
def test_a_callback_can_be_copied_after_its_fit():
    again = ws_keras.ShrinkPerturb(seed=0, data=X[:64])
    rule = ws_keras.StopAtAccuracy(0.99)
    _fit(_digits_cnn(), np.arange(64), again, rule, epochs=1)
    copies = copy.deepcopy(again), copy.deepcopy(rule)
    first = again.report
    _fit(_digits_cnn(), np.arange(64), *copies, epochs=1)
    # The copy has acted on its own model, and the original is as it was.
    assert copies[0].report.touched and again.report is first
    assert 0 <= copies[1].value <= 1


def test_an_interrupted_fit_leaves_nothing_behind():
    class Interrupting(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    model = _digits_cnn()
    rule = ws_keras.StopAtAccuracy(None)
    with pytest.raises(KeyboardInterrupt):
        _fit(model, np.arange(320), rule, Interrupting())
    (text,) = _fit(model, np.arange(320), rule, epochs=1)
    assert "10 steps in this fit" in text
