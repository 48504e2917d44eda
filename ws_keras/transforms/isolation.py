"""Isolates code from the global random states of Python, NumPy and Keras."""

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
    """Runs a block with its own random states of Python, NumPy and Keras.

    Unseeded Keras initializers draw their seed from Python's global state.
    Custom initializers may draw from Keras' global generator, which takes its
    own seed from Python's state. Within the block both are seeded with `seed`.
    Afterwards the user's states and Keras' stack of name scopes are restored.

    Args:
        seed: Seed of the random states within the block.
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
    # Variables that Keras has created but not yet initialized.
    global_state.set_global_attribute(_UNINITIALIZED, [])
    # A layer that fails while a graph is built may leave its name there.
    global_state.set_global_attribute(_SCOPES, list(kept[_SCOPES] or []))
    try:
        yield
    finally:
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)
        random.setstate(python)
        np.random.set_state(numpy)
