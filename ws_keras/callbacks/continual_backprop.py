"""The least useful units replaced at a steady rate: continual backprop."""

import numpy as np

from ws_keras import checks
from ws_keras.callbacks import unit_resets
from ws_keras.transforms import batches
from ws_keras.transforms import utility


class ContinualBackprop(unit_resets.UnitResets):
    """Replaces the least useful units while `fit` goes on.

    Continual backpropagation of Dohare et al., "Loss of plasticity in deep
    continual learning" (Nature, 2024). After each batch, the utility of a unit
    is the mean of its absolute outgoing weights times `h`, the moving average
    of its mean absolute activation, `h <- decay * h + (1 - decay) * |a|`,
    divided by `1 - decay ** age` since it began at 0. Among the units that are
    older than `maturity` batches, `rate` of them a batch are replaced, those
    with the least utility; parts of a unit add up until they are one. Incoming
    weights of a replaced unit are drawn anew, its bias and its outgoing
    weights become 0, and so do the optimizer's moments of these; its entries
    in a batch norm and its age begin anew.

    Activations are measured by a pass of their own over a batch of `data`, one
    batch after the other, in inference mode: a fit does not show callbacks its
    batches. That costs a forward pass after each batch of training, or after
    each `every`-th; ages, rate and maturity count batches of training.
    Which units there are, and which are refused, is told at `ws_keras.redo`.

    The state travels with the weights that `BackupAndRestore` saves, so that a
    restored fit ends alike. `report` holds what the last replacement did,
    `resets` the number of units by the name of their layer, since the fit
    began. The model must run one batch at a time (`steps_per_execution=1`).

    Example:

    ```python
    callback = ws_keras.ContinualBackprop(x, rate=1e-4, seed=0)
    model.fit(x, y, epochs=10, callbacks=[callback])
    ```

    Args:
        data: Samples to measure on; see `ws_keras.redo`. Up to 100 batches
            are kept in memory.
        rate: Part of the mature units that is replaced in a batch, in [0, 1].
            Defaults to 1e-4 (the article; 1e-5 on CIFAR-100).
        maturity: Batches that a unit is safe for, at least 0. Defaults to
            1000.
        decay: Part of the moving average that stays, in [0, 1). Defaults to
            0.99.
        every: Batches of training between two measurements. Defaults to 1.
        batch_size: Samples of a batch of `data`, where these are arrays.
            `None` means 32. Defaults to `None`.
        seed: Non-negative integer that fixes the draws; each replacement
            draws anew. `None` takes one from the operating system. Defaults
            to `None`.
        include: Layers whose units may be replaced; see `ws_keras.redo`, as
            for all that follow. Defaults to `None`.
        exclude: Layers whose units stay. Defaults to `None`.
        frozen: Whether frozen weights may be written. Defaults to `False`.
        build_fn: Function that builds the model. Defaults to `None`.

    Raises:
        ValueError: As `ReDo`.
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
                "`rate` must be a number in [0, 1], the part of the mature "
                f"units that a batch replaces. Received: rate={rate!r}."
            )
        if not checks.is_whole(maturity) or maturity < 0:
            raise ValueError(
                "`maturity` must be a whole number of batches, at least 0. "
                f"Received: maturity={maturity!r}."
            )
        if not checks.is_number(decay) or not 0 <= decay < 1:
            raise ValueError(
                "`decay` must be a number in [0, 1), the part that stays. "
                f"Received: decay={decay!r}."
            )
        if batch_size is not None:
            checks.check_positive("batch_size", batch_size)
        self.rate, self.decay = float(rate), float(decay)
        self.maturity, self.batch_size = int(maturity), batch_size

    def read(self, model) -> list:
        """Returns the batches that are measured one after the other."""
        return list(batches.Batches(model, self._data, self.batch_size))

    def begin(self, counts: list[int]) -> dict[str, list[np.ndarray]]:
        """Returns ages in batches, moving averages, and what is due."""
        return {
            "age": [np.zeros(count) for count in counts],
            "activity": [np.zeros(count) for count in counts],
            "due": [np.zeros(()) for _ in counts],
        }

    def choose(self, values: dict, layers: list) -> list[np.ndarray]:
        """Returns the numbers of the units that are replaced now."""
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
