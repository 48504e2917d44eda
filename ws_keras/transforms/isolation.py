"""Blocks that leave the global states of Python, NumPy and Keras alone."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np

from ws_keras import _keras

_GENERATOR = "global_seed_generator"
_UNINITIALIZED = "uninitialized_variables"
_SCOPES = "name_scope_stack"


@contextlib.contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Runs a block on its own random states of Python, NumPy and Keras.

    Unseeded initializers of Keras draw their seed from Python's global
    state, and a user's may draw from Keras' own, which without a generator
    makes one with a seed from there as well: here they get addressed ones,
    and the user's states stay. So does the stack of Keras' name scopes.

    Args:
        seed: Seed of the states inside the block.
    """
    global_state = _keras.global_state()
    python, numpy = random.getstate(), np.random.get_state()
    kept = {
        name: global_state.get_global_attribute(name)
        for name in (_GENERATOR, _UNINITIALIZED, _SCOPES)
    }
    random.seed(seed)
    np.random.seed(seed)
    global_state.set_global_attribute(_GENERATOR, None)
    # Variables without values that Keras is to give some later on.
    global_state.set_global_attribute(_UNINITIALIZED, [])
    # A layer that fails in a graph may leave its name on the stack.
    global_state.set_global_attribute(_SCOPES, list(kept[_SCOPES] or []))
    try:
        yield
    finally:
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)
        random.setstate(python)
        np.random.set_state(numpy)
