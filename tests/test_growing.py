"""A user's own model on own growing data, all arms in one call."""

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras import growing
from ws_keras import seeds
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
    keras.utils.set_random_seed(1)
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


@pytest.fixture(scope="module")
def compared():
    model = build()
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
    _, _, found, _ = compared
    assert [(r.arm, r.seed, r.round, r.num_samples) for r in found.rows] == [
        (arm, seed, number, size)
        for seed in (0, 1)
        for arm in ("cold", "warm", "shrink_perturb")
        for number, size in ((1, 40), (2, 70), (3, 120))
    ]
    assert all(row.sample_passes == 2 * row.num_samples for row in found.rows)
    assert [row.last for row in found.rows[:3]] == [False, False, True]


def test_arms_of_a_seed_share_the_first_round(compared):
    _, _, found, _ = compared
    first = {}
    for row in found.rows:
        if row.round == 1:
            first.setdefault(row.seed, set()).add((row.loss, row.accuracy))
    assert [len(values) for values in first.values()] == [1, 1]
    assert first[0] != first[1]


def test_the_given_model_is_left_as_it_was(compared):
    model, before, _, _ = compared
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    assert model.optimizer.iterations.numpy() == 0


def test_warm_arm_goes_on_training_on_all_data_so_far(compared):
    _, _, _, ends = compared
    model = build()
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
    _, _, found, ends = compared
    model = build()
    for row in found.rows:
        if row.last:
            model.set_weights(ends[row.setting])
            logits = model.predict(HELD_OUT[0], verbose=0)
            right = np.mean(logits.argmax(1) == HELD_OUT[1])
            assert row.accuracy == pytest.approx(100 * right, abs=1e-4)


def test_verdict_names_each_arm_and_its_cost(compared):
    _, _, found, _ = compared
    lines = found.verdict.split("\n")
    assert [line.split(":")[0] for line in lines] == [
        "cold",
        "warm",
        "shrink_perturb 0.4/0.1",
    ]
    assert "6 epochs" in lines[0] and "100% of its sample" in lines[1]
    assert "standard error" in lines[2] and "2 seeds" in lines[2]
    assert lines[0] in str(found) and "| arm " in str(found)


def test_function_that_builds_the_model_and_strengths_of_ones_own():
    found = growing.fit_rounds(
        build,
        ROUNDS[:1],
        HELD_OUT,
        arms=("warm", "shrink_perturb-0.0-1.0"),
        first_round=True,
        until=UNTIL,
    )
    warm, cold = found.rows
    assert (cold.shrink, cold.perturb) == (0, 1)
    assert warm.loss != cold.loss


def test_arguments_of_the_transform():
    found = growing.fit_rounds(
        build,
        ROUNDS[:1],
        HELD_OUT,
        arms=("warm", "shrink_perturb-1.0-0.0"),
        first_round=True,
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
        ({"arms": ("tepid",)}, "Received: 'tepid'"),
        ({"arms": ("last_layer-0.4-0.1",)}, "Received: 'last_layer-0.4-0.1'"),
        ({"shrink": 2.0}, "shrink=2.0"),
        ({"seeds": (-1,)}, "seeds=[-1]"),
        ({"batch_size": 64}, "batch_size=64, a round of 40"),
        ({"model": uncompiled}, "compiled=False"),
        ({"model": without_accuracy}, "a metric named 'accuracy'"),
        ({"model": 3}, "Received: int"),
    ],
)
def test_bad_arguments(arguments, words):
    good = {"model": build, "rounds": ROUNDS, "held_out": HELD_OUT}
    with pytest.raises(ValueError) as error:
        growing.fit_rounds(**{**good, **arguments})
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
        build(),
        ROUNDS,
        HELD_OUT,
        arms=("cold", "warm"),
        batch_size=10,
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
    found = growing.fit_rounds(
        model, [(words, y)], (words, y), arms=("cold",), batch_size=10
    )
    assert found.rows[-1].accuracy == 100
