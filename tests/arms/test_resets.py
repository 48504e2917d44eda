"""ReDo, SNR and continual backprop as arms of configs and `fit_rounds`."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers
from ws_keras.configs import base

import ws_keras
from ws_keras import arms
from ws_keras import experiment
from ws_keras import settings
from ws_keras.data import datasets
from ws_keras.training import terms

RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 3, 90).astype("int32")
SAMPLES = (LABELS[:, None] + RNG.normal(0, 1, (90, 5))).astype("float32")
DATA = datasets.Dataset("own", SAMPLES, LABELS, 3, SAMPLES[:30], LABELS[:30])
NAMES = ("redo-5-2", "snr-0.99", "continual_backprop-0.5-0")


def config(*names, **changes):
    found = base.get_config()
    found.data.name = "own"
    found.data.normalization = "none"
    found.model.name = "mlp"
    found.model.units = 6
    found.rounds.step = 20
    found.train.batch_size = 8
    found.train.epochs = 2
    found.train.steps_per_execution = 1
    found.deterministic = False
    found.arms = names
    found.update_from_flattened_dict(changes)
    return found


def run(given):
    (setting,) = [s for s in settings.product(given) if s.seed == 0]
    names = ("setting", "arm", "shrink", "perturb")
    return [
        {
            name: value
            for name, value in dataclasses.asdict(row).items()
            if name not in names and "seconds" not in name
        }
        for row in experiment.run(given, setting, DATA)
    ]


@pytest.fixture(scope="module")
def warm():
    return run(config("warm"))


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", NAMES)
def test_the_first_round_is_that_of_a_warm_start(name, warm):
    found = run(config(name))
    again = run(config(name))
    assert found == again and found[0] == warm[0]
    if name.startswith("snr"):
        # No unit is silent for 10,000 samples here; looking changes nothing.
        assert found == warm
    else:
        assert found[1]["loss"] != warm[1]["loss"]


def test_numbers_have_the_articles_defaults():
    assert arms.parse("redo-0.1").every == 1000
    assert arms.parse("continual_backprop-1e-4").maturity == 1000
    for wrong in ("redo--1", "snr-1", "continual_backprop-2", "redo-0.1-0.5"):
        with pytest.raises(ValueError, match="arm"):
            arms.parse(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_without_hidden_units_is_refused_before_training(name):
    given = config(name, **{"model.name": "logistic"})
    (setting,) = [s for s in settings.product(given) if s.seed == 0]
    with pytest.raises(ValueError, match="units"):
        experiment.validate(given, setting, DATA)


def build():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, "relu"),
            layers.Dense(6, "relu", name="second"),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def test_fit_rounds(tmp_path):
    rounds = [(SAMPLES[:30], LABELS[:30]), (SAMPLES[30:60], LABELS[30:60])]
    found = ws_keras.fit_rounds(
        build,
        rounds,
        (SAMPLES[60:], LABELS[60:]),
        arms=("warm", *NAMES),
        batch_size=8,
        seeds=[0],
        until=terms.Until(epochs=2),
        transform={"exclude": "second"},
    )
    text = str(found)
    assert all(arms.name_of(name) in text for name in NAMES)
