"""What an arm is told of the round that begins."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np

import ws_keras

if typing.TYPE_CHECKING:
    import keras

Pair = tuple[np.ndarray, np.ndarray]


class Round:
    """A round that begins, as an arm sees it.

    Args:
        number: The round, from 1.
        seed: Non-negative integer that fixes the draws of the transform; each
            round and each seed of an experiment has another one.
        run_seed: The seed of the experiment, the same in all rounds.
        chunk: Function of a number of a round, up to this one, that gives the
            samples `(x, y)` that were new in it. Called when they are needed.
        policies: Arguments of transforms that the user has chosen, such as
            `noise`, `optimizer` or `exclude`.
        kept: Those that hold for an arm that goes on with the old weights.
        cold_start: Function of the model that makes a fresh one of it.
        learning_rate: The one that the round is to train with; `None` where
            there is no single number.
        loss: Loss of targets and outputs without any penalties. `None` is
            the one that the model is compiled with. Defaults to `None`.
    """

    def __init__(
        self,
        number: int,
        seed: int,
        run_seed: int,
        *,
        chunk: Callable[[int], Pair],
        policies: Mapping[str, Any],
        kept: Mapping[str, Any],
        cold_start: Callable[[keras.Model], None],
        learning_rate: float | None = None,
        loss: Callable | None = None,
    ):
        self.number, self.seed, self.run_seed = number, seed, run_seed
        self.policies, self.learning_rate = dict(policies), learning_rate
        self._chunk, self._kept = chunk, dict(kept)
        self._cold_start, self._loss = cold_start, loss

    @property
    def is_first(self) -> bool:
        """Whether there was no round before."""
        return self.number == 1

    @property
    def new(self) -> Pair:
        """The samples `(x, y)` that have arrived."""
        return self._chunk(self.number)

    @property
    def old(self) -> Pair | None:
        """All samples `(x, y)` of earlier rounds, `None` in the first."""
        if self.is_first:
            return None
        parts = [self._chunk(number) for number in range(1, self.number)]
        x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        return x, y

    def chunks(self) -> Iterator[Pair]:
        """Yields the samples that were new in each round, oldest first."""
        for number in range(1, self.number + 1):
            yield self._chunk(number)

    def inputs(self) -> Any:
        """Returns the inputs `x` of all samples so far, oldest first."""
        import keras

        parts = [x for x, _ in self.chunks()]
        return keras.tree.map_structure(
            lambda *arrays: np.concatenate(arrays), *parts
        )

    def cold_start(self, model: keras.Model) -> None:
        """Makes a freshly initialized model of it, whatever the policies."""
        self._cold_start(model)

    def carry_over(self, model: keras.Model, **changes: Any) -> None:
        """Goes on with the old weights, under the policies for that.

        In an experiment the policies say whether moving statistics and the
        optimizer begin anew. In `fit_rounds` all stays as it was.

        Args:
            model: The model.
            changes: Arguments of `shrink_perturb` instead of the policies.
        """
        given = {**self._kept, **changes}
        if given:
            ws_keras.shrink_perturb(model, 1.0, 0.0, seed=self.seed, **given)

    def apply(
        self,
        transform: Callable,
        model: keras.Model,
        *arguments: Any,
        **changes: Any,
    ) -> Any:
        """Calls a transform of a model with the seed and the policies.

        Those of `seed`, `loss` and the policies that the transform has as
        parameters and that are not among the arguments are added.

        Example:

        ```python
        def begin(self, model, round):  # gets a Round
            round.apply(ws_keras.fire, model, iterations=10)
        ```

        Args:
            transform: Such as `ws_keras.shrink_perturb`, `ws_keras.fire`,
                `ws_keras.reset_layers`, or a function of your own.
            model: The model.
            arguments: Further arguments, by position.
            changes: Further arguments, by name.

        Returns:
            What the transform returns.
        """
        known = inspect.signature(transform)
        given = known.bind_partial(model, *arguments, **changes).arguments
        offered = {**self.policies, "seed": self.seed, "loss": self._loss}
        added = {
            name: value
            for name, value in offered.items()
            if name in known.parameters and name not in given
        }
        return transform(model, *arguments, **changes, **added)
