"""What a config means: who trains on what, and when a round ends."""

import dataclasses

import numpy as np
import pytest
from ws_keras.configs import base

from ws_keras import allocation
from ws_keras import protocol
from ws_keras.data import datasets

RNG = np.random.default_rng(0)


def dataset(name="own", count=90, classes=3, shape=(2, 2, 1)):
    y = (np.arange(count) % classes).astype("int32")
    x = RNG.integers(0, 256, (count, *shape), dtype="uint8")
    return datasets.Dataset(name, x, y, classes)


OWN = dataset()
OTHER = dataset("other", count=60, classes=5)


def config(**changes):
    found = base.get_config()
    found.rounds.step = 20
    found.train.batch_size = 8
    found.update_from_flattened_dict(changes)
    return found


def samples(source=None, seed=0, **changes):
    return allocation.samples(config(**changes), OWN, seed, source)


def test_one_phase_is_a_fraction_of_the_samples_once():
    found = samples(**{"rounds.protocol": "one_phase", "rounds.fraction": 0.5})
    assert [len(round.indices) for round in found.rounds] == [30]
    whole = samples(**{"rounds.protocol": "one_phase", "rounds.fraction": 1.0})
    np.testing.assert_array_equal(
        whole.rounds[0].indices[:30], found.rounds[0].indices
    )


def test_wrong_labels_are_those_of_a_share_of_the_first_round():
    noise = {"rounds.protocol": "two_parts", "data.label_noise": 0.5}
    found = samples(**noise)
    first, second = (round.indices for round in found.rounds)
    assert (found.y[first] != OWN.y[first]).sum() == len(first) / 2
    np.testing.assert_array_equal(found.y[second], OWN.y[second])
    np.testing.assert_array_equal(
        found.y[found.held_out], OWN.y[found.held_out]
    )
    assert set(found.y) == {0, 1, 2} and found.y.dtype == OWN.y.dtype
    again, other = samples(**noise), samples(seed=1, **noise)
    np.testing.assert_array_equal(found.y, again.y)
    assert (found.y != other.y).any()
    assert samples().y is OWN.y


def test_all_labels_of_the_first_round_can_be_wrong():
    found = samples(**{"data.label_noise": 1.0})
    first = found.rounds[0].indices
    wrong = np.isin(np.arange(90), first)
    np.testing.assert_array_equal(found.y != OWN.y, wrong)


def test_the_warm_up_is_a_share_of_the_most_steps_of_a_round():
    # 20 samples in batches of 8 are 3 steps.
    usual = {"optimizer.warm_up": 0.1, "train.max_epochs": 100}
    assert protocol.warm_up(config(**usual), 1, 20) == 30
    stages = {**usual, "train.epochs": 10, "train.first_epochs": 100}
    assert protocol.warm_up(config(**stages), 1, 20) == 30
    assert protocol.warm_up(config(**stages), 2, 40) == 5
    assert protocol.warm_up(config(**{"optimizer.warm_up": 1e-9}), 1, 20) == 1
    assert protocol.warm_up(config(), 1, 20) == 0


def test_samples_leave_the_held_out_part_as_it_is():
    some, all_of_them = samples(**{"data.samples": 40}), samples()
    assert [len(round.indices) for round in some.rounds] == [20, 40]
    np.testing.assert_array_equal(some.held_out, all_of_them.held_out)
    np.testing.assert_array_equal(
        some.rounds[1].indices, all_of_them.rounds[1].indices
    )


@pytest.mark.parametrize(
    ("name", "weight", "said"),
    [
        ("none", 5.0, False),
        ("l2", 5.0, False),
        ("confidence", 0.1, False),
        ("confidence", 0.5, True),
    ],
)
def test_a_loss_that_can_be_negative_is_announced(name, weight, said):
    found = protocol.notice(
        config(**{"penalty.name": name, "penalty.weight": weight})
    )
    assert bool(found) == said
    assert not said or "Received: penalty.weight=0.5." in found
    # What the sentence says, of ten classes and the right one at 60 %.
    p = np.array([0.6] + [0.4 / 9] * 9)
    loss = -np.log(p[0]) + weight * (p * np.log(p)).sum()
    assert name != "confidence" or (loss < 0) == said


def test_transfer_begins_with_the_source():
    found = samples(
        OTHER,
        **{
            "rounds.protocol": "transfer",
            "rounds.fraction": 0.5,
            "data.source": "other",
        },
    )
    first, second = found.rounds
    assert (len(first.indices), len(first.held_out)) == (40, 20)
    assert (len(second.indices), len(second.held_out)) == (30, 30)
    assert found.classes == [5, 3] and found.num_classes == 5
    for indices in (first.indices, first.held_out):
        theirs = indices - len(OWN.x)
        np.testing.assert_array_equal(found.x[indices], OTHER.x[theirs])
        np.testing.assert_array_equal(found.y[indices], OTHER.y[theirs])
    assert max(second.indices.max(), second.held_out.max()) < len(OWN.x)


@pytest.mark.parametrize(
    "changes, sizes",
    [
        ({"rounds.protocol": "one_phase", "rounds.fraction": 0.5}, [30]),
        ({"data.samples": 50}, [20, 40, 50]),
        ({"rounds.protocol": "active"}, [20, 40, 60]),
        (
            {
                "rounds.protocol": "transfer",
                "rounds.fraction": 0.1,
                "data.source": "other",
            },
            [40, 6],
        ),
        ({"data.split": "official_test", "data.samples": 30}, [20, 30]),
        ({"rounds.protocol": "two_parts", "rounds.fraction": 0.1}, [6, 54]),
    ],
)
def test_sizes_need_no_data(changes, sizes):
    assert allocation.sizes(config(**changes), 90, 60) == sizes


def test_later_rounds_may_differ_from_the_first():
    given = config(
        **{
            "second.learning_rate": 0.1,
            "second.batch_size": 4,
            "second.epochs": 7,
            "train.first_epochs": 3,
        }
    )
    rounds = (1, 2, 3)
    rates = [protocol.learning_rate(given, number) for number in rounds]
    assert rates == [0.001, 0.1, 0.1]
    assert [protocol.batch_size(given, n) for n in rounds] == [8, 4, 4]
    assert [protocol.until(given, n).epochs for n in rounds] == [3, 7, 7]
    alike = config(**{"train.epochs": 5})
    assert [protocol.until(alike, n).epochs for n in rounds] == [5, 5, 5]
    assert protocol.until(config(), 2).epochs is None


def refused(words, given, data=OWN, source=None):
    with pytest.raises(ValueError) as error:
        protocol.check(given)
        allocation.samples(given, data, 0, source)
    assert words in str(error.value) and "Received: " in str(error.value)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rounds.protocol": "sometimes"}, "rounds.protocol='sometimes'"),
        ({"rounds.acquisition": "best"}, "rounds.acquisition='best'"),
        ({"penalty.name": "fine"}, "penalty.name='fine'"),
        ({"penalty.weight": -0.1}, "penalty.weight=-0.1"),
        ({"penalty.weight": float("inf")}, "penalty.weight=inf"),
        (
            {"penalty.name": "adversarial", "penalty.weight": 2.0},
            "penalty.weight=2.0",
        ),
        ({"second.learning_rate": 0.0}, "second.learning_rate=0.0"),
        ({"optimizer.weight_decay": -1.0}, "optimizer.weight_decay=-1.0"),
        ({"data.augmentation": "much"}, "data.augmentation='much'"),
        ({"data.samples": 61}, "data.samples=61 of 60"),
        ({"data.source": "other"}, "rounds.protocol='online'"),
        ({"rounds.protocol": "transfer"}, "data.source=None"),
        ({"transform.step_shrink": 1.5}, "transform.step_shrink=1.5"),
        (
            {"transform.step_shrink": 0.9, "train.steps_per_execution": 4},
            "train.steps_per_execution=4",
        ),
        ({"diagnostics.measures": ("mood",)}, "diagnostics.measures='mood'"),
        ({"diagnostics.shrunk": (0.5, -1.0)}, "diagnostics.shrunk=-1.0"),
        ({"diagnostics.shrunk": ("half",)}, "diagnostics.shrunk='half'"),
        ({"diagnostics.shrunk": (0.5, 1.5)}, "diagnostics.shrunk=1.5"),
        ({"optimizer.momentum": 2.0}, "optimizer.momentum=2.0"),
        ({"optimizer.warm_up": 1.5}, "optimizer.warm_up=1.5"),
        ({"optimizer.clip_norm": 0.0}, "optimizer.clip_norm=0.0"),
        ({"data.label_noise": -0.1}, "data.label_noise=-0.1"),
        ({"train.extra_epochs": -1}, "extra_epochs=-1"),
        (
            {"optimizer.warm_up": 0.1, "train.steps_per_execution": 4},
            "optimizer.warm_up=0.1, train.steps_per_execution=4",
        ),
        ({"train.threshold": 99.0}, "threshold=99.0"),
        (
            {"rounds.protocol": "two_phase", "rounds.fraction": 0.02},
            "rounds.fraction=0.02, which leaves no sample of class",
        ),
        (
            {"rounds.protocol": "one_phase", "rounds.fraction": 1.2},
            "rounds.fraction=1.2 of 60",
        ),
    ],
)
def test_bad_fields_are_refused_in_a_sentence(changes, words):
    refused(words, config(**changes))


@pytest.mark.parametrize(
    "source, words",
    [
        (dataset("wide", shape=(3, 3, 1)), "'wide' with shape (3, 3, 1)"),
        (
            dataclasses.replace(OTHER, x=OTHER.x.astype("float32")),
            "'other' with dtype float32",
        ),
        (None, "data.source='other'"),
    ],
)
def test_a_source_must_be_like_the_target(source, words):
    changes = {"rounds.protocol": "transfer", "data.source": "other"}
    refused(words, config(**changes), source=source)


def test_a_class_that_nobody_fits_is_no_fault_of_the_fraction():
    rare = dataclasses.replace(OWN, num_classes=4)
    given = config(**{"rounds.protocol": "two_phase"})
    assert len(allocation.samples(given, rare, 0).rounds) == 2
