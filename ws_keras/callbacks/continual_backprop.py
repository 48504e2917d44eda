"""Continual backprop: replaces the least useful units at a steady rate."""

import numpy as np

from ws_keras import checks
from ws_keras.callbacks import unit_resets
from ws_keras.transforms import batches
from ws_keras.transforms import utility


class ContinualBackprop(unit_resets.UnitResets):
    """Replaces the least useful units during `fit`.

    Continual backpropagation of Dohare et al., "Loss of plasticity in deep
    continual learning" (Nature, 2024). The utility of a unit is the mean of its
    absolute outgoing weights times `h`. `h` is the moving average of its mean
    absolute activation, `h <- decay * h + (1 - decay) * |a|`, divided by `1 -
    decay ** age` to correct its start at 0. The article's formula averages the
    product of activation and outgoing weights over the batches; here the
    present weights are used. After each batch, the fraction
    `rate` of the units that are older than `maturity` batches is replaced.
    These are the units with the least utility. Fractions of a unit accumulate
    until they make a whole unit.

    The incoming weights of a replaced unit are drawn anew. Its bias and its
    outgoing weights become 0, and so do the optimizer's moments of all these
    weights. Its parameters in a batch norm and its age are reset.

    Callbacks do not see the batches of `fit`. Therefore activations are
    measured in inference mode on batches of `data`, one after the other. This
    costs a forward pass after each `every`-th batch of training. Ages, `rate`
    and `maturity` count batches of training. See `ws_keras.redo` for the layers
    whose units can be reset.

    See `ws_keras.ReDo` for `report`, `resets` and restored fits. The model must
    run one batch at a time (`steps_per_execution=1`).

    Example:

    ```python
    callback = ws_keras.ContinualBackprop(x, rate=1e-4, seed=0)
    model.fit(x, y, epochs=10, callbacks=[callback])
    ```

    Args:
        data: Samples on which to measure activations; see `ws_keras.redo`. Up
            to 100 batches are kept in memory.
        rate: Fraction of the mature units that is replaced per batch, in [0,
            1]. Defaults to 1e-4 (the article; 1e-5 on CIFAR-100).
        maturity: Number of batches during which a new unit cannot be replaced,
            at least 0. Defaults to 1000.
        decay: Decay of the moving average, in [0, 1). Defaults to 0.99.
        every: Batches of training between two measurements. Defaults to 1.
        batch_size: Samples per batch if `data` consists of arrays. `None` means
            32. Defaults to `None`.
        seed: Non-negative integer that fixes the draws. Each replacement uses
            new draws. `None` draws a seed from the operating system. Defaults
            to `None`.
        include: Layers whose units may be replaced; see `ws_keras.redo`.
            Defaults to `None`.
        exclude: Layers whose units are not replaced. Defaults to `None`.
        frozen: Whether to change frozen weights too. Defaults to `False`.
        build_fn: Function that builds the model; see `ws_keras.redo`. Defaults
            to `None`.

    Raises:
        ValueError: As in `ReDo`.
    """

    _zero_bias = True

    def __init__(
        self,
        data,
        rate: float = 1e-4,
        maturity: int = 1000,
        *,
        decay: float = 0.99,
        every: int = 1,
        batch_size: int | None = None,
        seed: int | None = None,
        include=None,
        exclude=None,
        frozen: bool = False,
        build_fn=None,
    ):
        super().__init__(data, every, seed, include, exclude, frozen, build_fn)
        if not checks.is_number(rate) or not 0 <= rate <= 1:
            raise ValueError(
                "`rate` must be a number in [0, 1]: the fraction of the mature "
                f"units replaced per batch. Received: rate={rate!r}."
            )
        if not checks.is_whole(maturity) or maturity < 0:
            raise ValueError(
                "`maturity` must be a whole number of batches, at least 0. "
                f"Received: maturity={maturity!r}."
            )
        if not checks.is_number(decay) or not 0 <= decay < 1:
            raise ValueError(
                "`decay` must be a number in [0, 1). "
                f"Received: decay={decay!r}."
            )
        if batch_size is not None:
            checks.check_positive("batch_size", batch_size)
        self.rate, self.decay = float(rate), float(decay)
        self.maturity, self.batch_size = int(maturity), batch_size

    @property
    def first(self) -> int:
        """The first batch of a fit after which a unit can be reset."""
        return max(self.every, self.maturity + 1)

    def read(self, model) -> list:
        """Returns the batches to measure on, one after the other."""
        return list(batches.Batches(model, self._data, self.batch_size))

    def begin(self, counts: list[int]) -> dict[str, list[np.ndarray]]:
        """Returns ages in batches, moving averages, and fractions due."""
        return {
            "age": [np.zeros(count) for count in counts],
            "activity": [np.zeros(count) for count in counts],
            "due": [np.zeros(()) for _ in counts],
        }

    def choose(self, values: dict, layers: list) -> list[np.ndarray]:
        """Returns the numbers of the units to replace now."""
        chosen = []
        for number, sizes in enumerate(self._measure(self._next_batch())):
            age, mean = values["age"][number], values["activity"][number]
            age += self.every
            mean += (1 - self.decay) * (sizes - mean)
            mature = np.flatnonzero(age > self.maturity)
            due = values["due"][number]
            due += self.rate * self.every * len(mature)
            count = min(int(due), len(mature))
            due -= count
            found = mature[:0]
            if count:
                started = 1 - self.decay ** (age / self.every)
                worth = utility.utilities(layers[number], mean / started)
                order = np.argsort(worth[mature], kind="stable")
                found = np.sort(mature[order[:count]])
                age[found] = 0
                mean[found] = 0
            chosen.append(found)
        return chosen
