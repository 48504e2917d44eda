"""SNR: resets units that are silent for unusually long."""

import keras
import numpy as np

from ws_keras import checks
from ws_keras.callbacks import unit_resets
from ws_keras.transforms import batches

_WINDOW = 16  # measurements between two estimates of the thresholds
_MOST = 20_000  # highest threshold, in samples


class SelfNormalizedResets(unit_resets.UnitResets):
    """Resets units that are silent for unusually long.

    Self-normalized resets of Farias & Jozefiak (ICLR 2025, arXiv:2410.20098). A
    unit fires in a batch if its activation differs from 0 for at least one
    sample. Its age is the number of samples since it last fired. When it fires
    again or is reset, this age is recorded as a gap. A unit is reset as in ReDo
    if its age reaches its threshold. Every 16 batches, the threshold becomes
    the `percentile` of the gaps of these batches if this lowers it; otherwise
    it is doubled. Thresholds lie between one batch (for a unit without gaps)
    and `most` samples. They start at half of `most`.

    A unit that is silent in all 16 batches has no gap either, so it is reset
    after the next batch. The 16 batches are those of FIRE's comparison
    (arXiv:2602.08040); the authors' code for permuted MNIST updates the
    thresholds after every 16th task. A larger `every` makes this period longer.

    Callbacks do not see the batches of `fit`. Therefore activations are
    measured in inference mode on batches of `data`, one after the other. This
    costs a forward pass after each `every`-th batch of training. Only units
    whose activation can be exactly 0, such as rectifiers, are ever silent. See
    `ws_keras.redo` for the layers whose units can be reset.

    See `ws_keras.ReDo` for `report`, `resets` and restored fits. The model must
    run one batch at a time (`steps_per_execution=1`).

    Example:

    ```python
    callback = ws_keras.SelfNormalizedResets(x, percentile=0.99, seed=0)
    model.fit(x, y, epochs=10, callbacks=[callback])
    ```

    Args:
        data: Samples on which to measure activations; see `ws_keras.redo`. Up
            to 100 batches are kept in memory.
        percentile: Fraction of a unit's gaps that lie below its threshold, in
            (0, 1). Defaults to 0.99.
        most: Highest threshold, in samples. Defaults to 20,000.
        every: Batches of training between two measurements. Defaults to 1.
        batch_size: Samples per batch if `data` consists of arrays. `None` means
            32. Defaults to `None`.
        seed: Non-negative integer that fixes the draws. Each reset uses new
            draws. `None` draws a seed from the operating system. Defaults to
            `None`.
        include: Layers whose units may be reset; see `ws_keras.redo`. Defaults
            to `None`.
        exclude: Layers whose units are not reset. Defaults to `None`.
        frozen: Whether to change frozen weights too. Defaults to `False`.
        build_fn: Function that builds the model; see `ws_keras.redo`. Defaults
            to `None`.

    Raises:
        ValueError: As in `ReDo`.
    """

    def __init__(
        self,
        data,
        percentile: float = 0.99,
        *,
        most: int = _MOST,
        every: int = 1,
        batch_size: int | None = None,
        seed: int | None = None,
        include=None,
        exclude=None,
        frozen: bool = False,
        build_fn=None,
    ):
        super().__init__(data, every, seed, include, exclude, frozen, build_fn)
        if not checks.is_number(percentile) or not 0 < percentile < 1:
            raise ValueError(
                "`percentile` must be a number between 0 and 1, such as 0.99. "
                f"Received: percentile={percentile!r}."
            )
        checks.check_positive("most", most)
        if batch_size is not None:
            checks.check_positive("batch_size", batch_size)
        self.percentile, self.most = float(percentile), int(most)
        self.batch_size = batch_size

    def read(self, model) -> list:
        """Returns the batches to measure on, one after the other."""
        return list(batches.Batches(model, self._data, self.batch_size))

    def begin(self, counts: list[int]) -> dict[str, list[np.ndarray]]:
        """Returns ages and thresholds in samples, and the recorded gaps."""
        return {
            "age": [np.zeros(count) for count in counts],
            "threshold": [np.full(n, self.most / 2) for n in counts],
            "gaps": [np.zeros((_WINDOW, n)) for n in counts],
        }

    def choose(self, values: dict, layers: list) -> list[np.ndarray]:
        """Returns the numbers of the units whose age reaches the threshold."""
        batch, chosen = self._next_batch(), []
        size = len(keras.tree.flatten(batch)[0])
        place = (self._count - 1) % _WINDOW
        for number, sizes in enumerate(self._measure(batch)):
            age, gaps = values["age"][number], values["gaps"][number]
            threshold = values["threshold"][number]
            fires = sizes > 0
            gaps[place] = np.where(fires, age, 0)
            age[:] = np.where(fires, 0, age + size)
            found = np.flatnonzero(age >= threshold)
            gaps[place, found] = age[found]
            age[found] = 0
            if place == _WINDOW - 1:
                lowest = min(size, self.most)
                threshold[:] = next_thresholds(
                    threshold, gaps, self.percentile, lowest, self.most
                )
                gaps[:] = 0
            chosen.append(found)
        return chosen


def next_thresholds(
    threshold: np.ndarray,
    gaps: np.ndarray,
    percentile: float,
    lowest: int,
    highest: int,
) -> np.ndarray:
    """Computes the thresholds of units from their last gaps.

    Example:

    >>> gaps = np.array([[0, 0], [30, 20], [0, 90]])
    >>> next_thresholds(np.array([40, 40]), gaps, 0.9, 10, 100).tolist()
    [30, 80]

    Args:
        threshold: Present thresholds, `(units,)`.
        gaps: Gaps of each unit, `(count, units)`; 0 means none.
        percentile: The threshold is the shortest gap for which at least this
            fraction of the gaps is not longer.
        lowest: Lowest threshold, used for a unit without gaps.
        highest: Highest threshold.
    """
    ordered = np.sort(gaps, axis=0)
    missing = (gaps == 0).sum(0)
    rank = np.ceil(percentile * (len(gaps) - missing)).astype(int)
    place = np.minimum(missing + np.maximum(rank, 1), len(gaps)) - 1
    gap = np.take_along_axis(ordered, place[None], axis=0)[0]
    new = np.where(gap < threshold, gap, 2 * threshold)
    return np.clip(new, lowest, highest)
