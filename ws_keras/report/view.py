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
        for name, (wanted, fits) in _WANTED.items():
            value = getattr(self, name)
            if not fits(value):
                raise ValueError(
                    f"`{name}` of a View must be {wanted}. "
                    f"Received: {name}={value!r}."
                )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_function(value: Any) -> bool:
    return value is None or callable(value)


def _are(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, tuple | list) and all(map(fits, value))
    )


_TEXTS = "a tuple of texts, as in ('mine',)", _are(_is_text)
_FUNCTIONS = "a tuple of functions, as in (function,)", _are(callable)
_WANTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("title", "cost", "note"), ("a text", _is_text)),
    "x": ("a text or None", lambda x: x is None or _is_text(x)),
    **dict.fromkeys(("paper", "cell"), _TEXTS),
    **dict.fromkeys(("folds", "claims"), _FUNCTIONS),
    **dict.fromkeys(
        ("rows", "chart", "table", "answer"),
        ("a function or None", _is_function),
    ),
    **dict.fromkeys(
        ("same", "unlike"),
        ("a mapping", lambda value: isinstance(value, Mapping)),
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
