"""Active learning: the model chooses, and going on chooses alike."""

import keras
import numpy as np
import pytest
from ws_keras.configs import base

from ws_keras import active
from ws_keras import allocation
from ws_keras import experiment
from ws_keras import settings
from ws_keras.data import datasets
from ws_keras.training import keeper as keepers
from ws_keras.training import terms
from ws_keras.training import trainer as trainers

RNG = np.random.default_rng(2)
LABELS = (np.arange(120) % 3).astype("int32")
SAMPLES = (LABELS[:, None] + RNG.normal(0, 1, (120, 5))).astype("float32")
DATA = datasets.Dataset("own", SAMPLES, LABELS, 3)


def config(acquisition="margin", **changes):
    found = base.get_config()
    found.data.normalization = "none"
    found.rounds.protocol = "active"
    found.rounds.acquisition = acquisition
    found.rounds.step = 20
    found.model.name = "mlp"
    found.model.units = 6
    found.train.batch_size = 8
    found.train.epochs = 3
    found.train.steps_per_execution = 1
    found.deterministic = False
    found.update_from_flattened_dict(changes)
    return found


@pytest.fixture
def chosen(monkeypatch):
    """The samples of each round, as the trainer gets them."""
    found = []
    original = trainers.Trainer.fit_round

    def fit_round(self, number, round):
        assert isinstance(round, terms.Round)
        found.append(round.indices)
        return original(self, number, round)

    monkeypatch.setattr(trainers.Trainer, "fit_round", fit_round)
    return found


def run(given, arm="warm", **arguments):
    (setting,) = settings.product(given, arms=(arm,))[:1]
    return list(experiment.run(given, setting, DATA, **arguments))


@pytest.mark.parametrize(
    "name",
    [
        *("margin", "badge"),
        pytest.param("entropy", marks=pytest.mark.slow),
        pytest.param("random", marks=pytest.mark.slow),
    ],
)
def test_rounds_grow_by_samples_of_the_pool(chosen, name):
    if name == "badge":
        pytest.importorskip("sklearn")
    rows = run(config(name))
    assert [row.num_samples for row in rows] == [20, 40, 60, 80]
    pool = allocation.samples(config(), DATA, 0).pool
    for before, after in zip([[], *chosen], chosen, strict=False):
        assert after[: len(before)].tolist() == list(before)
        assert len(set(after)) == len(after)
        assert set(after) <= set(pool)


@pytest.mark.parametrize(
    "part", [pytest.param(5000, marks=pytest.mark.slow), 7]
)
def test_margin_takes_those_where_the_trained_model_wavers(
    chosen, monkeypatch, part
):
    monkeypatch.setattr(active, "_PART", part)
    given = config(**{"rounds.limit": 2})
    kept = {}

    class Keep(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            rest = np.setdiff1d(pool, chosen[0])
            logits = self.model.predict(SAMPLES[rest], verbose=0)
            second, first = np.sort(keras.ops.softmax(logits), axis=1)[:, -2:].T
            kept.setdefault(len(chosen), (rest, first - second))

    pool = allocation.samples(given, DATA, 0).pool
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "_every_step", lambda *_: [Keep()])
        run(given)
    rest, margins = kept[1]
    expected = set(rest[np.argsort(margins)[:20]])
    assert set(chosen[1][20:]) == expected


def test_all_arms_of_a_seed_begin_with_the_same_samples(chosen):
    for arm in ("cold", "warm"):
        run(config(**{"rounds.limit": 1}), arm)
    np.testing.assert_array_equal(*chosen)


@pytest.mark.slow
def test_going_on_chooses_alike(chosen, tmp_path):
    whole = run(config())
    expected, chosen[:] = list(chosen), []
    keeper = keepers.Keeper(tmp_path, minutes=None)
    (setting,) = settings.product(config(), arms=("warm",))[:1]
    first = experiment.run(config(), setting, DATA, keeper=keeper)
    rows = [next(first), next(first)]
    first.close()
    again = keepers.Keeper(tmp_path, minutes=None)
    rows += run(config(), keeper=again, checkpoint=again.newest())
    assert [row.loss for row in rows] == [row.loss for row in whole]
    for ours, theirs in zip(chosen, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_adversarial_training_chooses_by_the_network_itself():
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (120, 4, 4, 1), dtype="uint8")
    data = datasets.Dataset("own", images, LABELS, 3)
    given = config(
        **{
            "data.normalization": "half",
            "penalty.name": "adversarial",
            "penalty.weight": 0.1,
            "train.epochs": 1,
        }
    )
    (setting,) = settings.product(given, arms=("warm",))[:1]
    rows = list(experiment.run(given, setting, data))
    assert [row.num_samples for row in rows] == [20, 40, 60, 80]
