"""Models like a saved one, with weights that were never trained."""

import copy
from collections.abc import Callable

import keras
import numpy as np

import ws_keras


def builder(model: keras.Model) -> Callable[[], keras.Model]:
    """Returns a function that builds a model like this one, untrained."""
    kept = copy.deepcopy(model)

    def build() -> keras.Model:
        made = copy.deepcopy(kept)
        # A draw from the seed that `fit_rounds` gives to each call.
        ws_keras.cold_start(made, seed=int(np.random.randint(2**31)))
        return made

    return build
