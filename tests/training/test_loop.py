"""The round loop: what a row says that a round has cost."""

import time
import types

import keras
import numpy as np

from ws_keras import settings
from ws_keras.training import feed as feeds
from ws_keras.training import loop
from ws_keras.training import terms
from ws_keras.training import trainer as trainers

X = np.random.default_rng(3).normal(size=(40, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def build():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def computing(number):
    """Computes for a second before the second round."""
    end = time.process_time() + (number == 2)
    while time.process_time() < end:
        pass


def test_what_a_start_computes_is_a_cost_of_its_round_alone():
    config = types.SimpleNamespace(experiment="own", arms=["warm"], seeds=[0])
    (setting,) = settings.product(config)
    trainer = trainers.Trainer(
        build(),
        feeds.Feed(X, Y, batch_size=8),
        np.arange(32, 40),
        until=terms.Until(epochs=2),
    )
    trainer.warm_up(np.arange(8))
    names = dict.fromkeys(("experiment", "dataset", "model", "optimizer"), "")
    rounds = [np.arange(size) for size in (16, 24, 32)]
    started = []

    def start(number):
        begin = time.perf_counter()
        computing(number)
        started.append(time.perf_counter() - begin)

    found = loop.train(trainer, setting, rounds, start, **names)
    costs = []
    for _ in rounds:
        cpu, wall = time.process_time(), time.perf_counter()
        row = next(found)
        most = time.process_time() - cpu
        assert 0 < row.cpu_seconds < most
        # The start has taken its part of the time, and is no training.
        most = time.perf_counter() - wall - started[-1]
        assert 0 < row.train_seconds < most
        costs.append(row.cpu_seconds)
    assert costs[1] > 1
