"""What a prediction gets without looking at its sample: the chance level."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ws_keras.report import scale as scales
from ws_keras.report import statistics

_UNEVEN = 1.5  # largest class by smallest


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What a prediction gets without looking at its sample.

    `values` has the metric of each held-out sample, or one value for all
    together; `what` names such a prediction. Arms whose metric is a mean over
    samples in another way cannot be compared with it.
    """

    values: np.ndarray
    what: str


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Classes of the held-out samples, `None` where they are not known."""

    labels: np.ndarray | None
    baseline: Baseline | None
    scale: scales.Scale

    @property
    def counts(self) -> np.ndarray:
        """The number of samples of each class."""
        return np.unique(self.labels, return_counts=True)[1]

    @property
    def is_uneven(self) -> bool:
        """Whether some class is much larger than another."""
        if self.labels is None or len(self.counts) < 2:
            return False
        return self.counts.max() > _UNEVEN * self.counts.min()

    def weights(self) -> np.ndarray:
        """Returns the weight of each sample in the balanced accuracy."""
        _, places, counts = np.unique(
            self.labels, return_inverse=True, return_counts=True
        )
        return len(places) / (len(counts) * counts[places])

    def majority(self) -> np.ndarray:
        """Returns 100 for samples of the most frequent class, 0 for others."""
        classes, counts = np.unique(self.labels, return_counts=True)
        return 100.0 * (self.labels == classes[counts.argmax()])

    def chance(self) -> str:
        """Returns words for the chance level."""
        if self.labels is not None:
            return (
                "above chance level: always naming the most frequent class "
                f"gives {self.majority().mean():.1f} %"
            )
        level = self.scale.level(float(self.baseline.values.mean()))
        return f"better than {self.baseline.what} ({level})"

    def is_learned(self, values: Mapping[int, np.ndarray]) -> bool:
        """Whether an arm is above chance, or the chance level is not known.

        Args:
            values: Seed to the metric of each held-out sample.
        """
        if self.labels is None:
            return self.baseline is None or self._beats_baseline(values)
        # Accuracy, or balanced accuracy.
        weights, chance = self.weights(), 100 / len(self.counts)
        majority = self.majority()
        gains = (
            {s: v - majority for s, v in values.items()},
            {s: weights * v - chance for s, v in values.items()},
        )
        return any(_is_positive(some, self.scale.largest) for some in gains)

    def _beats_baseline(self, values: Mapping[int, np.ndarray]) -> bool:
        theirs, sign = self.baseline.values, self.scale.metric.sign
        if any(own.shape != theirs.shape for own in values.values()):
            # For example a loss with regularizers, or the sum of a batch.
            return True
        return _is_positive(
            {seed: sign * (own - theirs) for seed, own in values.items()}
        )


def _is_positive(gains: Mapping[int, np.ndarray], largest: float = 0.0) -> bool:
    effect = statistics.over_samples(gains, largest)
    if effect.count == 1:  # it has no spread of seeds, but one of samples
        effect = dataclasses.replace(effect, of_seeds=0.0)
    return effect.is_above(0.0)
