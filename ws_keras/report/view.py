"""What a report shows of an experiment: the `VIEW` of a config file."""

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
        paper: Experiments of `paper.csv` whose numbers stand beside ours; the
            first that has an arm counts. Defaults to none.
        cell: Labels and fields of rows that name a cell in `paper.csv`.
        same: Our words to the paper's words for the same. Defaults to none.
        x: The x axis of arms: `"num_samples"`, a label that is a number, or
            `"number"`, which is the one in the name of the arm. Defaults to
            `None`, no axis.
        rows: A function from rows to the rows that are shown, for example
            with what arms share beside each. Defaults to `None`, all rows.
        cost: Measure of `paper.csv` that is a time, which is shown as a share
            of cold's. Defaults to none.
        unlike: Part of a cell's name to how the recipe itself differs there
            from the paper. Defaults to none.
        chart: A function from a `Run` to the main `sections.Chart`. Defaults
            to `None`, by the shape of the rows.
        folds: Functions from a `Run` to a list of further blocks. Defaults to
            none.
        table: A function from a `Run` to the one table. Defaults to `None`, a
            line for each arm.
        claims: Functions from a `Run` to `claims.Result`s. Defaults to none.
        answer: A function from a `Run` to the first sentences. Defaults to
            `None`, warm and the best other arm against cold.
        note: What a reader must know about the paper's numbers. Defaults to
            nothing.
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
