"""What a view is made from: the rows of an experiment, arm by arm."""

import dataclasses
import functools
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ws_keras import arms as methods
from ws_keras.report import grouping
from ws_keras.report import paper
from ws_keras.report import recipe as recipes
from ws_keras.report import statistics
from ws_keras.report import view as views
from ws_keras.storage.rows import Epoch
from ws_keras.storage.rows import Row

COLD = "cold"
_CORNER = "shrink_perturb 0/1"


@dataclasses.dataclass(frozen=True, eq=False)
class Arm:
    """The seeds of one arm in one cell, with the cold ones of the same seeds.

    A cold arm with fewer labels, as one that all second-phase settings
    share, is paired by seed and the labels that both have.
    """

    cell: grouping.Cell
    name: str
    rows: list[Row]
    cold_rows: list[Row]

    @functools.cached_property
    def runs(self) -> grouping.Runs:
        """The seeds, finished and other."""
        return grouping.runs(self.rows)

    @functools.cached_property
    def cold(self) -> grouping.Runs:
        """The seeds of the cold arm."""
        return grouping.runs(self.cold_rows)

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
    def kind(self) -> str:
        """The arm without its numbers, such as `dash`."""
        return methods.name_of(self.first.arm)

    @property
    def labels(self) -> dict:
        """In what this cell differs from others of the experiment."""
        return self.first.labels

    @property
    def is_cold(self) -> bool:
        """Whether this is the arm that others are compared with."""
        return self.first.arm == COLD

    @property
    def is_capped(self) -> bool:
        """Whether last rounds, or cold's, ended before they had fitted."""
        return any(
            found[-1].stopped_by == "cap"
            for some in (self.runs, self.cold)
            for found in some.finished.values()
        )

    @functools.cached_property
    def has_capped_rounds(self) -> bool:
        """Whether any round of a finished seed ended before it had fitted."""
        ended = self.runs.finished.values()
        return any(row.stopped_by == "cap" for some in ended for row in some)

    def final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field or measure of the last round."""
        return grouping.final(self.runs, field)

    def cold_final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field of the cold arm's last round."""
        return grouping.final(self.cold, field)

    def total(self, field: str) -> dict[int, float]:
        """Returns seed to the sum of a field over the rounds."""
        return grouping.total(self.runs, field)

    def latest(self, field: str = "accuracy") -> dict[int, float]:
        """Returns `final`, or if no seed is finished, how far all have come."""
        if self.runs.finished:
            return self.final(field)
        found = self.by_samples(field).values()
        most = max(map(len, found), default=0)
        return next((v for v in reversed(found) if len(v) == most), {})

    def by_samples(self, field: str = "accuracy") -> dict:
        """Returns number of samples to seed to a field, begun seeds too."""
        return _by_samples(self.rows, field)

    def cold_by_samples(self, field: str = "accuracy") -> dict:
        """Returns the same of the cold arm."""
        return _by_samples(self.cold_rows, field)

    def summary(self, field: str = "accuracy") -> statistics.Summary:
        """Returns mean and spread of a field of the last round."""
        return statistics.summarize(self.final(field).values())

    def gap(self, field: str = "accuracy") -> statistics.Effect:
        """Returns the paired difference to cold in the last round."""
        return statistics.paired(self.final(field), self.cold_final(field))

    def gap_at(self, round_: int) -> statistics.Effect:
        """Returns the paired difference to cold in a round, by its number."""
        ours, theirs = (
            {seed: found[round_ - 1].accuracy for seed, found in known.items()}
            for known in (self.runs.finished, self.cold.finished)
        )
        return statistics.paired(ours, theirs)

    def ratio(self, field: str = "sample_passes") -> statistics.Ratio:
        """Returns what the last round takes as a share of cold's."""
        return statistics.ratio(self.final(field), self.cold_final(field))

    def total_ratio(self, field: str = "sample_passes") -> statistics.Ratio:
        """Returns what all rounds take as a share of cold's."""
        cold = grouping.total(self.cold, field)
        return statistics.ratio(self.total(field), cold)


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
    recipe: views.Recipe = views.Recipe()
    recipes: views.Recipes = views.none

    @property
    def view(self) -> views.View:
        """What is to be seen."""
        return self.recipe.view

    @functools.cached_property
    def arms(self) -> list[Arm]:
        """All arms of all cells, in the order of tables."""
        grouped = grouping.cells(self.rows)
        colds = grouping.colds(grouped)
        found = []
        for cell, arms in grouped.items():
            # The corner of a grid that starts anew.
            corner = arms.get(_CORNER, [])
            for name, some in arms.items():
                other = [] if name == _CORNER else corner
                found.append(Arm(cell, name, some, colds[cell] or other))
        return found

    @property
    def is_online(self) -> bool:
        """Whether there are more than two rounds, or are to be."""
        protocol = recipes.field_of(self.config, "rounds.protocol")
        return protocol in recipes.ONLINE or grouping.is_online(self.rows)

    def cells(self) -> dict[grouping.Cell, list[Arm]]:
        """Returns the arms of each cell."""
        found = {}
        for arm in self.arms:
            found.setdefault(arm.cell, []).append(arm)
        return found

    def pick(self, *kinds: str, **fields: Any) -> list[Arm]:
        """Returns the arms of these kinds whose rows have these fields."""
        return [
            arm
            for arm in self.arms
            if (not kinds or arm.kind in kinds)
            and all(_field(arm, k) == v for k, v in fields.items())
        ]

    def settled(self, *kinds: str, **fields: Any) -> list[Arm]:
        """Returns those of `pick` of which a claim may be judged.

        All of their seeds are finished, and those of their cold start.
        """
        if self.limit:
            return []
        return [a for a in self.pick(*kinds, **fields) if self.is_settled(a)]

    def is_settled(self, arm: Arm) -> bool:
        """Returns whether all seeds of an arm, and its cold's, have ended."""
        known = [*arm.rows, *arm.cold_rows]
        return not arm.is_capped and all(
            name not in self._open for name in _families(known)
        )

    @functools.cached_property
    def unfinished(self) -> list[str]:
        """Ids of settings, planned or begun, that have not finished."""
        known = dict.fromkeys([*self.planned, *(r.setting for r in self.rows)])
        done = {row.setting for row in self.rows if row.last}
        return [name for name in known if name not in done]

    @functools.cached_property
    def _open(self) -> set[str]:
        return {name.rpartition("/")[0] for name in self.unfinished}

    @property
    def limit(self) -> int | None:
        """The number of rounds after which a run ends before its recipe."""
        if not self.recipe.config:
            return None
        ours = recipes.field_of(self.config, "rounds.limit")
        theirs = recipes.field_of(self.recipe.config, "rounds.limit")
        return ours if isinstance(ours, int) and ours != theirs else None

    def x_of(self, arm: Arm, row: Row | None = None) -> float | None:
        """Returns an arm's place on the x axis, or that of one of its rows."""
        name = self.view.x
        if name == views.SAMPLES:
            return float((row or arm.last).num_samples)
        if name == "number":
            found = arm.first.arm.rpartition("-")[2]
            return float(found) if found.isdecimal() else None
        value = arm.labels.get(name)
        return float(value) if type(value) in (int, float) else None

    def along_x(self, *kinds: str) -> list[Arm]:
        """Returns the arms that have a place on the x axis, in their order."""
        found = [(self.x_of(arm), arm) for arm in self.pick(*kinds)]
        known = [pair for pair in found if pair[0] is not None]
        return [arm for _, arm in sorted(known, key=lambda pair: pair[0])]

    def key(self, arm: Arm) -> str:
        """Returns what the papers' table calls the cell of an arm."""
        found = []
        for name in self.view.cell:
            word = str(arm.labels.get(name, getattr(arm.cell, name, "")))
            ours, theirs = self._renamed.get(name, ("", ""))
            found.append(theirs if word == ours else word)
        same = self.view.same
        return "/".join(same.get(word, word) for word in found)

    def number(
        self,
        arm: Arm,
        row: Row | None = None,
        measure: str = "accuracy",
    ) -> paper.Number | None:
        """Returns the number of a paper for an arm, at one of its rows."""
        names, x = self.view.paper, self.x_of(arm, row)
        return paper.find(names, arm.name, self.key(arm), x, measure)

    def others(self, arm: Arm, number: paper.Number) -> tuple[str, ...]:
        """Returns in what an arm was run in another way than a number."""
        own = [w for c, w in self.view.unlike.items() if c in number.cell]
        if arm.has_capped_rounds:
            own.append("rounds that ended at the cap of epochs")
        return (*self._others(number.experiment), *self._names, *own)

    @property
    def changes(self) -> tuple[str, ...]:
        """In what a run is not its recipe, if both are known."""
        if not self.config or not self.recipe.config:
            return ()
        return (*self._others(self.experiment), *self._names)

    @property
    def _names(self) -> list[str]:
        pairs = self._renamed.items()
        return [f"{n} {ours}, not {theirs}" for n, (ours, theirs) in pairs]

    @functools.cached_property
    def _renamed(self) -> dict[str, tuple[str, str]]:
        return recipes.renamed(self.config, self.recipe)

    @functools.cached_property
    def _known(self) -> dict[str, tuple[str, ...]]:
        return {}

    def _others(self, experiment: str) -> tuple[str, ...]:
        if experiment not in self._known:
            recipe = self.recipe
            if experiment != self.experiment:
                recipe = self.recipes(experiment, {})
            found = recipes.differences(self.config, recipe)
            self._known[experiment] = tuple(found)
        return self._known[experiment]


def _field(arm: Arm, name: str) -> Any:
    return getattr(arm.cell, name, getattr(arm.first, name, None))


def _families(known: list[Row]) -> Iterator[str]:
    """Yields the ids of settings without their seeds, each once."""
    yield from dict.fromkeys(row.setting.rpartition("/")[0] for row in known)


def _by_samples(some: list[Row], field: str) -> dict:
    found = {}
    for row in some:
        if row.stopped_by != "nan":
            value = grouping.value(row, field)
            found.setdefault(row.num_samples, {})[row.seed] = value
    return dict(sorted(found.items()))
