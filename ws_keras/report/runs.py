"""What a view is made from: the rows of an experiment, arm by arm."""

import dataclasses
import functools
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
# The corner of a grid where the network starts anew.
_CORNER = "shrink_perturb 0/1"


@dataclasses.dataclass(frozen=True, eq=False)
class Arm:
    """The seeds of one arm in one cell, with the cold arm they are paired with.

    A field is one of a row, such as `"accuracy"` (the default) or `"steps"`,
    or a measure of its diagnostics.
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
        """Any row of the arm, for what all of them share."""
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
        """How this cell differs from others of the experiment."""
        return self.first.labels

    @property
    def is_cold(self) -> bool:
        """Whether other arms are compared with this one."""
        return self.first.arm == COLD

    @property
    def is_capped(self) -> bool:
        """Whether a last round, or cold's, ended before the network fitted."""
        return any(
            found[-1].stopped_by == "cap"
            for some in (self.runs, self.cold)
            for found in some.finished.values()
        )

    @functools.cached_property
    def has_capped_rounds(self) -> bool:
        """Whether any round of a finished seed ended before it fitted."""
        ended = self.runs.finished.values()
        return any(row.stopped_by == "cap" for some in ended for row in some)

    def final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field of the last round."""
        return self.runs.final(field)

    def cold_final(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to a field of the cold arm's last round."""
        return self.cold.final(field)

    def total(self, field: str) -> dict[int, float]:
        """Returns seed to the sum of a field over the rounds."""
        return self.runs.total(field)

    def latest(self) -> dict[int, float]:
        """Returns `final`; without a finished seed the last common round."""
        if self.runs.finished:
            return self.final()
        found = grouping.by_round(self.rows).values()
        most = max(map(len, found), default=0)
        return next((v for v in reversed(found) if len(v) == most), {})

    def by_samples(self, field: str = "accuracy") -> dict:
        """Returns number of samples to seed to a field, unfinished too."""
        return grouping.by_samples(self.rows, field)

    def summary(self, field: str = "accuracy") -> statistics.Effect:
        """Returns the mean of a field of the last round."""
        return statistics.level(self.final(field))

    def gaps(self, field: str = "accuracy") -> dict[int, float]:
        """Returns seed to the difference from cold in the last round."""
        return statistics.difference(self.final(field), self.cold_final(field))

    def gap(self, field: str = "accuracy") -> statistics.Effect:
        """Returns the mean difference from cold in the last round."""
        return statistics.level(self.gaps(field))

    def gap_at(self, round_: int) -> statistics.Effect:
        """Returns the mean difference from cold in a round, by its number."""
        ours, theirs = (
            {seed: found[round_ - 1].accuracy for seed, found in known.items()}
            for known in (self.runs.finished, self.cold.finished)
        )
        return statistics.paired(ours, theirs)

    def ratio(self, field: str = "sample_passes") -> statistics.Ratio:
        """Returns a field of the last round as a share of cold's."""
        return statistics.ratio(self.final(field), self.cold_final(field))

    def total_ratio(self, field: str = "sample_passes") -> statistics.Ratio:
        """Returns the sum of a field over all rounds as a share of cold's."""
        return statistics.ratio(self.total(field), self.cold.total(field))


@dataclasses.dataclass(frozen=True)
class Run:
    """The rows of one experiment and what is known about it.

    Args:
        experiment: Its name.
        rows: Its rows.
        epochs: Id of a setting to its epochs. Defaults to none.
        config: The config of `run.json`. Defaults to none, not known.
        planned: The ids of all settings. Defaults to none, not known.
        recipe: Its `view.Recipe`. Defaults to one that knows nothing.
        recipes: Finds the recipes of other experiments. Defaults to none.
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
        """What the report shows."""
        return self.recipe.view

    @functools.cached_property
    def arms(self) -> list[Arm]:
        """All arms of all cells, in the order of tables."""
        grouped = grouping.cells(self.rows)
        colds = grouping.colds(grouped)
        found = []
        for cell, arms in grouped.items():
            corner = arms.get(_CORNER, [])
            for name, some in arms.items():
                cold = colds[cell] or ([] if name == _CORNER else corner)
                found.append(Arm(cell, name, some, cold))
        return found

    @property
    def is_online(self) -> bool:
        """Whether there are more than two rounds, or will be."""
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

        def field(arm: Arm, name: str) -> Any:
            return getattr(arm.cell, name, getattr(arm.first, name, None))

        return [
            arm
            for arm in self.arms
            if (not kinds or arm.kind in kinds)
            and all(field(arm, name) == v for name, v in fields.items())
        ]

    def settled(self, *kinds: str, **fields: Any) -> list[Arm]:
        """Returns the arms of `pick` whose claims may be judged."""
        if self.limit:
            return []
        return [a for a in self.pick(*kinds, **fields) if self.is_settled(a)]

    def is_settled(self, arm: Arm) -> bool:
        """Returns whether all seeds of an arm, and its cold's, have ended."""
        known = {_family(row.setting) for row in [*arm.rows, *arm.cold_rows]}
        is_open = known & set(map(_family, self.unfinished))
        return not arm.is_capped and not is_open

    @functools.cached_property
    def unfinished(self) -> list[str]:
        """Ids of settings, planned or begun, that have not finished."""
        known = dict.fromkeys([*self.planned, *(r.setting for r in self.rows)])
        done = {row.setting for row in self.rows if row.last}
        return [name for name in known if name not in done]

    @property
    def limit(self) -> int | None:
        """The number of rounds after which a run ends before its recipe."""
        if not self.recipe.config:
            return None
        ours = recipes.field_of(self.config, "rounds.limit")
        theirs = recipes.field_of(self.recipe.config, "rounds.limit")
        return ours if isinstance(ours, int) and ours != theirs else None

    def x_of(self, arm: Arm, row: Row | None = None) -> float | None:
        """Returns the x coordinate of an arm, or of one of its rows."""
        name = self.view.x
        if name == views.SAMPLES:
            return float((row or arm.last).num_samples)
        if name == "number":
            found = arm.first.arm.rpartition("-")[2]
            return float(found) if found.isdecimal() else None
        value = arm.labels.get(name)
        return float(value) if type(value) in (int, float) else None

    def along_x(self, *kinds: str) -> list[Arm]:
        """Returns the arms that have an x coordinate, sorted by it."""
        found = [arm for arm in self.pick(*kinds) if self.x_of(arm) is not None]
        return sorted(found, key=self.x_of)

    def key(self, arm: Arm) -> str:
        """Returns the name of an arm's cell in the table of papers' numbers."""
        found = []
        for name in self.view.cell:
            word = str(arm.labels.get(name, getattr(arm.cell, name, "")))
            ours, theirs = self._renamed.get(name, ("", ""))
            word = theirs if word == ours else word
            found.append(self.view.same.get(word, word))
        return "/".join(found)

    def number(
        self,
        arm: Arm,
        row: Row | None = None,
        measure: str = "accuracy",
    ) -> paper.Number | None:
        """Returns a paper's number for an arm, or for one of its rows."""
        names, x = self.view.paper, self.x_of(arm, row)
        return paper.find(names, arm.name, self.key(arm), x, measure)

    def curve(self, arm: Arm, measure: str) -> list[paper.Number]:
        """Returns a paper's numbers of a measure for an arm, along x."""
        return [
            number
            for name in self.view.paper
            for number in paper.of(name, measure)
            if (number.arm, number.cell) == (arm.name, self.key(arm))
        ]

    def others(self, arm: Arm, number: paper.Number) -> tuple[str, ...]:
        """Returns how the protocol of an arm differs from a number's."""
        own = [w for c, w in self.view.unlike.items() if c in number.cell]
        if arm.has_capped_rounds:
            own.append("rounds that ended at the cap of epochs")
        return (*self._differences(number.experiment), *own)

    @property
    def changes(self) -> tuple[str, ...]:
        """How a run differs from its recipe, if both are known."""
        if not self.config or not self.recipe.config:
            return ()
        return self._differences(self.experiment)

    @functools.cached_property
    def _renamed(self) -> dict[str, tuple[str, str]]:
        return recipes.renamed(self.config, self.recipe)

    @functools.cached_property
    def _known(self) -> dict[str, tuple[str, ...]]:
        return {}

    def _differences(self, experiment: str) -> tuple[str, ...]:
        if experiment not in self._known:
            recipe = self.recipe
            if experiment != self.experiment:
                recipe = self.recipes(experiment, {})
            found = recipes.differences(self.config, recipe)
            names = recipes.said(self._renamed)
            self._known[experiment] = (*found, *names)
        return self._known[experiment]


def _family(setting: str) -> str:
    """Returns the id of a setting without its seed."""
    return setting.rpartition("/")[0]
