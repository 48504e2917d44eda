"""What a process keeps of the settings that it has run."""

import gc

import keras
import numpy as np
import pytest

from launch import work


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
