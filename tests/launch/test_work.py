"""What a process keeps of the settings that it has run."""

import dataclasses
import gc

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator
from ws_keras.configs import base

from launch import outcome
from launch import work
from ws_keras import settings
from ws_keras.storage import events
from ws_keras.storage import workdir


def train():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)


def graphs():
    """Number of graphs of functions that TensorFlow has traced and kept."""
    gc.collect()
    return sum(type(o).__name__ == "FuncGraph" for o in gc.get_objects())


@pytest.mark.slow
def test_no_graph_of_a_finished_setting_is_kept():
    found = []
    for _ in range(3):
        train()
        work.forget_models()
        found.append(graphs())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("where", "arm", "numbers", "name"),
    [
        ("fig2", "cold", (0, 1), "cold seed 3 (fig2)"),
        ("fig2", "shrink_perturb-0.6-0.01", (0.6, 0.01), "0.6/0.01 seed 3 (f"),
        ("table1/cifar10-mlp", "warm", (1, 0), "warm seed 3 (table1/cifar10-m"),
        ("own", "dash-0.3-0.3", (np.nan, np.nan), "dash-0.3-0.3 seed 3 (own)"),
    ],
)
def test_a_trial_begins_with_what_differs(where, arm, numbers, name):
    kind = arm.partition("-")[0] if arm.startswith("shrink") else arm
    one = settings.Setting(f"{where}/{arm}/seed3", kind, *numbers, 3)
    assert work.trial(one).startswith(name)


def test_the_gap_of_the_cold_arm_is_zero(tmp_path, make_row):
    """Plots of TensorBoard would leave out an arm without one."""
    folder = workdir.Workdir(tmp_path)
    every = [
        settings.Setting(f"own/{arm}/seed0", arm, shrink, 0, 0)
        for arm, shrink in (("cold", 0), ("warm", 1))
    ]
    for one, accuracy in zip(every, (30.0, 25.0), strict=True):
        row = make_row(setting=one.id, arm=one.arm, accuracy=accuracy)
        folder.append(dataclasses.replace(row, last=True))
    outcome.write_gaps(folder, every)
    for one, gap in zip(every, (0.0, -5.0), strict=True):
        found = event_accumulator.EventAccumulator(str(folder.folder(one.id)))
        found.Reload()
        assert [e.value for e in found.Scalars(events.GAP)] == [gap]


def test_tensorboard_does_not_wait_for_what_is_not_measured():
    config = base.get_config()
    assert work.absent(config) == []
    config.arms = ("warm", "fire")
    config.train.monitor_samples = 0
    assert work.absent(config) == [events.GAP, "epoch/accuracy"]
