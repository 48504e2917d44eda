"""Settings: fully determined runs of an experiment, with stable ids."""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from ws_keras import arms as methods
from ws_keras import checks
from ws_keras.arms import registry


@dataclasses.dataclass(frozen=True)
class Setting:
    """One run of an experiment, seed included.

    The id names the folder, the rows and the TensorBoard run of the setting.
    `overrides` holds the config fields in which this setting differs, such as
    `("data.name", "cifar100")`. `labels` holds how rows describe these fields.
    """

    id: str
    arm: str
    shrink: float
    perturb: float
    seed: int
    overrides: tuple[tuple[str, Any], ...] = ()
    labels: tuple[tuple[str, Any], ...] = ()

    @property
    def pair(self) -> str:
        """The id without the arm, which is equal for paired settings."""
        parts = self.id.split("/")
        return "/".join([*parts[:-2], parts[-1]])

    @property
    def kind(self) -> str:
        """The arm without its numbers, such as `dash`."""
        return methods.name_of(self.arm)

    @functools.cached_property
    def method(self) -> methods.Arm:
        """The arm as an object."""
        return methods.of_row(self.arm, self.shrink, self.perturb)


def product(
    config,
    grid: Mapping[str, Iterable] | None = None,
    arms: Iterable[str | methods.Arm] | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> list[Setting]:
    """Returns the settings of all combinations of grid, arms and seeds.

    Seeds vary most slowly, so that a run that is interrupted has complete
    pairs.

    Example:

    ```python
    def settings(config):
        models = {
            "mlp": {"model.name": "mlp"},
            "mlp_tanh": {"model.name": "mlp", "model.activation": "tanh"},
        }
        return product(config, {"optimizer.name": ("sgd",), "model": models})
    ```

    Args:
        config: Config with `experiment`, `arms` and `seeds`.
        grid: Maps a config field to its values. Or maps a name to a mapping
            from words, which become part of the id, to config fields and their
            values. Defaults to none.
        arms: Arms in place of those of the config, as text or as objects.
            Defaults to `None`.
        fixed: Config fields and values that all these settings share. They are
            not part of ids and labels. Defaults to none.

    Returns:
        List of `Setting`.

    Raises:
        ValueError: If an arm is unknown, if a seed is negative, or if there is
            no arm or seed.
    """
    arms = [_text(arm) for arm in (config.arms if arms is None else arms)]
    _check(arms, config.seeds)
    _check_grid(grid or {})
    axes = [_axis(name, values) for name, values in (grid or {}).items()]
    found = []
    for seed, *points in itertools.product(config.seeds, *axes):
        cell = "-".join(point.word for point in points)
        overrides = tuple((fixed or {}).items())
        overrides += tuple(p for point in points for p in point.overrides)
        labels = tuple(pair for point in points for pair in point.labels)
        for arm in arms:
            parsed = parse_arm(arm)
            parts = [config.experiment, cell, arm, f"seed{seed}"]
            setting_id = "/".join(filter(None, parts))
            found.append(Setting(setting_id, *parsed, seed, overrides, labels))
    ids = [setting.id for setting in found]
    if not ids or len(set(ids)) < len(ids):
        raise ValueError(
            "`grid` must have values for each field and give each setting a "
            f"different id. Received: grid={grid}."
        )
    return found


class _Point(NamedTuple):
    """A value on an axis of a grid."""

    word: str
    overrides: tuple[tuple[str, Any], ...]
    labels: tuple[tuple[str, Any], ...]


# Rows have separate fields for these values.
_NAMED = ("data.name", "model.name", "optimizer.name")


def _axis(name: str, values: Iterable) -> list[_Point]:
    points = []
    for value in values:
        fields = {name: value}
        if isinstance(values, Mapping):
            fields = values[value]
        overrides = tuple(fields.items())
        is_named = bool(fields) and all(field in _NAMED for field in fields)
        labels = () if is_named else ((name, _plain(value)),)
        points.append(_Point(_word(value), overrides, labels))
    return points


def _plain(value):
    return value if isinstance(value, (str, int, float)) else str(value)


def _word(value) -> str:
    # An id is used as the name of a folder.
    return re.sub(r"[^\w.+-]+", "_", str(value)).strip("_")


def parse_arm(arm: str) -> tuple[str, float, float]:
    """Returns the name and the two strengths of an arm in a row.

    The name of most arms includes their numbers. The name of shrink-perturb
    does not, because rows have the fields shrink and perturb. These are NaN for
    an arm without such a number.

    Example:

    >>> parse_arm("shrink_perturb-0.6-0.01")
    ('shrink_perturb', 0.6, 0.01)
    >>> parse_arm("dash-0.3-0.1")
    ('dash-0.3-0.1', 0.3, nan)

    Args:
        arm: Text form of an arm, as for `arms.parse`.

    Returns:
        A triple `(name, shrink, perturb)`.

    Raises:
        ValueError: If there is no such arm, or a number is out of range.
    """
    found = methods.parse(arm)
    name = found.name if found.in_row else arm
    return name, *registry.strengths(found)


def _text(arm: str | methods.Arm) -> str:
    return arm.text if isinstance(arm, methods.Arm) else arm


def select(settings: list[Setting], pattern: str | None) -> list[Setting]:
    """Returns the selected settings.

    Args:
        settings: All settings.
        pattern: Comma-separated ids, or a regular expression that is searched
            in the ids. `None` means all.

    Returns:
        The selected settings in order.

    Raises:
        ValueError: If no setting is selected or the expression is invalid.
    """
    if pattern is None:
        return settings
    ids = {part.strip() for part in pattern.split(",")}
    if ids <= {setting.id for setting in settings}:
        return [setting for setting in settings if setting.id in ids]
    try:
        chosen = [s for s in settings if re.search(pattern, s.id)]
    except re.error as error:
        raise ValueError(
            "`--settings` must be ids or a regular expression. Received: "
            f"{pattern!r} ({error})."
        ) from None
    if not chosen:
        raise ValueError(
            f"`--settings` must match a setting. Received: {pattern!r}, "
            f"which matches none of {len(settings)} settings, such as "
            f"{settings[0].id!r}. List them with --list."
        )
    return chosen


def apply(config, setting: Setting):
    """Returns the config of one setting: a copy with its overrides.

    Args:
        config: Config of the experiment.
        setting: One of its settings.

    Returns:
        A `ConfigDict`.

    Raises:
        ValueError: If the config has no field of an override, or one of
            another type.
    """
    config = config.copy_and_resolve_references()
    for field, value in setting.overrides:
        try:
            config.update_from_flattened_dict({field: value})
        except (AttributeError, KeyError, TypeError) as error:
            names = _names(config)
            hint = "" if field in names else checks.guess(field, names)
            raise ValueError(
                "Settings must change fields that the config has, to values of "
                f"the same type. Received: {field}={value!r} of the setting "
                f"{setting.id!r}."
                f"{hint}"
            ) from error
    return config


def _names(config, prefix: str = "") -> list[str]:
    """Returns the names of all fields, such as `"model.units"`."""
    found = []
    for name, value in config.items():
        found.append(f"{prefix}{name}")
        if hasattr(value, "items"):
            found += _names(value, f"{prefix}{name}.")
    return found


def _check_grid(grid: Mapping[str, Iterable]) -> None:
    for name, values in grid.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise ValueError(
                "`grid` must map each field to several values. Received: "
                f"{name}={values!r}. A single value is ({values!r},)."
            )
        if isinstance(values, Mapping):
            for word, fields in values.items():
                if not isinstance(fields, Mapping):
                    raise ValueError(
                        "`grid` must map each word of a mapping to config "
                        f"fields. Received: {name}={{{word!r}: {fields!r}}}. "
                        f"Write {word!r}: {{'FIELD': {fields!r}}}."
                    )


def _check(arms, seeds) -> None:
    if not arms or not seeds:
        raise ValueError(
            "`arms` and `seeds` must not be empty. Received: "
            f"arms={list(arms)}, seeds={list(seeds)}."
        )
    for seed in seeds:
        if type(seed) is not int or seed < 0:
            raise ValueError(
                "`seeds` must be non-negative integers. "
                f"Received: seeds={list(seeds)}."
            )
    for name, values in (("arms", arms), ("seeds", seeds)):
        if len(set(values)) < len(values):
            raise ValueError(
                f"`{name}` must not contain duplicates. "
                f"Received: {name}={list(values)}."
            )
