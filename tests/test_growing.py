"""A user's own model on own growing data, all arms in one call."""

import functools
import random
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras import growing
from ws_keras import seeds
from ws_keras.callbacks import shrink_perturb as callbacks
from ws_keras.data import unseen
from ws_keras.report import pairs
from ws_keras.report import statistics
from ws_keras.report import writing
from ws_keras.storage import rows
from ws_keras.training import terms

RNG = np.random.default_rng(8)
CENTERS = RNG.normal(0, 2, (3, 5))


def sample(count):
    y = RNG.integers(0, 3, count)
    x = CENTERS[y] + RNG.normal(0, 1, (count, 5))
    return x.astype("float32"), y.astype("int32")


ROUNDS = [sample(40), sample(30), sample(50)]
HELD_OUT = sample(200)
UNTIL = terms.Until(epochs=2)


def build():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@functools.cache
def model():
    """One for many calls, which leave it as it was: one trace."""
    return build()


def seeded():
    keras.utils.set_random_seed(1)
    return build()


def counted(patch):
    """Counts how often the steps of models are traced."""
    found = {"train_step": 0, "test_step": 0, "predict_step": 0}

    def counting(name, original):
        def step(*arguments, **keywords):
            found[name] += 1
            return original(*arguments, **keywords)

        return step

    for name in found:
        original = getattr(keras.Model, name)
        patch.setattr(keras.Model, name, counting(name, original))
    return found


ONCE = {"train_step": 1, "test_step": 1, "predict_step": 1}


@pytest.fixture(scope="module")
def compared():
    with pytest.MonkeyPatch.context() as patch:
        counts = counted(patch)
        return *_compared(), counts


def _compared():
    model = seeded()
    before = [v.numpy() for v in model.variables]
    ends = {}
    found = growing.fit_rounds(
        model,
        ROUNDS,
        HELD_OUT,
        batch_size=10,
        until=UNTIL,
        seeds=(0, 1),
        on_end=lambda s, m: ends.setdefault(s.id, m.get_weights()),
    )
    return model, before, found, ends


def test_rows_of_all_arms_seeds_and_rounds(compared):
    _, _, found, *_ = compared
    assert [(r.arm, r.seed, r.round, r.num_samples) for r in found.rows] == [
        (arm, seed, number, size)
        for seed in (0, 1)
        for arm in ("cold", "warm", "shrink_perturb")
        for number, size in ((1, 40), (2, 70), (3, 120))
    ]
    assert all(row.sample_passes == 2 * row.num_samples for row in found.rows)
    assert [row.last for row in found.rows[:3]] == [False, False, True]


def test_arms_of_a_seed_share_the_first_round(compared):
    _, _, found, *_ = compared
    first = {}
    for row in found.rows:
        if row.round == 1:
            first.setdefault(row.seed, set()).add((row.loss, row.accuracy))
    assert [len(values) for values in first.values()] == [1, 1]
    assert first[0] != first[1]


def test_the_given_model_is_left_as_it_was(compared):
    model, before, *_ = compared
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    assert model.optimizer.iterations.numpy() == 0


def test_warm_arm_goes_on_training_on_all_data_so_far(compared):
    _, _, _, ends, _ = compared
    model = seeded()
    x, y = map(np.concatenate, zip(*ROUNDS, strict=True))
    for number, size in enumerate((40, 70, 120), 1):
        for epoch in (1, 2):
            rng = seeds.generator(0, "order", number, epoch)
            for batch in np.split(rng.permutation(size), size // 10):
                model.train_on_batch(x[batch], y[batch])
    kernel, bias, gamma, beta, *_, last, last_bias = model.get_weights()
    # Batch norm's moments are those of the last weights, on batches of ten.
    order = seeds.generator(0, "moments", 3).permutation(120)
    hidden = np.maximum(x[order] @ kernel + bias, 0).reshape(12, 10, 8)
    mean, variance = hidden.mean((0, 1)), hidden.var(1).mean(0)
    reference = [kernel, bias, gamma, beta, mean, variance, last, last_bias]
    ours = ends["rounds/warm/seed0"]
    for weight, value in zip(ours, reference, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


def test_accuracy_is_that_of_the_weights_at_the_end(compared):
    _, _, found, ends, _ = compared
    model = build()
    for row in found.rows:
        if row.last:
            model.set_weights(ends[row.setting])
            logits = model.predict(HELD_OUT[0], verbose=0)
            right = np.mean(logits.argmax(1) == HELD_OUT[1])
            assert row.accuracy == pytest.approx(100 * right, abs=1e-4)


def test_verdict_names_each_arm_and_its_cost(compared):
    _, _, found, *_ = compared
    lines = found.verdict.split("\n")
    arms = [line.split(":")[0] for line in lines if "held out, " in line]
    assert arms == ["cold", "warm", "shrink_perturb 0.4/0.1"]
    assert "460 sample passes in 6 epochs" in lines[0]
    assert "100 % of cold's sample passes" in lines[2]
    assert "2 seeds" in lines[2] and "ecommendation" in found.verdict
    assert lines[0] in str(found) and "| arm " in str(found)
    assert "not the model's past" in found.verdict
    # The answer is last: two seeds decide nothing.
    assert lines[-1].startswith("No recommendation.")


def test_table_and_verdict_do_not_show_two_intervals(compared):
    _, _, found, *_ = compared
    assert "95 % interval |" not in str(found)


def test_outcomes_are_those_of_the_last_weights(compared):
    """The interval is that of the predictions, recomputed."""
    model, _, found, ends, _ = compared
    right = {}
    for setting, weights in ends.items():
        model.set_weights(weights)
        logits = model.predict(HELD_OUT[0], verbose=0)
        _, arm, seed = setting.split("/")
        right[arm, int(seed[4:])] = 100.0 * (logits.argmax(1) == HELD_OUT[1])
    for other in ("warm", "shrink_perturb-0.4-0.1"):
        effect = statistics.paired_samples(
            *({s: right[arm, s] for s in (0, 1)} for arm in (other, "cold")),
            100.0,
        )
        assert f"against cold: {pairs.difference(effect)}" in found.verdict


@pytest.mark.slow
def test_function_is_called_for_each_seed_and_calls_agree():
    calls = []

    def counted():
        calls.append(keras.random.uniform(()).numpy())
        return build()

    def run():
        return growing.fit_rounds(
            counted,
            ROUNDS[:2],
            HELD_OUT,
            arms=("cold", "warm"),
            seeds=(0, 1),
            until=UNTIL,
        )

    python, numpy = random.random(), np.random.random()
    random.seed(7), np.random.seed(7)
    python, numpy = random.random(), np.random.random()
    random.seed(7), np.random.seed(7)
    one, two = run(), run()
    # The caller's own states are left alone.
    assert (random.random(), np.random.random()) == (python, numpy)
    for old, new in zip(one.rows, two.rows, strict=True):
        assert (old.loss, old.accuracy) == (new.loss, new.accuracy)
    assert one.verdict == two.verdict
    # Each seed has a network of its own, and the arms of a seed the same.
    first = {(r.seed, r.loss) for r in one.rows if r.round == 1}
    assert len(first) == 2
    # Once to train, and per seed once for each arm and once for cold.
    assert len(calls) == 2 * (1 + 2 * 2 + 2)
    assert len(set(map(float, calls))) == 4  # (seed, "start"), and cold's


def test_cold_begins_with_what_the_function_builds():
    """As with a pretrained body, which an initializer does not know."""
    table = np.full((5, 8), 0.125, "float32")

    def pretrained():
        model = build()
        model.layers[0].kernel.assign(table)
        model.layers[0].trainable = False
        model.compile(
            "sgd",
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model

    ends = []
    growing.fit_rounds(
        pretrained,
        ROUNDS[:2],
        HELD_OUT,
        arms=("cold",),
        seeds=np.arange(1),
        until=UNTIL,
        on_end=lambda s, m: ends.append(m.layers[0].kernel.numpy()),
    )
    np.testing.assert_array_equal(ends[0], table)


def test_function_that_builds_other_networks_is_refused():
    sizes = iter((3, 4, 5))

    def changing():
        model = keras.Sequential(
            [keras.Input((5,)), layers.Dense(next(sizes)), layers.Dense(3)]
        )
        model.compile(
            "sgd", "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model

    with pytest.raises(ValueError, match="the same network"):
        growing.fit_rounds(changing, ROUNDS[:2], HELD_OUT, until=UNTIL)


@pytest.mark.slow
def test_a_short_run_takes_five_seeds_by_itself():
    found = growing.fit_rounds(
        build,
        ROUNDS[:2],
        HELD_OUT,
        arms=("cold", "warm"),
        until=UNTIL,
        first_seed=3,
    )
    assert sorted({row.seed for row in found.rows}) == [3, 4, 5, 6, 7]


@pytest.mark.slow
def test_a_longer_run_takes_the_three_seeds_that_decide(monkeypatch):
    monkeypatch.setattr(growing, "_AFFORDABLE", {5: 0.0, 3: 3600.0})
    found = growing.fit_rounds(
        build, ROUNDS[:2], HELD_OUT, arms=("cold", "warm"), until=UNTIL
    )
    assert {row.seed for row in found.rows} == {0, 1, 2}
    assert "seed cannot separate" not in found.verdict


@pytest.mark.slow
def test_a_long_run_takes_one_seed_and_says_so(monkeypatch):
    monkeypatch.setattr(growing, "_AFFORDABLE", {5: 0.0, 3: 0.0})
    found = growing.fit_rounds(
        model(), ROUNDS[:2], HELD_OUT, arms=("cold", "warm"), until=UNTIL
    )
    assert {row.seed for row in found.rows} == {0}
    assert found.recommended is None
    assert "Set `seeds` to run 3 seeds" in found.verdict


def test_one_round_of_an_untrained_model_compares_nothing():
    with pytest.raises(ValueError, match="first_round=False"):
        growing.fit_rounds(build, ROUNDS[:1], HELD_OUT, until=UNTIL)


@pytest.mark.slow
def test_held_out_samples_in_the_rounds_are_named():
    x, y = HELD_OUT
    shared = (np.r_[ROUNDS[1][0], x[:5]], np.r_[ROUNDS[1][1], y[:5]])
    with pytest.warns(UserWarning, match=r"5 of 200 held-out .* \(2.5 %\)"):
        few = growing.fit_rounds(
            build, [ROUNDS[0], shared], HELD_OUT, seeds=(0,), until=UNTIL
        )
    assert "against cold" in few.verdict
    assert "5 of 200 held-out samples" in few.verdict
    with pytest.warns(UserWarning, match="200 of 200"):
        all_of = growing.fit_rounds(
            build, [ROUNDS[0], HELD_OUT], HELD_OUT, seeds=(0, 1), until=UNTIL
        )
    assert all_of.recommended is None
    assert "accuracies are too high" in all_of.verdict


def test_classes_that_no_round_has_are_named():
    """Only the last class is left out of the rounds."""
    rounds = [(x[y < 2], y[y < 2]) for x, y in ROUNDS[:2]]
    count = int((HELD_OUT[1] == 2).sum())
    with pytest.warns(unseen.UnseenClasses, match=f"{count} of 200.* class 2"):
        found = growing.fit_rounds(
            build,
            rounds,
            HELD_OUT,
            "warm",
            seeds=(0,),
            until=UNTIL,
            batch_size=10,
        )
    assert f"classes of the other {100 - count / 2:.1f} %" in found.verdict


def binary(metric):
    def build():
        model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile("sgd", loss, metrics=[metric])
        return model

    return build


@pytest.mark.slow
def test_metric_with_arguments_tells_of_single_samples():
    """Logits, whose threshold is no half."""
    rounds = [(x, (y > 0).astype("int32")) for x, y in (*ROUNDS, HELD_OUT)]
    metric = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    given = {"until": UNTIL, "seeds": (0, 1)}
    found = growing.fit_rounds(
        binary(metric), rounds[:3], rounds[3], arms=("cold", "warm"), **given
    )
    assert "variation between seeds" not in found.verdict
    own = keras.metrics.AUC(name="accuracy", from_logits=True)
    other = growing.fit_rounds(
        binary(own), rounds[:3], rounds[3], arms=("cold", "warm"), **given
    )
    assert "variation between seeds" in other.verdict


@pytest.mark.slow
def test_noise_is_not_learned():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(700, 5)).astype("float32")
    y = rng.integers(0, 3, 700)
    found = growing.fit_rounds(
        build,
        [(x[:150], y[:150]), (x[150:300], y[150:300])],
        (x[300:], y[300:]),
        seeds=(0, 1, 2),
        until=terms.Until(epochs=10),
    )
    assert found.recommended is None
    assert "better than chance" in found.verdict


@pytest.mark.parametrize("function, is_noted", [(seeded, True), (build, False)])
def test_seeds_that_share_a_network_are_noted(function, is_noted):
    found = growing.fit_rounds(
        function, ROUNDS[:1], HELD_OUT, "warm", seeds=(0, 1), until=UNTIL
    )
    assert ("same network for each seed" in found.verdict) == is_noted


def test_strengths_of_ones_own():
    found = growing.fit_rounds(
        model(),
        ROUNDS[:1],
        HELD_OUT,
        arms=("warm", "shrink_perturb-0.0-1.0"),
        first_round=True,
        seeds=(0,),
        until=UNTIL,
    )
    warm, cold = found.rows
    assert (cold.shrink, cold.perturb) == (0, 1)
    assert warm.loss != cold.loss


def test_arguments_of_the_transform():
    found = growing.fit_rounds(
        model(),
        ROUNDS[:1],
        HELD_OUT,
        arms=("warm", "shrink_perturb-1.0-0.0"),
        first_round=True,
        seeds=(0,),
        until=UNTIL,
        transform={"statistics": "reset", "optimizer": "reset"},
    )
    # Fresh statistics and slots are what a new model has anyway.
    assert found.rows[0].loss == found.rows[1].loss
    with pytest.raises(TypeError, match="strength"):
        growing.fit_rounds(
            build,
            ROUNDS[:2],
            HELD_OUT,
            arms=("shrink_perturb",),
            until=UNTIL,
            transform={"strength": 1},
        )


def uncompiled():
    return keras.Sequential([keras.Input((5,)), layers.Dense(3)])


class Subclassed(keras.Model):
    """`build` of Keras marks it as built and builds no layer."""

    def __init__(self):
        super().__init__()
        self.head = layers.Dense(3)

    def call(self, inputs):
        return self.head(inputs)


def unbuilt():
    model = Subclassed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of it
        model.build((None, 5))
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def without_accuracy():
    model = uncompiled()
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"rounds": []}, "Received: none"),
        ({"rounds": [ROUNDS[0], 1]}, "`rounds[1]` must be a pair"),
        ({"held_out": (np.ones((3, 5)), np.ones(2))}, "`held_out` must have"),
        ({"held_out": (np.ones((3, 4)), np.ones(3))}, "held_out with (4,)"),
        ({"arms": ("tepid",)}, "Received: arm='tepid'"),
        ({"arms": "tepid"}, "Received: arm='tepid'"),
        ({"until": 3}, "Received: until=3. "),
        ({"arms": ("last_layer-0.4",)}, "last_layer-SHRINK-PERTURB"),
        ({"arms": ("first_layers-2",)}, "fewer than the model's 2"),
        ({"shrink": 2.0}, "shrink=2.0"),
        ({"seeds": (-1,)}, "seeds=[-1]"),
        ({"seeds": 3}, "seeds=3"),
        ({"seeds": np.array(3)}, "seeds=array(3)"),
        ({"arms": "search", "seeds": None, "first_seed": -1}, "seeds=[-1]"),
        ({"callbacks": [callbacks.ShrinkPerturb()]}, "in `arms`"),
        ({"callbacks": [3]}, "Received: int"),
        ({"margin": 0}, "margin=0"),
        ({"margin": "1"}, "margin='1'"),
        ({"batch_size": 64}, "batch_size=64, a round of 40"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"model": uncompiled}, "compiled=False"),
        ({"model": unbuilt}, "not built"),
        ({"model": without_accuracy}, "a metric named 'accuracy'"),
        ({"model": 3}, "Received: int"),
    ],
)
def test_bad_arguments(arguments, words):
    good = {"model": build, "rounds": ROUNDS, "held_out": HELD_OUT}
    with pytest.raises(ValueError) as error:
        growing.fit_rounds(**{"seeds": (0,), **good, **arguments})
    assert words in str(error.value)


def test_each_round_begins_with_the_given_learning_rate():
    class Rates(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.first = []

        def on_train_begin(self, logs=None):
            self.first.append(float(self.model.optimizer.learning_rate))

        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 1e-6

    rates = Rates()
    growing.fit_rounds(
        model(),
        ROUNDS,
        HELD_OUT,
        arms=("cold", "warm"),
        batch_size=10,
        seeds=(0,),
        until=UNTIL,
        callbacks=[rates],
    )
    assert rates.first == pytest.approx([0.01] * 6)


def test_words_are_samples_too():
    """Arrays that no tensor can share."""
    words = np.array([["red"], ["green"], ["blue"]] * 20)
    y = np.arange(60) % 3
    lookup = layers.TextVectorization(output_mode="multi_hot")
    lookup.adapt(words)
    model = keras.Sequential(
        [keras.Input((1,), dtype="string"), lookup, layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.1), loss, metrics=["accuracy"])
    with pytest.warns(UserWarning, match="60 of 60"):
        found = growing.fit_rounds(
            model, [(words, y)], (words, y), arms=("cold",), batch_size=10
        )
    assert found.rows[-1].accuracy == 100


class Break(keras.callbacks.Callback):
    """Breaks off at the beginning of an epoch, counted over all fits."""

    def __init__(self, at):
        super().__init__()
        self._left = at

    def on_epoch_begin(self, epoch, logs=None):
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt


def test_an_interrupted_call_goes_on_to_the_same_rows(tmp_path):
    def call(workdir, at=0, **arguments):
        return growing.fit_rounds(
            build,
            ROUNDS[:2],
            HELD_OUT,
            **{
                "arms": ("cold", "warm"),
                "seeds": (0,),
                "batch_size": 10,
                "until": UNTIL,
                "callbacks": [Break(at)],
                **arguments,
            },
            workdir=workdir,
            checkpoint_minutes=1e-9,
        )

    whole = call(None)
    folder = tmp_path / "kept"
    for at in (4, 3):  # of 8 and 5 epochs that are left
        with pytest.raises(KeyboardInterrupt):
            call(folder, at)
        if at == 4:
            said = " ".join(str(writing.write(folder)).split())
            assert (
                "This run is incomplete: 0 of 2 settings are finished; 1 "
                "unfinished; 1 not run (rounds/warm/seed0)."
            ) in said
    ends = []
    resumed = call(folder, on_end=lambda s, m: ends.append(s.id))
    assert resumed.verdict == whole.verdict
    for one, two in zip(whole.rows, resumed.rows, strict=True):
        assert (one.setting, one.round) == (two.setting, two.round)
        assert (one.loss, one.accuracy) == (two.loss, two.accuracy)
    # What was finished before has an end, too.
    assert len(ends) == len(set(ends)) == 2
    written = sorted(rows.read_workdir(folder), key=lambda row: row.setting)
    assert written == sorted(resumed.rows, key=lambda row: row.setting)
    assert call(folder).verdict == whole.verdict
    assert "incomplete" not in str(writing.write(folder))
    with pytest.raises(KeyboardInterrupt):
        call(folder, 1, seeds=(0, 1))
    said = " ".join(str(writing.write(folder)).split())
    assert "2 of 4 settings are finished; 2 not run (rounds/cold/seed1" in said
    with pytest.raises(ValueError, match="batch_size: 10 -> 20") as raised:
        call(folder, batch_size=20)
    assert "another call" in str(raised.value)  # a function has no flags
    assert "Choose another `workdir`." in str(raised.value)
    assert "--" not in str(raised.value)


def test_all_arms_and_seeds_of_a_model_trace_once(compared):
    assert compared[4] == ONCE


@pytest.mark.slow
def test_all_arms_and_seeds_of_a_function_trace_once(monkeypatch):
    counts = counted(monkeypatch)
    growing.fit_rounds(
        build, ROUNDS[:2], HELD_OUT, until=UNTIL, seeds=(0, 1), batch_size=10
    )
    assert counts == ONCE


def test_a_selection_without_weights_is_refused_before_training():
    """Else the arms before the first that selects would be trained in vain."""
    ends = []
    with pytest.raises(ValueError, match="selection without weights"):
        growing.fit_rounds(
            model(),
            ROUNDS,
            HELD_OUT,
            ("cold", "warm", "shrink_perturb"),
            until=UNTIL,
            seeds=(0,),
            transform={"exclude": "."},
            on_end=lambda setting, _: ends.append(setting.id),
            verbose=0,
        )
    assert not ends
