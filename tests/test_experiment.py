"""One setting from data to rows: reproducible, paired, honest at its ends."""

import dataclasses
import functools
import random

import keras
import numpy as np
import pytest
from ws_keras.configs import base

import ws_keras
from ws_keras import allocation
from ws_keras import arms
from ws_keras import building
from ws_keras import experiment
from ws_keras import settings
from ws_keras.data import datasets

RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 3, 90).astype("int32")
SAMPLES = (LABELS[:, None] + RNG.normal(0, 1, (90, 5))).astype("float32")
DATA = datasets.Dataset("own", SAMPLES, LABELS, 3, SAMPLES[:30], LABELS[:30])
TIMES = ("train_seconds", "cpu_seconds", "trace_seconds", "eval_seconds")


def config(**changes):
    found = base.get_config()
    found.data.name = "own"
    found.data.normalization = "none"
    found.model.name = "mlp"
    found.model.units = 6
    found.rounds.step = 20
    found.train.batch_size = 8
    found.train.epochs = 2
    # The loop of several steps takes longer to trace.
    found.train.steps_per_execution = 1
    # It would be turned on for the whole process, other tests included.
    found.deterministic = False
    found.update_from_flattened_dict(changes)
    return found


def run(given, arm="cold", seed=0, data=DATA, **arguments):
    (setting,) = [
        s
        for s in settings.product(given)
        if s.seed == seed and s.id.startswith(f"{given.experiment}/{arm}")
    ]
    return list(experiment.run(given, setting, data, **arguments))


@functools.cache
def usual(arm="cold", protocol="online"):
    """Rows that several tests compare with."""
    return run(config(**{"rounds.protocol": protocol}), arm)


def without_times(rows):
    return [dataclasses.replace(r, **dict.fromkeys(TIMES, 0.0)) for r in rows]


def test_the_same_setting_gives_the_same_rows_bit_for_bit():
    given = config()
    before = random.getstate(), np.random.get_state()[1].tolist()
    found = [run(given, "shrink_perturb", seed=3) for _ in range(2)]
    assert before == (random.getstate(), np.random.get_state()[1].tolist())
    assert without_times(found[0]) == without_times(found[1])
    assert found[0][0].loss != run(given, "shrink_perturb", seed=4)[0].loss


@pytest.mark.parametrize(
    "steps", [3, pytest.param(None, marks=pytest.mark.slow)]
)
def test_steps_of_an_execution_change_no_row(steps):
    """The default is 32 for small networks; the rounds have 3, 5 and 8."""
    want = usual()
    found = run(config(**{"train.steps_per_execution": steps}))
    assert without_times(found) == without_times(want)


@pytest.mark.parametrize(
    "changes, replicas, steps",
    [
        ({"model.name": "resnet18"}, 1, 4),
        ({"model.name": "mlp"}, 1, 32),
        ({"model.name": "resnet18"}, 2, 1),
        ({"model.name": "mlp", "transform.step_shrink": 0.9}, 1, 1),
        ({"model.name": "mlp", "optimizer.warm_up": 0.1}, 1, 1),
        ({"train.steps_per_execution": 7}, 1, 7),
    ],
)
def test_steps_of_an_execution_by_network_and_replicas(
    changes, replicas, steps
):
    given = config(**{"train.steps_per_execution": None, **changes})
    assert building._steps(given, arms.parse("warm"), replicas) == steps


def test_a_warm_up_begins_each_round_with_a_low_rate():
    """SGD without momentum: a tenth of the rate is a tenth of the steps."""
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    @arms.register_arm("watched")
    class Watched(arms.Arm):
        """Warm, with a look at the rates."""

        def callbacks(self, round):
            return [Rates()]

    given = config(
        **{
            "arms": ("watched",),
            "optimizer.name": "sgd",
            "optimizer.learning_rate": 0.1,
            "optimizer.warm_up": 0.5,
            "rounds.limit": 2,
        }
    )
    run(given, "watched")
    # Two epochs of 3 steps, and two of 5; half of them is the warm-up.
    first = [0.1 / 3, 0.2 / 3, *[0.1] * 4]
    second = [0.02, 0.04, 0.06, 0.08, *[0.1] * 6]
    np.testing.assert_allclose(rates, [*first, *second], rtol=1e-6)


def test_a_bound_of_the_gradient_bounds_the_step_of_sgd():
    changes = {
        "optimizer.name": "sgd",
        "optimizer.learning_rate": 1.0,
        "train.epochs": 1,
        "train.batch_size": 20,
        "rounds.limit": 1,
        "diagnostics.measures": ("weight_norm", "weight_correlation"),
    }
    moved = []
    for bound in (None, 1e-6):
        given = config(**{**changes, "optimizer.clip_norm": bound})
        (row,) = run(given)
        moved.append(row.measures)
    correlations = [
        m[next(k for k in m if "weight_correlation" in k)] for m in moved
    ]
    assert correlations[0] < 0.999
    assert correlations[1] == pytest.approx(1.0, abs=1e-6)


def test_rows_of_the_online_protocol():
    found = usual("shrink_perturb")
    assert [(r.round, r.num_samples, r.last) for r in found] == [
        (1, 20, False),
        (2, 40, False),
        (3, 60, True),
    ]
    for row in found:
        assert (row.setting, row.arm, row.seed) == (
            "base/shrink_perturb-0.4-0.1/seed0",
            "shrink_perturb",
            0,
        )
        assert (row.shrink, row.perturb) == (0.4, 0.1)
        assert row.sample_passes == 2 * row.num_samples
        assert row.steps == 2 * -(-row.num_samples // 8)
        assert (row.epochs, row.stopped_by) == (2, "epochs")
        assert (row.dataset, row.model, row.optimizer) == ("own", "mlp", "adam")
    assert [row.trace_seconds > 0 for row in found] == [True, False, False]


@pytest.mark.parametrize(
    "changes, sizes",
    [
        ({"rounds.protocol": "two_phase"}, [30, 60]),
        ({"rounds.protocol": "two_phase", "rounds.fraction": 0.2}, [12, 60]),
        pytest.param({"rounds.limit": 2}, [20, 40], marks=pytest.mark.slow),
        ({"data.split": "official_test", "rounds.step": 60}, [60, 90]),
    ],
)
def test_sizes_of_the_rounds(changes, sizes):
    given = config(**changes)
    assert allocation.sizes(given, 90) == sizes
    assert [row.num_samples for row in run(given)] == sizes


def test_official_test_set_is_measured_on():
    # All labels of the test part are wrong, so the accuracy must be low.
    wrong = dataclasses.replace(DATA, y_test=(LABELS[:30] + 1) % 3)
    given = config(
        **{
            "data.split": "official_test",
            "rounds.step": 90,
            "optimizer.learning_rate": 0.01,
            "train.epochs": 8,
        }
    )
    right, low = (run(given, data=data)[-1].accuracy for data in (DATA, wrong))
    assert right > 60 and low < 40


def test_arms_of_a_seed_begin_alike_without_the_first_transform():
    given = config(**{"transform.first_round": False, "rounds.limit": 1})
    rows = [run(given, arm)[0] for arm in ("cold", "warm", "shrink")]
    assert len({(r.loss, r.accuracy) for r in rows}) == 1


def test_the_first_transform_is_the_authors():
    given = config(**{"rounds.limit": 1})
    cold, warm, shrunk = (run(given, arm)[0].loss for arm in ("c", "w", "s"))
    assert len({cold, warm, shrunk}) == 3


def epochs_of(given, arm):
    found = []
    run(given, arm, on_epoch=found.append)
    return found


def test_epochs_count_on_through_the_rounds():
    found = epochs_of(config(**{"train.monitor_samples": 7}), "warm")
    assert [(e.epoch, e.round) for e in found] == [
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 2),
        (5, 3),
        (6, 3),
    ]
    # Seven samples make sevenths.
    assert all((e.accuracy * 7 / 100) % 1 < 1e-4 for e in found)
    assert {round(e.learning_rate, 6) for e in found} == {0.001}


@pytest.mark.parametrize(
    "arm, matters",
    [("warm", True), pytest.param("cold", False, marks=pytest.mark.slow)],
)
def test_optimizer_can_be_kept_by_all_but_cold(arm, matters):
    losses = [
        run(config(**{"transform.optimizer": policy}), arm)[-1].loss
        for policy in ("reset", "keep")
    ]
    assert (losses[0] != losses[1]) == matters


def test_a_loss_that_is_not_finite_ends_the_setting_with_a_row():
    given = config(**{"optimizer.name": "sgd", "optimizer.learning_rate": 1e30})
    (row,) = run(given)
    assert (row.stopped_by, row.last, row.round) == ("nan", True, 1)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"data.split": "half"}, "data.split='half'"),
        ({"data.normalization": "full"}, "normalization='full'"),
        ({"rounds.protocol": "daily"}, "rounds.protocol='daily'"),
        ({"rounds.step": 61}, "step=61 of 60 samples"),
        ({"rounds.limit": 0}, "rounds.limit=0"),
        ({"model.name": "vgg"}, "model.name='vgg'"),
        ({"model.name": "resnet18"}, "Use the model 'mlp'"),
        ({"model.activation": "gelu"}, "activation='gelu'"),
        ({"optimizer.name": "lion"}, "optimizer.name='lion'"),
        ({"optimizer.learning_rate": -1.0}, "optimizer.learning_rate=-1.0"),
        ({"train.batch_size": 21}, "batch_size=21, a round of 20"),
        ({"train.batch_size": 0}, "batch_size=0"),
        ({"train.measured": "later"}, "measured='later'"),
        ({"transform.noise": "loud"}, "transform.noise='loud'"),
        ({"transform.statistics": "drop"}, "transform.statistics='drop'"),
        ({"transform.optimizer": "drop"}, "transform.optimizer='drop'"),
        ({"precision": "float8"}, "precision='float8'"),
        (
            {"rounds.protocol": "two_phase", "rounds.fraction": 1.5},
            "fraction=1.5",
        ),
    ],
)
def test_bad_fields_are_found_before_training(changes, words):
    given = config(**changes)
    setting = settings.product(given)[0]
    with pytest.raises(ValueError) as error:
        experiment.start(given)
        experiment.validate(given, setting, DATA)
    assert words in str(error.value) and "Received: " in str(error.value)


def test_official_test_needs_a_test_part():
    given = config(**{"data.split": "official_test"})
    alone = dataclasses.replace(DATA, x_test=None, y_test=None)
    with pytest.raises(ValueError, match="Use data.split='held_out'"):
        experiment.validate(given, settings.product(given)[0], alone)


def test_unknown_strategy():
    with pytest.raises(ValueError, match="strategy='spread'"):
        experiment.start(config(), strategy="spread")


@pytest.mark.parametrize(
    "penalty, weight",
    [
        pytest.param("confidence", 9.0, marks=pytest.mark.slow),
        pytest.param("l2", 9.0, marks=pytest.mark.slow),
        ("adversarial", 0.1),
    ],
)
def test_penalties_change_the_training_and_are_not_in_the_loss(penalty, weight):
    changes = {"penalty.name": penalty, "penalty.weight": weight}
    plain, found = usual()[-1], run(config(**changes))[-1]
    assert found.accuracy != plain.accuracy or found.loss != plain.loss
    # Three classes: without training log 3 = 1.1; the penalties themselves
    # would be -9 and less, or far above.
    assert 0 < found.loss < 3 and 0 < found.eval_loss < 3


@pytest.mark.slow
def test_the_pull_of_an_arm_begins_at_the_first_weights():
    """A very strong one keeps a network where it started."""
    changes = {"transform.first_round": False, "train.epochs": 3}
    given = config(**changes, arms=("warm", "l2_init-1e3"))
    given.optimizer.name = "sgd"
    given.optimizer.learning_rate = 1e-4
    free, pulled = (run(given, arm) for arm in ("warm", "l2_init"))
    spread = [
        max(r.loss for r in rows) - min(r.loss for r in rows)
        for rows in (free, pulled)
    ]
    assert spread[1] < spread[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"second.batch_size": 4, "second.learning_rate": 0.01},
        {"transform.step_shrink": 0.999},
        pytest.param({"optimizer.weight_decay": 0.1}, marks=pytest.mark.slow),
        pytest.param({"data.samples": 45}, marks=pytest.mark.slow),
        {"train.first_epochs": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_fields_of_later_rounds_leave_what_comes_before(changes):
    plain = usual("warm", "two_phase")
    given = config(**{"rounds.protocol": "two_phase"}, **changes)
    found = run(given, "warm")
    same = found[0].loss == plain[0].loss
    assert same == next(iter(changes)).startswith("second.")
    assert found[1].loss != plain[1].loss


def test_steps_follow_the_batch_of_their_round():
    changes = {"rounds.protocol": "two_phase", "second.batch_size": 4}
    first, second = run(config(**changes))
    assert first.steps == 2 * -(-30 // 8)
    assert second.steps == 2 * -(-60 // 4)


def test_transfer_measures_each_round_on_its_own_data():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 5, 60).astype("int32")
    x = (y[:, None] + rng.normal(0, 1, (60, 5))).astype("float32")
    source = datasets.Dataset("other", x, y, 5)
    given = config(
        **{
            "rounds.protocol": "transfer",
            "rounds.fraction": 0.5,
            "data.source": "other",
            "optimizer.learning_rate": 0.05,
            "train.epochs": 15,
        }
    )
    first, second = run(given, "warm", source=source)
    assert (first.num_samples, second.num_samples) == (40, 30)
    # Chance is a fifth and a third.
    assert first.accuracy > 30 and second.accuracy > 50


@pytest.mark.slow
def test_a_table_in_unit_range_is_learned_by_default():
    """Squeezed as pixels to -1..-0.99 its samples would be all alike."""
    from sklearn import datasets as tables

    x, y = tables.load_iris(return_X_y=True)
    x = ((x - x.min(0)) / np.ptp(x, 0)).astype("float32")
    iris = datasets.Dataset("own", x, y.astype("int32"), 3, x, y)
    given = config(
        **{
            "data.normalization": "half",
            "rounds.protocol": "one_phase",
            "rounds.fraction": 1.0,
            "train.epochs": 60,
            "optimizer.learning_rate": 0.01,
        }
    )
    (row,) = run(given, data=iris)
    assert row.accuracy > 85


def test_versions_are_those_of_the_code_that_runs():
    """Also beside the metadata of an older installation."""
    found = experiment.versions()
    assert found["ws_keras"] == ws_keras.__version__
    assert found["keras"] == keras.__version__
    assert found["numpy"] == np.__version__
