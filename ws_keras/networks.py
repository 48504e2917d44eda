"""Provides the initial network of each seed of a comparison."""

import hashlib
from collections.abc import Callable

import keras
from keras import ops

from ws_keras import seeds
from ws_keras.transforms import isolation
from ws_keras.transforms import optimizers


class InitialNetworks:
    """Provides the initial network of each seed.

    `model` is the model that is trained. `are_equal` tells whether a function
    has built a network twice with different random states, for example because
    it sets a seed itself.

    Args:
        model: Model that all seeds begin with, or a function that builds one
            and is called for each seed.
        seed: First seed.
    """

    def __init__(self, model, seed: int):
        self.are_built = callable(model) and not isinstance(model, keras.Model)
        self._build = model
        self._first: tuple[int, bytes | None] | None = None
        self.are_equal = False
        self.model = self._built(seed, "start") if self.are_built else model

    def begin(self, seed: int) -> None:
        """Sets the model to the initial network of a seed."""
        if self.are_built:
            self.rebuild(seed, "start")

    def rebuild(self, seed: int, *address: str | int) -> None:
        """Sets the model to a newly built network."""
        new, model = self._built(seed, *address), self.model
        shapes = [[v.shape for v in m.variables] for m in (model, new)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                "A function given as `model` must build the same network at "
                "each call. Received: one whose weights have other shapes at "
                "the second call."
            )
        pairs = zip(model.variables, new.variables, strict=True)
        for variable, value in pairs:
            variable.assign(ops.convert_to_numpy(value))
        optimizers.reset(model.optimizer)

    def _built(self, seed: int, *address: str | int) -> keras.Model:
        state = seeds.derive(seed, *address)
        with isolation.isolated(state):
            model = self._build()
        digest = _digest(model) if isinstance(model, keras.Model) else None
        first_state, first_digest = self._first or (state, digest)
        self._first = first_state, first_digest
        if first_state != state and first_digest == digest:
            self.are_equal = True
        return model


def _digest(model: keras.Model) -> bytes:
    """Returns a hash of the weights of a model."""
    found = hashlib.sha256()
    for variable in model.trainable_variables:
        found.update(ops.convert_to_numpy(variable).tobytes())
    return found.digest()


class Snapshot:
    """Stores the values of a model and its optimizers, and restores them."""

    def __init__(self, model):
        self._variables, self._values = [], []
        self.complete(model)

    def complete(self, model) -> None:
        """Stores the variables that have been created in the meantime.

        A training step of the user's own builds its optimizers at its first
        batch.
        """
        known = set(map(id, self._variables))
        now = [*model.variables, *optimizers.state(model)]
        new = [v for v in now if id(v) not in known]
        self._variables += new
        self._values += [ops.convert_to_numpy(v) for v in new]

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *_) -> None:
        self.restore()

    def restore(self) -> None:
        """Restores all values."""
        self._restore(lambda variable: True)

    def restore_rate(self) -> None:
        """Restores the learning rate, which callbacks may have changed."""
        self._restore(lambda variable: variable.name == "learning_rate")

    def _restore(self, is_meant: Callable) -> None:
        for variable, value in zip(self._variables, self._values, strict=True):
            if is_meant(variable):
                variable.assign(value)
