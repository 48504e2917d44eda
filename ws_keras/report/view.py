"""What is to be seen of an experiment: what its config says beside settings."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

SAMPLES = "num_samples"


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """What a report shows of an experiment; a config file has it as `VIEW`.

    Example:

    ```python
    VIEW = view.View(
        title="Weight decay and the gap",
        x="penalty.weight",
        chart=charts.over,
        claims=(claims.cold_above("warm"),),
    )
    ```

    Args:
        title: The experiment in words.
        paper: Experiments of `paper.csv` whose numbers stand beside ours, the
            first that has one. Defaults to none.
        cell: Labels and fields of rows that name a cell in `paper.csv`.
        same: A word of ours to that of the paper which it stands for.
            Defaults to none.
        x: What arms are set out along: `"num_samples"`, a label that is a
            number, or `"number"`, that in the name of the arm. Defaults to
            `None`, nothing.
        rows: Rows to those that are shown, with what arms share beside each.
            Defaults to `None`, as they are.
        cost: Measure of `paper.csv` that is a time; shown as a share of
            cold's. Defaults to none.
        unlike: A word of a cell to how the recipe itself is not what the
            paper did there. Defaults to none.
        chart: `Run` to the main `sections.Chart`. Defaults to `None`, by the
            shape of the rows.
        folds: Each `Run` to blocks for one more fold, or to none. Defaults to
            none.
        table: `Run` to the one table. Defaults to `None`, a line for each arm.
        claims: Each `Run` to `claims.Result`s. Defaults to none.
        answer: `Run` to the first sentences. Defaults to `None`, warm and the
            best other arm against cold.
        note: What must be known of the paper's numbers. Defaults to nothing.
    """

    title: str = ""
    paper: tuple[str, ...] = ()
    cell: tuple[str, ...] = ("dataset", "model", "optimizer")
    same: Mapping[str, str] = dataclasses.field(default_factory=dict)
    x: str | None = None
    rows: Callable | None = None
    cost: str = ""
    unlike: Mapping[str, str] = dataclasses.field(default_factory=dict)
    chart: Callable | None = None
    folds: tuple[Callable, ...] = ()
    table: Callable | None = None
    claims: tuple[Callable, ...] = ()
    answer: Callable | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What is known of an experiment apart from a run of it.

    Args:
        view: Its `View`.
        config: Its config as it comes, of dictionaries. Defaults to none.
        defaults: What the fields are in a config that is older than them.
            Defaults to none.
        text: What its config file says of it. Defaults to nothing.
    """

    view: View = View()
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    text: str = ""


# An experiment's name and the content of `run.json` to its recipe, if any.
Recipes = Callable[[str, Mapping[str, Any]], Recipe | None]


def none(experiment: str, run: Mapping[str, Any]) -> None:
    """The `Recipes` of who knows no config files."""
    del experiment, run
