"""What a view is made from: the rows of an experiment, arm by arm."""

import dataclasses
import functools
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ws_keras.report import protocol
from ws_keras.report import statistics
from ws_keras.storage.rows import Epoch
from ws_keras.storage.rows import Row

COLD = "cold"


@dataclasses.dataclass(frozen=True)
class ArmRuns:
    """The seeds of one arm in one cell, with the cold ones of the same seeds.

    A cold arm with fewer labels, as one that all second-phase settings
    share, is paired by seed and the labels that both have.
    """

    cell: statistics.Cell
    name: str
    rows: list[Row]
    cold_rows: list[Row]

    @functools.cached_property
    def runs(self) -> statistics.Runs:
        """The seeds, finished and other."""
        return statistics.runs(self.rows)

    @functools.cached_property
    def cold(self) -> statistics.Runs:
        """The seeds of the cold arm."""
        return statistics.runs(self.cold_rows)

    @property
    def first(self) -> Row:
        """A row of the arm, for what all of them share."""
        return self.rows[0]

    @property
    def last(self) -> Row:
        """The last row of a finished seed, or of another where none is."""
        for found in self.runs.finished.values():
            return found[-1]
        return self.rows[-1]

    @property
    def labels(self) -> dict:
        """In what this cell differs from others of the experiment."""
        return self.first.labels

    @property
    def unfitted(self) -> str:
        """Says that last rounds were cut off before they had fitted."""
        last = [
            found[-1]
            for runs in (self.runs, self.cold)
            for found in runs.finished.values()
        ]
        capped = sum(row.stopped_by == "cap" for row in last)
        if not capped:
            return ""
        return f"{capped} of {len(last)} last rounds ended at the cap of epochs"

    @property
    def is_cold(self) -> bool:
        """Whether this is the arm that others are compared with."""
        return self.first.arm == COLD

    def final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field of the last round."""
        return statistics.final(self.runs, field)

    def cold_final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field of the cold arm's last round."""
        return statistics.final(self.cold, field)

    def total(self, field: str) -> dict[int, float]:
        """Returns seed to the sum of a field over the rounds."""
        return statistics.total(self.runs, field)

    def at(self, size: int, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field of the round with so many samples."""
        return {
            seed: getattr(row, field)
            for seed, found in self.runs.finished.items()
            for row in found
            if row.num_samples == size
        }

    @functools.cached_property
    def _by_samples(self) -> dict:
        return {}

    def by_samples(self, field: str = "accuracy") -> dict:
        """Returns number of samples to seed to the value of a field."""
        known = self._by_samples
        if field not in known:
            known[field] = statistics.by_samples(self.rows, field)
        return known[field]

    def summary(self, field: str = "accuracy") -> statistics.Summary:
        """Returns mean and spread of a field of the last round."""
        return statistics.summarize(self.final(field).values())

    def gap(self, field: str = "accuracy") -> statistics.Difference:
        """Returns the paired difference to cold in the last round."""
        return statistics.paired(self.final(field), self.cold_final(field))

    def ratio(self, field: str = "sample_passes") -> statistics.Summary:
        """Returns a field of the last round as a share of cold's, by seed."""
        ours, cold = self.final(field), self.cold_final(field)
        return statistics.summarize(
            ours[seed] / cold[seed] for seed in ours if cold.get(seed)
        )


@dataclasses.dataclass(frozen=True)
class Run:
    """The rows of one experiment and what is known of how they came about.

    `config` is that of `run.json`, and `planned` the ids of all settings; both
    may be empty. `epochs` has the epochs of each setting.
    """

    experiment: str
    rows: list[Row]
    epochs: Mapping[str, list[Epoch]] = dataclasses.field(default_factory=dict)
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    planned: tuple[str, ...] = ()

    @functools.cached_property
    def arms(self) -> list[ArmRuns]:
        """All arms of all cells, in the order of tables."""
        grouped = statistics.cells(self.rows)
        colds = statistics.colds(grouped)
        return [
            ArmRuns(cell, name, found, colds[cell])
            for cell, arms in grouped.items()
            for name, found in arms.items()
        ]

    @functools.cached_property
    def missing(self) -> int:
        """Number of settings, planned or begun, that have not finished."""
        known = {*self.planned, *(row.setting for row in self.rows)}
        return len(known - {row.setting for row in self.rows if row.last})

    @property
    def missing_words(self) -> str:
        """What a claim about all settings has to wait for; may be empty."""
        if not self.missing:
            return ""
        return f"{self.missing} settings are not finished"

    def numbered(self, label: str, *kinds: str) -> list[ArmRuns]:
        """Returns the arms for which a label is a number, in its order."""
        found = [
            arm
            for arm in self.pick(*kinds)
            if type(arm.labels.get(label)) in (int, float)
        ]
        return sorted(found, key=lambda arm: arm.labels[label])

    def pick(self, *kinds: str, **fields: Any) -> list[ArmRuns]:
        """Returns the arms of these kinds in cells with these fields."""
        return [
            arm
            for arm in self.arms
            if (not kinds or arm.first.arm.partition("-")[0] in kinds)
            and all(getattr(arm.cell, k) == v for k, v in fields.items())
        ]

    def cells(self) -> dict[statistics.Cell, list[ArmRuns]]:
        """Returns the arms of each cell."""
        found = {}
        for arm in self.arms:
            found.setdefault(arm.cell, []).append(arm)
        return found

    def is_other(self, block: str) -> Callable[[ArmRuns], bool]:
        """Returns whether an arm was run in another way than a paper's."""
        return lambda arm: bool(self.others(block, arm))

    def others(self, block: str, arm: ArmRuns) -> list[str]:
        """Returns in what an arm was run in another way than a paper's."""
        if arm.runs.finished:
            return list(
                dict.fromkeys(
                    words
                    for found in arm.runs.finished.values()
                    for words in protocol.differences(block, self.config, found)
                )
            )
        begun = [r for r in arm.rows if r.setting == arm.last.setting]
        return protocol.differences(block, self.config, begun, ended=False)
