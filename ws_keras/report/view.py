"""Defines the report of an experiment: the `VIEW` of a config file."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

SAMPLES = "num_samples"


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """Defines the report of an experiment, as `VIEW` in its config file.

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
        title: Title of the experiment. Defaults to `""`.
        paper: Experiments of `paper.csv` whose numbers are shown next to ours.
            For each arm, the first experiment that has it is used. Defaults to
            `()`.
        cell: Labels and fields of rows that identify a cell in `paper.csv`.
            Defaults to `("dataset", "model", "optimizer")`.
        same: Maps our terms to those of the paper. Defaults to `{}`.
        x: The x axis of arms: `"num_samples"`, a label that is a number, or
            `"number"`, the number in the name of the arm. `None` means no axis.
            Defaults to `None`.
        rows: Function that maps all rows to the rows to show, for example to
            repeat rows that several arms share. `None` shows all rows. Defaults
            to `None`.
        cost: Measure of `paper.csv` that is a time. It is shown as a fraction
            of that of cold. Defaults to `""`, no measure.
        unlike: Maps a part of a cell's name to a sentence that says how the
            recipe differs from the paper there. Defaults to `{}`.
        chart: Function of a `Run` that returns the main `sections.Chart`.
            `None` chooses a chart that matches the rows. Defaults to `None`.
        folds: Functions of a `Run` that return lists of further blocks, which
            are shown folded. Defaults to `()`.
        table: Function of a `Run` that returns the main table. `None` means a
            table with a line for each arm. Defaults to `None`.
        claims: Functions of a `Run` that yield `claims.Result` objects; see
            `claims`. Defaults to `()`.
        answer: Function of a `Run` that returns the first sentences. `None`
            compares warm and the best other arm with cold. Defaults to `None`.
        note: Text about the numbers of the paper. Defaults to `""`.
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

    def __post_init__(self):
        for field in dataclasses.fields(self):
            wanted, fits = _WANTED[field.type]
            value = getattr(self, field.name)
            if not fits(value):
                raise ValueError(
                    f"`{field.name}` of a View must be {wanted}. "
                    f"Received: {field.name}={value!r}."
                )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, tuple | list) and all(map(fits, value))
    )


# The type of a field to what it must be, in words and as a check.
_WANTED = {
    str: ("a text", _is_text),
    str | None: ("a text or None", lambda v: v is None or _is_text(v)),
    Callable | None: ("a function or None", lambda v: v is None or callable(v)),
    Mapping[str, str]: ("a mapping", lambda v: isinstance(v, Mapping)),
    tuple[str, ...]: ("a tuple of texts, as in ('mine',)", _are(_is_text)),
    tuple[Callable, ...]: (
        "a tuple of functions, as in (function,)",
        _are(callable),
    ),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What is known of an experiment apart from a run of it.

    Args:
        view: Its `View`.
        config: Its config without changes, as nested dictionaries. Defaults
            to none.
        defaults: The values of fields that an older config lacks. Defaults to
            none.
        text: The docstring of its config file. Defaults to nothing.
    """

    view: View = View()
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    text: str = ""


# A function from an experiment's name and the content of `run.json` to the
# experiment's recipe, or to `None`.
Recipes = Callable[[str, Mapping[str, Any]], Recipe | None]


def none(experiment: str, run: Mapping[str, Any]) -> None:
    """Finds no recipe; the default of `Recipes`."""
    del experiment, run
