"""Rules that choose the same held-out samples week after week."""

import dataclasses

import numpy as np

from ws_keras import checks
from ws_keras.data import digests

KINDS = ("random", "last")


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule that chooses held-out samples.

    `"random"` decides by a hash of each sample, or of its `id` or `groups` if
    these name arrays. Therefore a held-out sample remains held out when the
    data grow, and equal samples belong to the same part. `"last"` holds out the
    last samples, which are the newest. Samples of equal time belong to the same
    part.

    `order_by` names the array with the time of each sample, or is `None` if
    samples are in the order of time already.

    `fraction` is the fraction of held-out samples, in (0, 1). `seed` is the
    seed of the hash; nothing else uses it.
    """

    kind: str = "random"
    fraction: float = 0.2
    seed: int = 0
    id: str | None = None
    groups: str | None = None
    order_by: str | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(
                f"The split must be one of {list(KINDS)}. "
                f"Received: split={self.kind!r}."
            )
        if not checks.is_number(self.fraction) or not 0 < self.fraction < 1:
            raise ValueError(
                "The held-out fraction must be a number in (0, 1). "
                f"Received: held_out={self.fraction!r}."
            )
        if not checks.is_whole(self.seed) or self.seed < 0:
            raise ValueError(
                "The seed of the split must be a non-negative integer. "
                f"Received: split_seed={self.seed!r}."
            )
        if self.kind == "last" and self.groups:
            raise ValueError(
                "split='last' cannot keep the samples of a group in one part. "
                f"Received: split='last', groups={self.groups!r}. Give one of "
                "them; an empty groups='' removes the groups of last time."
            )

    def chosen(
        self, found: np.ndarray, groups=None, instants=None
    ) -> np.ndarray:
        """Returns which samples the rule holds out.

        Args:
            found: Digest of each sample, or of its id, `(n,)`.
            groups: Digest of each sample's group. Defaults to `None`.
            instants: Number of each sample's time, ascending. Defaults to
                `None`, a time of its own for each sample.

        Returns:
            An array of booleans, `(n,)`.

        Raises:
            ValueError: If the newest samples are wanted, but all are of one
                time.
        """
        if self.kind == "last":
            first = len(found) - int(self.fraction * len(found))
            if instants is not None:
                first = self._between(instants, first)
            return np.arange(len(found)) >= first
        named = found if groups is None else groups
        return digests.chances(named, self.seed) < self.fraction

    def _between(self, instants: np.ndarray, first: int) -> int:
        """Returns the first sample of a time that is nearest to a sample."""
        begins = np.flatnonzero(np.diff(instants)) + 1
        if not len(begins):
            raise ValueError(
                "split='last' needs samples of different times, because it "
                "holds out the newest. Received: the same time in "
                f"{self.order_by!r} for all {len(instants):,} samples. Give "
                "another array of times, or split='random'."
            )
        return int(begins[np.abs(begins - first).argmin()])

    def __str__(self) -> str:
        share = f"{100 * self.fraction:g} % of the samples"
        if self.kind == "last":
            by = f" by {self.order_by!r}" if self.order_by else ""
            return f"the newest {share}{by}"
        unit = "sample"
        if self.groups:
            unit = f"value of {self.groups!r}"
        elif self.id:
            unit = f"value of {self.id!r}"
        return (
            f"about {share}, by a hash of each {unit} (split seed {self.seed})"
        )
