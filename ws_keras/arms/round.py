"""The round that an arm begins: its samples, seed and transforms."""

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
    """The round that an arm begins.

    Args:
        number: Number of the round, counted from 1.
        seed: Non-negative integer that fixes the draws of the transform. It
            differs between rounds and between seeds of an experiment.
        run_seed: Seed of the experiment, equal in all rounds.
        chunk: Function of the number of a round, up to this one. It returns the
            new samples `(x, y)` of that round and is called on demand.
        policies: Arguments for transforms that the user has chosen, such as
            `noise`, `optimizer` or `exclude`.
        kept: Policies for an arm that continues from the old weights.
        cold_start: Function that reinitializes a model.
        learning_rate: Learning rate of the round; `None` if it is not a single
            number.
        loss: Loss of targets and predictions without penalties. `None` means
            the loss that the model is compiled with. Defaults to `None`.
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
        """Whether this is the first round."""
        return self.number == 1

    @property
    def new(self) -> Pair:
        """The samples `(x, y)` that have arrived."""
        return self._chunk(self.number)

    @property
    def old(self) -> Pair | None:
        """The samples `(x, y)` of all earlier rounds; `None` in the first."""
        if self.is_first:
            return None
        return _joined([self._chunk(n) for n in range(1, self.number)])

    def chunks(self) -> Iterator[Pair]:
        """Yields the new samples of each round, oldest first."""
        for number in range(1, self.number + 1):
            yield self._chunk(number)

    def inputs(self) -> Any:
        """Returns the inputs `x` of all samples so far, oldest first."""
        return _joined([x for x, _ in self.chunks()])

    def cold_start(self, model: keras.Model) -> None:
        """Reinitializes the model; the user's policies do not apply."""
        self._cold_start(model)

    def carry_over(self, model: keras.Model, **changes: Any) -> None:
        """Continues from the old weights, with the policies for this.

        In an experiment, the policies determine whether moving statistics and
        the optimizer are reset. In `fit_rounds`, nothing is reset.

        Args:
            model: Model of the round.
            changes: Arguments of `shrink_perturb` that override the policies.
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
        """Applies a transform to a model with the seed and the policies.

        `seed`, `loss` and the policies are passed if the transform has such
        parameters. Given arguments override them.

        Example:

        ```python
        def begin(self, model, round):  # round is a Round
            round.apply(ws_keras.fire, model, iterations=10)
        ```

        Args:
            transform: Function such as `ws_keras.shrink_perturb`,
                `ws_keras.fire`, `ws_keras.reset_layers`, or your own.
            model: Model to transform.
            arguments: Further positional arguments.
            changes: Further keyword arguments.

        Returns:
            The result of the transform.
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


def _joined(parts: list) -> Any:
    """Joins structures of arrays, such as a dictionary with each input."""
    import keras

    return keras.tree.map_structure(
        lambda *arrays: np.concatenate(arrays), *parts
    )
