"""The settings of an experiment: fully determined runs with stable ids."""

import dataclasses
import itertools
import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ws_keras.transforms import arrays

ARMS = ("cold", "warm", "shrink_perturb-SHRINK-PERTURB")


@dataclasses.dataclass(frozen=True)
class Setting:
    """One run of an experiment, seed included.

    The id names the run's folder, its rows and its TensorBoard run.
    `overrides` are the config fields in which this setting differs, as
    `("data.name", "cifar100")`.
    """

    id: str
    arm: str
    shrink: float
    perturb: float
    seed: int
    overrides: tuple[tuple[str, Any], ...] = ()

    @property
    def pair(self) -> str:
        """The id with the arm left out: the same for paired settings."""
        parts = self.id.split("/")
        return "/".join([*parts[:-2], parts[-1]])


def product(config, grid: Mapping[str, Iterable] | None = None) -> list:
    """Returns the settings of all combinations of grid, arms and seeds.

    Seeds vary slowest, so that a run that was cut short has complete pairs.

    Example:

    ```python
    def settings(config):
        return product(config, {"optimizer.name": ("sgd", "adam")})
    ```

    Args:
        config: Config with `experiment`, `arms` and `seeds`.
        grid: Config field to the values that it takes. Defaults to none.

    Returns:
        List of `Setting`.

    Raises:
        ValueError: If an arm is unknown, a seed is negative, or there is no
            arm or seed.
    """
    _check(config)
    grid = grid or {}
    found = []
    for seed, *values in itertools.product(config.seeds, *grid.values()):
        overrides = tuple(zip(grid, values, strict=True))
        cell = "-".join(str(value) for value in values)
        for arm in config.arms:
            name, shrink, perturb = parse_arm(arm)
            parts = [config.experiment, cell, arm, f"seed{seed}"]
            setting_id = "/".join(filter(None, parts))
            found.append(
                Setting(setting_id, name, shrink, perturb, seed, overrides)
            )
    ids = [setting.id for setting in found]
    if not ids or len(set(ids)) < len(ids):
        raise ValueError(
            "`grid` must have values for each field and give each setting an "
            f"id of its own. Received: grid={grid}."
        )
    return found


def parse_arm(arm: str) -> tuple[str, float, float]:
    """Returns name, shrink and perturb of an arm.

    Example:

    >>> parse_arm("shrink_perturb-0.6-0.01")
    ('shrink_perturb', 0.6, 0.01)

    Args:
        arm: `"cold"` (shrink 0, perturb 1), `"warm"` (shrink 1, perturb 0)
            or `"shrink_perturb-SHRINK-PERTURB"`.

    Returns:
        A triple `(name, shrink, perturb)`.

    Raises:
        ValueError: If the arm is none of these, or a number out of range.
    """
    if arm == "cold":
        return "cold", 0.0, 1.0
    if arm == "warm":
        return "warm", 1.0, 0.0
    number = r"([-+]?(?:[\d.]+(?:e[-+]?\d+)?|nan|inf))"
    found = re.fullmatch(rf"shrink_perturb-{number}-{number}", str(arm))
    try:
        shrink, perturb = map(float, found.groups())
    except (AttributeError, ValueError):
        raise ValueError(
            f"An arm must be one of {list(ARMS)}. Received: arm={arm!r}."
        ) from None
    arrays.check_strength(shrink, perturb)
    return "shrink_perturb", shrink, perturb


def select(settings: list[Setting], pattern: str | None) -> list[Setting]:
    """Returns the settings that are meant.

    Args:
        settings: All settings.
        pattern: Comma-separated ids, or a regular expression that is
            searched in the ids; `None` means all.

    Returns:
        The settings, in their order.

    Raises:
        ValueError: If none is meant, or the expression is not valid.
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
            f"which matches none of {len(settings)}, the first of them "
            f"{settings[0].id!r}. See them with --list."
        )
    return chosen


def apply(config, setting: Setting):
    """Returns the config of one setting: a copy with its overrides.

    Args:
        config: Config of the experiment.
        setting: One of its settings.

    Returns:
        A `ConfigDict`.
    """
    config = config.copy_and_resolve_references()
    config.update_from_flattened_dict(dict(setting.overrides))
    return config


def _check(config) -> None:
    if not config.arms or not config.seeds:
        raise ValueError(
            "`arms` and `seeds` must not be empty. Received: "
            f"arms={list(config.arms)}, seeds={list(config.seeds)}."
        )
    for seed in config.seeds:
        if type(seed) is not int or seed < 0:
            raise ValueError(
                "`seeds` must be non-negative integers. "
                f"Received: seeds={list(config.seeds)}."
            )
    for name in ("arms", "seeds"):
        values = list(getattr(config, name))
        if len(set(values)) < len(values):
            raise ValueError(
                f"`{name}` must not repeat themselves. "
                f"Received: {name}={values}."
            )
