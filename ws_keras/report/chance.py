"""What is got without looking at a sample, and whether more was learned."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ws_keras.report import effects
from ws_keras.report import scale as scales

_UNEVEN = 1.5  # largest class by smallest


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What is got without looking at a sample.

    `values` has the metric of each held-out sample, or one value for all
    together; `what` is what such a prediction is called.
    """

    values: np.ndarray
    what: str


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Classes of the held-out samples, `None` where there are none."""

    labels: np.ndarray | None
    baseline: Baseline | None
    scale: scales.Scale

    @property
    def counts(self) -> np.ndarray:
        return np.unique(self.labels, return_counts=True)[1]

    @property
    def is_uneven(self) -> bool:
        if self.labels is None or len(self.counts) < 2:
            return False
        return self.counts.max() > _UNEVEN * self.counts.min()

    def weights(self) -> np.ndarray:
        """Returns the weight of each sample in the balanced accuracy."""
        _, places, counts = np.unique(
            self.labels, return_inverse=True, return_counts=True
        )
        return len(places) / (len(counts) * counts[places])

    def chance(self) -> str:
        """Returns words for what is got without looking at a sample."""
        if self.labels is not None:
            return (
                "above chance level: always naming the most frequent class "
                f"gives {self.majority().mean():.1f} %"
            )
        level = self.scale.level(float(self.baseline.values.mean()))
        return f"better than {self.baseline.what} ({level})"

    def majority(self) -> np.ndarray:
        """Returns what always naming the most frequent class gets right."""
        classes, counts = np.unique(self.labels, return_counts=True)
        return 100.0 * (self.labels == classes[counts.argmax()])


def has_learned(values: Mapping[int, np.ndarray], held_out: HeldOut) -> bool:
    """Whether it is above chance, or nothing tells what chance is."""
    if held_out.labels is None:
        return _beats(values, held_out)
    # Accuracy, or balanced accuracy.
    majority = held_out.majority()
    weights, chance = held_out.weights(), 100 / len(held_out.counts)
    for some in (
        {s: v - majority for s, v in values.items()},
        {s: weights * v - chance for s, v in values.items()},
    ):
        if _is_above(effects.of(some, held_out.scale.largest)):
            return True
    return False


def _beats(values: Mapping[int, np.ndarray], held_out: HeldOut) -> bool:
    """Whether an arm is better than the baseline, if there is one."""
    baseline, sign = held_out.baseline, held_out.scale.metric.sign
    if baseline is None:
        return True
    gains = {
        seed: sign * (own - baseline.values)
        if own.shape == baseline.values.shape
        else sign * (own - baseline.values.mean())
        for seed, own in values.items()
    }
    return _is_above(effects.of(gains))


def _is_above(effect: effects.Effect) -> bool:
    if effect.count == 1:  # seeds say nothing, but samples do
        effect = dataclasses.replace(effect, of_seeds=0.0)
    return effect.is_above(0.0)
