"""Any task, metric and input of a user's own model, on real rows."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn import datasets

import ws_keras
from ws_keras import growing
from ws_keras.report import writing
from ws_keras.report.render import palette
from ws_keras.storage import metric as metrics

SUGAR = datasets.load_diabetes(return_X_y=True, scaled=False)
X = ((SUGAR[0] - SUGAR[0].mean(0)) / SUGAR[0].std(0)).astype("float32")
Y = SUGAR[1]
DIGITS, DIGIT = datasets.load_digits(return_X_y=True)
DIGITS = (DIGITS / 16).astype("float32")
TWO = {"until": ws_keras.Until(epochs=2), "seeds": (0,), "verbose": 0}


def parts(x, y, *bounds):
    """Pairs of samples and targets, cut at the bounds."""
    cuts = [slice(*pair) for pair in zip(bounds, bounds[1:], strict=False)]
    return [(x[cut], y[cut]) for cut in cuts]


def dense(units, loss, metrics=(), size=10, rate=0.05):
    def build():
        model = keras.Sequential(
            [keras.Input((size,)), layers.Dense(8, "relu"), layers.Dense(units)]
        )
        model.compile(keras.optimizers.Adam(rate), loss, metrics=list(metrics))
        return model

    return build


def logits(kind):
    return getattr(keras.losses, kind)(from_logits=True)


@pytest.fixture(scope="module")
def sugar():
    """Numbers are predicted, and old and new patients told apart."""
    ends = {}
    found = growing.fit_rounds(
        dense(1, "mse", ["mae", "r2_score"]),
        parts(X, Y, 0, 60, 120, 180),
        parts(X, Y, 180, 260, 340, 442),
        ("cold", "warm"),
        seeds=(0, 1),
        until=ws_keras.Until(epochs=6),
        replay=0.5,
        verbose=0,
        on_end=lambda s, m: ends.setdefault(
            s.id, m.predict(X, verbose=0)[:, 0]
        ),
    )
    return found, ends


def test_numbers_are_compared_by_their_error(sugar):
    found, ends = sugar
    assert found.metric == metrics.Metric("mae", "min")
    for row in found.rows:
        if row.last:
            errors = np.abs(ends[row.setting][180:] - Y[180:])
            assert row.measures["mae"] == pytest.approx(errors.mean(), rel=1e-5)
    assert "variation between seeds" not in found.verdict
    assert " mae |" in str(found)


def test_the_best_constant_is_what_must_be_beaten(sugar):
    found, _ = sugar
    # After six epochs no network of sixty patients is near it.
    errors = {
        name: np.abs(Y[180:] - constant(Y[:180])).mean()
        for name, constant in (("mean", np.mean), ("median", np.median))
    }
    name = min(errors, key=errors.get)
    what = f"the {name} of the training targets (mae {errors[name]:.2f})"
    assert f"better than always giving {what}" in found.verdict
    assert found.recommended is None


def test_old_and_new_held_out_samples_stand_side_by_side(sugar):
    found, ends = sugar
    for row in found.rows:
        if row.last:
            errors = np.abs(ends[row.setting] - Y)
            old, new = errors[180:340].mean(), errors[340:].mean()
            assert row.measures["mae_old"] == pytest.approx(old, rel=1e-5)
            assert row.measures["mae_new"] == pytest.approx(new, rel=1e-5)
        assert ("mae_old" in row.measures) == (row.round > 1)
        assert "mae_old_classes" not in row.measures
    assert "of earlier rounds" in str(found)


def test_a_share_of_old_samples_is_replayed(sugar):
    found, _ = sugar
    sizes = {(r.arm, r.seed): [] for r in found.rows}
    for row in found.rows:
        sizes[row.arm, row.seed].append(row.num_samples)
    assert set(map(tuple, sizes.values())) == {(60, 60 + 30, 60 + 60)}


def test_a_comparison_is_a_frame_a_page_and_a_plot(sugar):
    found, _ = sugar
    frame = found.to_frame()
    assert len(frame) == len(found.rows)
    assert frame["mae"].tolist() == [r.measures["mae"] for r in found.rows]
    page = found._repr_html_()
    assert page.count("<table>") == 2 and "<pre>cold: mae " in page
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = found.plot()
    assert ax.get_ylabel() == "held-out mae, last round"
    costs = [c.lines[0].get_xdata()[0] for c in ax.containers]
    assert costs == [6 * (60 + 90 + 120)] * 2
    drawn = {c.get_label(): c.lines[0].get_color() for c in ax.containers}
    assert drawn.items() >= palette.COLORS.items()


def test_replayed_samples_are_the_same_for_all_arms(monkeypatch):
    seen = {}
    real = growing.comparing.Loop._indices

    def indices(self, seed, number):
        found = real(self, seed, number)
        seen.setdefault((seed, number), []).append(found)
        return found

    monkeypatch.setattr(growing.comparing.Loop, "_indices", indices)
    growing.fit_rounds(
        dense(1, "mse"),
        parts(X, Y, 0, 40, 80),
        (X[80:120], Y[80:120]),
        ("cold", "warm"),
        replay=0.25,
        **TWO,
    )
    *_, first, second = seen[0, 2]
    np.testing.assert_array_equal(first, second)
    assert first[10:].tolist() == list(range(40, 80)) and first[9] < 40


@pytest.mark.parametrize("share", [-0.1, 1.5, "half", True])
def test_shares_that_are_none(share):
    with pytest.raises(ValueError, match="replay="):
        growing.fit_rounds(dense(1, "mse"), [], (X, Y), replay=share)


def test_new_classes_are_measured_apart():
    late = (DIGIT == 9)[:400]
    x, y = DIGITS[:400], DIGIT[:400]
    predicted = {}
    found = growing.fit_rounds(
        dense(10, logits("SparseCategoricalCrossentropy"), ["accuracy"], 64),
        [(x[~late][:200], y[~late][:200]), (x[late], y[late])],
        (DIGITS[400:700], DIGIT[400:700]),
        ("warm",),
        replay=0.0,
        on_end=lambda s, m: predicted.update(
            {0: m.predict(DIGITS[400:700], verbose=0).argmax(1)}
        ),
        **TWO,
    )
    right = 100.0 * (predicted[0] == DIGIT[400:700])
    is_new = DIGIT[400:700] == 9
    (row,) = [row for row in found.rows if row.last]
    assert row.measures == {
        "accuracy_old_classes": pytest.approx(right[~is_new].mean(), abs=1e-4),
        "accuracy_new_classes": pytest.approx(right[is_new].mean(), abs=1e-4),
    }
    assert row.num_samples == late.sum()
    assert "of new classes" in str(found)
    assert "`held_out` as a list" in found.verdict


TASKS = {
    "binary": (
        dense(
            1,
            logits("BinaryCrossentropy"),
            [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
        ),
        Y > 140,
        {},
        "accuracy",
    ),
    "area": (
        dense(
            1,
            logits("BinaryCrossentropy"),
            [keras.metrics.AUC(from_logits=True)],
        ),
        Y > 140,
        {"monitor": "auc"},
        "auc",
    ),
    "one-hot": (
        dense(3, logits("CategoricalCrossentropy"), ["accuracy"]),
        np.eye(3)[np.digitize(Y, [100, 200])],
        {},
        "accuracy",
    ),
    "labels": (
        dense(2, logits("BinaryCrossentropy")),
        np.stack([Y > 140, X[:, 2] > 0], 1),
        {"monitor": "loss"},
        "loss",
    ),
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", TASKS)
def test_kinds_of_targets(name):
    build, y, given, metric = TASKS[name]
    found = growing.fit_rounds(
        build,
        parts(X, y, 0, 50, 100),
        (X[200:], y[200:]),
        ("warm",),
        **{**TWO, "until": ws_keras.Until(epochs=15), **given},
    )
    assert found.metric.name == metric
    assert found.metric.mode == ("min" if metric == "loss" else "max")
    assert ("variation between seeds" in found.verdict) == (metric == "auc")
    # Fifteen epochs are more than chance.
    assert "significantly" not in found.verdict, found.verdict


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "metric, words",
    [
        ("accuracy", "threshold=0.0"),
        (keras.metrics.AUC(name="auc"), "from_logits=True"),
        (keras.metrics.Recall(name="recall"), "Recall"),
    ],
)
def test_metrics_that_take_logits_for_probabilities(metric, words):
    name = getattr(metric, "name", metric)
    # A fresh one: metrics keep their variables.
    if not isinstance(metric, str):
        metric = type(metric).from_config(metric.get_config())
    with pytest.raises(ValueError, match="must accept logits") as error:
        growing.fit_rounds(
            dense(1, logits("BinaryCrossentropy"), [metric]),
            parts(X, Y > 140, 0, 50, 100),
            (X[200:], Y[200:] > 140),
            monitor=name,
            **TWO,
        )
    assert words in str(error.value)


def several():
    x = {"a": keras.Input((4,), name="a"), "b": keras.Input((6,), name="b")}
    hidden = layers.Dense(8, "relu")(layers.Concatenate()([x["a"], x["b"]]))
    y = {
        "level": layers.Dense(1, name="level")(hidden),
        "kind": layers.Dense(3, name="kind")(hidden),
    }
    model = keras.Model(x, y)
    model.compile(
        keras.optimizers.Adam(0.05),
        {"level": "mse", "kind": logits("SparseCategoricalCrossentropy")},
        metrics={"level": ["mae"], "kind": ["accuracy"]},
    )
    return model


def of_several(cut):
    kind = np.digitize(Y, [100, 200])
    x = {"a": X[cut, :4], "b": X[cut, 4:]}
    return x, {"level": Y[cut] / 100, "kind": kind[cut].astype(float)}


@pytest.mark.quick(1)
@pytest.mark.parametrize("monitor", [None, "level_mae", "kind_accuracy"])
def test_several_inputs_and_outputs(monitor):
    cuts = slice(0, 50), slice(50, 100), slice(100, 300)
    ends = []
    found = growing.fit_rounds(
        several,
        [of_several(cut) for cut in cuts[:2]],
        of_several(cuts[2]),
        ("warm",),
        monitor=monitor,
        on_end=lambda s, m: ends.append(
            m.predict(of_several(cuts[2])[0], verbose=0)
        ),
        **TWO,
    )
    value = metrics.of(found.rows[-1]).value(found.rows[-1])
    errors = np.abs(ends[0]["level"][:, 0] - Y[100:300] / 100)
    kind = np.digitize(Y, [100, 200])[100:300]
    expected = {
        None: found.rows[-1].eval_loss,
        "level_mae": errors.mean(),
        "kind_accuracy": 100 * np.mean(ends[0]["kind"].argmax(1) == kind),
    }
    assert value == pytest.approx(expected[monitor], rel=1e-4)
    assert ("variation between seeds" in found.verdict) == (monitor is None)


def test_weights_count_in_training():
    """As a loop of Keras with the same weights in the same order."""
    weights = np.linspace(0, 2, 40).astype("float32")
    ends = []
    growing.fit_rounds(
        (model := dense(1, "mse")()),
        [(X[:40], Y[:40], weights)],
        (X[40:80], Y[40:80]),
        ("warm",),
        first_round=True,
        batch_size=10,
        monitor="loss",
        on_end=lambda s, m: ends.append(m.get_weights()),
        **TWO,
    )
    model.optimizer.build(model.trainable_variables)
    for epoch in (1, 2):
        rng = ws_keras.seeds.generator(0, "order", 1, epoch)
        for batch in np.split(rng.permutation(40), 4):
            model.train_on_batch(X[batch], Y[batch], weights[batch])
    for ours, theirs in zip(ends[0], model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "until, callbacks, stopped_by",
    [
        (
            ws_keras.Until(monitor="val_loss", patience=1, max_epochs=9),
            [],
            "plateau",
        ),
        (
            ws_keras.Until(monitor="val_mae", threshold=1e6),
            [],
            "threshold",
        ),
        (
            ws_keras.Until(epochs=9),
            [keras.callbacks.EarlyStopping("val_loss", patience=1)],
            "callback",
        ),
        (ws_keras.Until(monitor="mse", threshold=1e9), [], "threshold"),
    ],
)
def test_rounds_end_by_any_metric(until, callbacks, stopped_by):
    found = growing.fit_rounds(
        dense(1, "mse", ["mae", "mse"], rate=2.0),
        parts(X, Y, 0, 50, 100),
        (X[200:], Y[200:]),
        ("warm",),
        **{**TWO, "until": until},
        callbacks=callbacks,
    )
    assert {row.stopped_by for row in found.rows} == {stopped_by}
    said = "on the held-out samples" in found.verdict
    assert said == str(until.monitor).startswith("val_")


@pytest.mark.slow
def test_a_model_of_one_batch_size_gets_no_other():
    """Keras itself refuses batches of another size."""

    def build():
        model = keras.Sequential(
            [
                keras.Input(batch_shape=(8, 8, 8)),
                layers.GRU(4, stateful=True),
                layers.Dense(10),
            ]
        )
        loss = logits("SparseCategoricalCrossentropy")
        model.compile("adam", loss, metrics=["accuracy"])
        return model

    x = DIGITS.reshape(-1, 8, 8)
    found = growing.fit_rounds(
        build,
        parts(x, DIGIT, 0, 30, 61),
        (x[100:130], DIGIT[100:130]),
        ("cold", "warm"),
        **TWO,
    )
    # 30 = 3 * 8 + 6 and 61 = 7 * 8 + 5.
    assert [row.sample_passes for row in found.rows] == [48, 112] * 2
    assert "the last 6 held-out samples" in found.verdict
    with pytest.raises(ValueError, match="only batches of 8"):
        growing.fit_rounds(
            build,
            parts(x, DIGIT, 0, 30, 61),
            (x[100:130], DIGIT[100:130]),
            batch_size=16,
        )


def test_pipelines_and_frames_give_the_rows_of_arrays():
    pandas = pytest.importorskip("pandas")
    tf = pytest.importorskip("tensorflow")
    rounds = parts(X, Y, 0, 50, 100)
    held_out = X[200:], Y[200:]
    model = dense(1, "mse", ["mae"])()  # one trace for both calls

    def call(rounds, held_out):
        found = growing.fit_rounds(model, rounds, held_out, ("warm",), **TWO)
        return [row.measures["mae"] for row in found.rows]

    expected = call(rounds, held_out)
    (x, y), pair = rounds
    pipeline = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    frame = pandas.DataFrame(held_out[0]), pandas.Series(held_out[1])
    assert call([pipeline, pair], frame) == expected


@pytest.mark.slow
def test_texts_of_more_words_in_a_later_round():
    def words(labels):
        return np.array(
            [f"the {'odd' if n % 2 else 'even'} {n}" for n in labels]
        )

    def build():
        lookup = layers.TextVectorization(output_mode="multi_hot")
        lookup.adapt(words(range(40)))
        model = keras.Sequential(
            [keras.Input((), dtype="string"), lookup, layers.Dense(1)]
        )
        metric = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        loss = logits("BinaryCrossentropy")
        model.compile(keras.optimizers.Adam(0.1), loss, metrics=[metric])
        return model

    short, long = words(range(40)), words(range(1000, 1040))
    assert short.dtype < long.dtype
    y = np.arange(40) % 2
    found = growing.fit_rounds(
        build,
        [(short, y), (list(long), y.astype("int32"))],
        (words(range(50, 90)).astype(object), y.tolist()),
        ("warm",),
        **{**TWO, "until": ws_keras.Until(epochs=12)},
    )
    assert found.rows[-1].accuracy == 100


def test_a_line_says_where_it_stands(capsys):
    model = dense(1, "mse", ["mae"])()  # one trace for both calls

    def call(verbose):
        growing.fit_rounds(
            model,
            parts(X, Y, 0, 50, 100),
            (X[200:], Y[200:]),
            ("warm",),
            **{**TWO, "verbose": verbose},
        )
        return capsys.readouterr()

    shown = call(1)
    assert not shown.out
    first, second = shown.err.strip().splitlines()[-2:]
    assert first.startswith("round 1 of 2, warm, seed 0, 2 epochs: mae ")
    assert " left" in first and second.startswith("round 2 of 2")
    assert call(0) == ("", "")


@pytest.mark.slow
def test_an_interrupted_regression_goes_on_to_the_same_rows(tmp_path):
    class Break(keras.callbacks.Callback):
        left = 7

        def on_epoch_begin(self, epoch, logs=None):
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    def call(workdir, callbacks=()):
        return growing.fit_rounds(
            dense(1, "mse", ["mae"]),
            parts(X, Y, 0, 50, 100),
            parts(X, Y, 200, 300, 400),
            ("cold", "warm"),
            seeds=(0,),
            until=ws_keras.Until(monitor="val_mae", patience=2, max_epochs=4),
            replay=0.5,
            verbose=0,
            callbacks=callbacks,
            workdir=workdir,
            checkpoint_minutes=1e-9,
        )

    whole = call(None)
    with pytest.raises(KeyboardInterrupt):
        call(tmp_path, [Break()])
    found = call(tmp_path)
    assert [r.measures for r in found.rows] == [r.measures for r in whole.rows]
    assert found.verdict == whole.verdict
    # A report shows the metric under its name.
    page = writing.write(tmp_path).markdown.read_text()
    assert "mae after the last round (lower is better)" in page
    assert "of earlier rounds" in page
    assert "nan" not in page.split("Command, cost")[0]


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "given, words",
    [
        ({"monitor": "f1"}, "a metric named 'f1'"),
        ({"mode": "up"}, "mode='up'"),
        (
            {"until": ws_keras.Until(threshold=0.9)},
            "Until(threshold=..., monitor='mae')",
        ),
        ({"until": ws_keras.Until(monitor="val_f1")}, "named 'f1'"),
    ],
)
def test_metrics_that_the_model_has_not(given, words):
    with pytest.raises(ValueError) as error:
        growing.fit_rounds(
            dense(1, "mse", ["mae"]),
            parts(X, Y, 0, 50, 100),
            (X[200:], Y[200:]),
            **{**TWO, **given},
        )
    assert words in str(error.value)


def test_targets_are_checked_before_anything_is_trained():
    years = 1990 + DIGIT
    with pytest.raises(ValueError, match="y = y - 1990"):
        growing.fit_rounds(
            dense(
                10, logits("SparseCategoricalCrossentropy"), ["accuracy"], 64
            ),
            parts(DIGITS, years, 0, 50, 100),
            (DIGITS[100:], years[100:]),
        )
