"""Whether a run followed its recipe, and that of the numbers beside it.

A run has another protocol if its config differs from the recipe's in any
field but those below.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ws_keras.report import view as views

# Fields that change no number: how many arms, seeds and rounds there are, when
# a round that cannot learn is given up (its rows say so), what is measured and
# how it is executed.
FREE = (
    "arms",
    "deterministic",
    "diagnostics",
    "experiment",
    "model.synchronized",
    "rounds.limit",
    "seeds",
    "train.expected_epochs",
    "train.max_epochs",
    "train.min_delta",
    "train.monitor_samples",
    "train.patience",
    "train.steps_per_execution",
)
# Fields that have moved or changed their default since, with the same rows.
SINCE = (
    "train.expected_epochs",
    "train.min_delta",
    "train.patience",
    "train.steps_per_execution",
)
ONLINE = ("online", "active")
# Fields that look up a number. The settings of a recipe may have other values
# than its config, and a command may replace the recipe's.
NAMES = {
    "dataset": "data.name",
    "model": "model.name",
    "optimizer": "optimizer.name",
}
# A field to its value in a run and in what the run is compared with.
Changes = dict[str, tuple[Any, Any]]


def differences(
    config: Mapping[str, Any], recipe: views.Recipe | None
) -> list[str]:
    """Returns the fields in which a run differs from a recipe.

    Args:
        config: Config of the run, as nested dictionaries. It may be older
            than some fields.
        recipe: The `Recipe`; `None` if none is known.

    Returns:
        Differences such as `model.width 64 instead of 16`; none where a run
        may be compared with the numbers of the recipe's experiment.
    """
    if not config or recipe is None or not recipe.config:
        return ["a config that is not known"]
    free = (*FREE, *NAMES.values())
    # Fewer samples are fewer rounds of the same steps.
    if field_of(recipe.config, "rounds.protocol") in ONLINE:
        free = (*free, "data.samples")
    return said(changes(config, recipe.config, recipe.defaults, free))


def command(
    config: Mapping[str, Any], recipe: views.Recipe
) -> list[str] | None:
    """Returns the words of the command that gives a config, if it is known.

    It is for runs whose `run.json` was written before it had the command.
    """
    name = config.get("experiment")
    if not recipe.config or recipe.config.get("experiment") != name:
        return None
    words = ["ws-run", f"--config={name}"]
    found = changes(config, recipe.config, recipe.defaults, SINCE)
    for field, (ours, _) in found.items():
        value = tuple(ours) if isinstance(ours, list) else ours
        words.append(f"--config.{field}={value}")
    return words


def renamed(config: Mapping[str, Any], recipe: views.Recipe) -> Changes:
    """Returns the names in a config that replace a recipe's.

    Returns:
        `"dataset"`, `"model"` or `"optimizer"` to ours and the recipe's.
    """
    pairs = {
        word: (field_of(config, name), field_of(recipe.config, name))
        for word, name in NAMES.items()
    }
    return {
        word: (ours, theirs)
        for word, (ours, theirs) in pairs.items()
        if ours != theirs and None not in (ours, theirs)
    }


def changes(
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    defaults: Mapping[str, Any],
    free: Iterable[str],
) -> Changes:
    """Returns what differs in a config, of the fields that another one has.

    Args:
        ours: The config, as nested dictionaries.
        theirs: The other config.
        defaults: The values of fields that ours lacks.
        free: Fields that may differ, with all fields below them.
    """
    known = {**dict(flat(defaults)), **dict(flat(ours))}
    return {
        name: (known.get(name), value)
        for name, value in flat(theirs)
        if _plain(known.get(name)) != _plain(value)
        and not any(f"{name}.".startswith(f"{field}.") for field in free)
    }


def said(found: Changes) -> list[str]:
    """Returns changes in words, such as `model.width 64 instead of 16`."""
    return [
        f"{name} {_shown(ours)} instead of {_shown(theirs)}"
        for name, (ours, theirs) in found.items()
    ]


def flat(
    fields: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yields the fields of nested dictionaries by their full names."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def field_of(
    config: Mapping[str, Any], field: str, otherwise: Any = None
) -> Any:
    """Returns a field such as `train.epochs`, or a default without one."""
    value = config
    for part in field.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return otherwise
        value = value[part]
    return value


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
