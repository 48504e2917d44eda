"""Units that fall silent for unusually long begin anew: SNR."""

import keras
import numpy as np

from ws_keras import checks
from ws_keras.callbacks import unit_resets
from ws_keras.transforms import batches

_WINDOW = 16  # measurements between two estimates of the thresholds
_MOST = 20_000  # samples, the highest threshold


class SelfNormalizedResets(unit_resets.UnitResets):
    """Resets units that are silent for longer than they use to be.

    Self-normalized resets of Farias & Jozefiak (ICLR 2025,
    arXiv:2410.20098). A unit fires in a batch if its activation is not 0 for
    some sample of it. Its age is the number of samples since it fired last;
    when it fires again, or is reset, that age is one of its gaps. A unit whose
    age reaches its threshold is reset as in ReDo. Each 16 batches the
    threshold becomes the `percentile` of the gaps of these batches where that
    is below it, and else twice as large; it stays between one batch, which is
    that of a unit without gaps, and `most` samples. It begins at half of
    these.

    Activations are measured by a pass of their own over a batch of `data`, one
    batch after the other, in inference mode: a fit does not show callbacks its
    batches. That costs a forward pass after each batch of training, or after
    each `every`-th. Only units whose activation can be exactly 0, as those of
    rectifiers, are ever silent. Which units there are, and which are refused,
    is told at `ws_keras.redo`.

    The state travels with the weights that `BackupAndRestore` saves, so that a
    restored fit ends alike. `report` holds what the last reset did, `resets`
    the number of units by the name of their layer, since the fit began. The
    model must run one batch at a time (`steps_per_execution=1`).

    Example:

    ```python
    callback = ws_keras.SelfNormalizedResets(x, percentile=0.99, seed=0)
    model.fit(x, y, epochs=10, callbacks=[callback])
    ```

    Args:
        data: Samples to measure on; see `ws_keras.redo`. Up to 100 batches
            are kept in memory.
        percentile: Part of a unit's gaps that may be longer than none of its
            threshold, in (0, 1). Defaults to 0.99.
        most: Highest threshold, in samples. Defaults to 20,000.
        every: Batches of training between two measurements. Defaults to 1.
        batch_size: Samples of a batch of `data`, where these are arrays.
            `None` means 32. Defaults to `None`.
        seed: Non-negative integer that fixes the draws; each reset draws
            anew. `None` takes one from the operating system. Defaults to
            `None`.
        include: Layers whose units may be reset; see `ws_keras.redo`, as for
            all that follow. Defaults to `None`.
        exclude: Layers whose units stay. Defaults to `None`.
        frozen: Whether frozen weights may be written. Defaults to `False`.
        build_fn: Function that builds the model. Defaults to `None`.

    Raises:
        ValueError: As `ReDo`.
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
        """Returns the batches that are measured one after the other."""
        return list(batches.Batches(model, self._data, self.batch_size))

    def begin(self, counts: list[int]) -> dict[str, list[np.ndarray]]:
        """Returns ages and thresholds in samples, and the gaps so far."""
        return {
            "age": [np.zeros(count) for count in counts],
            "threshold": [np.full(n, self.most / 2) for n in counts],
            "gaps": [np.zeros((_WINDOW, n)) for n in counts],
        }

    def choose(self, values: dict, layers: list) -> list[np.ndarray]:
        """Returns the numbers of the units that have been silent too long."""
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
    """Returns the thresholds of units by their last gaps.

    Example:

    >>> gaps = np.array([[0, 0], [30, 20], [0, 90]])
    >>> next_thresholds(np.array([40, 40]), gaps, 0.9, 10, 100).tolist()
    [30, 80]

    Args:
        threshold: Thresholds so far, `(units,)`.
        gaps: Gaps of each unit, `(count, units)`; 0 is none.
        percentile: Which gap counts: the shortest with at least this part of
            all at or below it.
        lowest: Least threshold, that of a unit without gaps.
        highest: Highest threshold.
    """
    ordered = np.sort(gaps, axis=0)
    missing = (gaps == 0).sum(0)
    rank = np.ceil(percentile * (len(gaps) - missing)).astype(int)
    place = np.minimum(missing + np.maximum(rank, 1), len(gaps)) - 1
    gap = np.take_along_axis(ordered, place[None], axis=0)[0]
    new = np.where(gap < threshold, gap, 2 * threshold)
    return np.clip(new, lowest, highest)
