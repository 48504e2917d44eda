"""The network that each seed of a comparison begins with."""

from collections.abc import Callable

import keras
from keras import ops

from ws_keras import seeds
from ws_keras.transforms import isolation
from ws_keras.transforms import optimizers


class Networks:
    """The network that each seed begins with.

    `model` is the one that is trained.

    Args:
        model: A model, which all seeds begin with, or a function that builds
            one, which is called again for each.
        seed: The first seed.
    """

    def __init__(self, model, seed: int):
        self.are_built = callable(model) and not isinstance(model, keras.Model)
        self._build = model
        self.model = self._built(seed, "start") if self.are_built else model

    def begin(self, seed: int) -> None:
        """Gives the model the values of a seed's first network."""
        if self.are_built:
            self.rebuild(seed, "start")

    def rebuild(self, seed: int, *address: str | int) -> None:
        """Gives the model the values that the function builds anew."""
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
        with isolation.isolated(seeds.derive(seed, *address)):
            return self._build()


class Snapshot:
    """The values of a model and of its optimizer, which a block puts back."""

    def __init__(self, model):
        self._variables = [*model.variables, *model.optimizer.variables]
        self._values = [ops.convert_to_numpy(v) for v in self._variables]

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *_) -> None:
        self.restore()

    def restore(self) -> None:
        """Puts back all values."""
        self._restore(lambda variable: True)

    def restore_rate(self) -> None:
        """Puts back the learning rate, which callbacks may have changed."""
        self._restore(lambda variable: variable.name == "learning_rate")

    def _restore(self, is_meant: Callable) -> None:
        for variable, value in zip(self._variables, self._values, strict=True):
            if is_meant(variable):
                variable.assign(value)
