"""The settings of an experiment: fully determined runs with stable ids."""

import contextlib
import dataclasses
import itertools
import math
import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from ws_keras.transforms import arrays

_NUMBER = r"([-+]?(?:[\d.]+(?:e[-+]?\d+)?|nan|inf))"
# Each arm and what its numbers are called.
_NUMBERS = {
    "cold": (),
    "warm": (),
    "warm_reset": (),
    "head_reset": (),
    "shrink_perturb": ("shrink", "perturb"),
    "last_layer": ("shrink", "perturb"),
    "first_layers": ("layers",),
    "dash": ("shrink", "alpha"),
    "l2_init": ("strength",),
}
ARMS = tuple(
    "-".join([name, *map(str.upper, numbers)])
    for name, numbers in _NUMBERS.items()
)


@dataclasses.dataclass(frozen=True)
class Setting:
    """One run of an experiment, seed included.

    The id names the run's folder, its rows and its TensorBoard run.
    `overrides` are the config fields in which this setting differs, as
    `("data.name", "cifar100")`, and `labels` what its rows say of them.
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
        """The id with the arm left out: the same for paired settings."""
        parts = self.id.split("/")
        return "/".join([*parts[:-2], parts[-1]])

    @property
    def kind(self) -> str:
        """The arm without its numbers, such as `dash`."""
        return self.arm.partition("-")[0]

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of the arm, in their order."""
        if self.arm == "shrink_perturb":
            return self.shrink, self.perturb
        return tuple(map(float, _parts(self.arm)[1:]))


def product(
    config,
    grid: Mapping[str, Iterable] | None = None,
    arms: Iterable[str] | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> list[Setting]:
    """Returns the settings of all combinations of grid, arms and seeds.

    Seeds vary slowest, so that a run that was cut short has complete pairs.

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
        grid: Config field to the values that it takes; or a name to a mapping
            from words, which become part of the id, to config fields and
            their values. Defaults to none.
        arms: Arms in place of those of the config. Defaults to `None`.
        fixed: Config fields that all these settings have otherwise, and their
            values; no part of ids and labels. Defaults to none.

    Returns:
        List of `Setting`.

    Raises:
        ValueError: If an arm is unknown, a seed is negative, or there is no
            arm or seed.
    """
    arms = config.arms if arms is None else arms
    _check(arms, config.seeds)
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
            "`grid` must have values for each field and give each setting an "
            f"id of its own. Received: grid={grid}."
        )
    return found


class _Point(NamedTuple):
    """A value on an axis of a grid."""

    word: str
    overrides: tuple[tuple[str, Any], ...]
    labels: tuple[tuple[str, Any], ...]


# Rows have fields for these.
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
    # An id is the name of a folder.
    return re.sub(r"[^\w.+-]+", "_", str(value)).strip("_")


def parse_arm(arm: str) -> tuple[str, float, float]:
    """Returns name, shrink and perturb of an arm.

    An arm is `"cold"` (shrink 0, perturb 1), `"warm"` (shrink 1, perturb 0),
    `"shrink_perturb-SHRINK-PERTURB"`, or a relative: `"warm_reset"` (warm,
    with the optimizer's state at its start even where others keep it),
    `"head_reset"` (the last layer drawn anew),
    `"last_layer-SHRINK-PERTURB"` (shrink-perturb of the last layer alone),
    `"first_layers-LAYERS"` (only the first layers, or stages of a residual
    network, are carried over), `"dash-SHRINK-ALPHA"` (`transforms.dash`) or
    `"l2_init-STRENGTH"` (warm, pulled towards the first weights). The name of
    a relative has its numbers in it, and its shrink and perturb are nan where
    it has none.

    Example:

    >>> parse_arm("shrink_perturb-0.6-0.01")
    ('shrink_perturb', 0.6, 0.01)
    >>> parse_arm("dash-0.3-0.1")
    ('dash-0.3-0.1', 0.3, nan)

    Args:
        arm: One of the above.

    Returns:
        A triple `(name, shrink, perturb)`.

    Raises:
        ValueError: If the arm is none of these, or a number out of range.
    """
    name, *words = _parts(arm)
    fixed = {"cold": (0.0, 1.0), "warm": (1.0, 0.0)}
    if name in fixed:
        return name, *fixed[name]
    numbers = dict(zip(_NUMBERS[name], map(float, words), strict=True))
    shrink = numbers.get("shrink", math.nan)
    perturb = numbers.get("perturb", math.nan)
    if "shrink" in numbers:
        arrays.check_strength(shrink, numbers.get("perturb", 0.0))
    _check_numbers(arm, numbers)
    return (name if name == "shrink_perturb" else arm), shrink, perturb


def _parts(arm: str) -> list[str]:
    """Returns the name of an arm and its numbers, which can be read."""
    for name, numbers in _NUMBERS.items():
        found = re.fullmatch(name + rf"-{_NUMBER}" * len(numbers), str(arm))
        with contextlib.suppress(AttributeError, ValueError):
            list(map(float, found.groups()))
            return [name, *found.groups()]
    raise ValueError(
        f"An arm must be one of {list(ARMS)}. Received: arm={arm!r}. Several "
        "are a tuple, ('cold', 'warm'), or --config.arms=cold,warm."
    )


def _check_numbers(arm: str, numbers: dict[str, float]) -> None:
    for name, fits, what in (
        ("alpha", lambda n: 0 < n <= 1, "in (0, 1]"),
        ("strength", lambda n: 0 <= n < math.inf, "finite and at least 0"),
        ("layers", lambda n: n >= 0 and n.is_integer(), "a whole number"),
    ):
        if name in numbers and not fits(numbers[name]):
            raise ValueError(
                f"The {name} of an arm must be {what}. Received: arm={arm!r}."
            )


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
                f"`{name}` must not repeat themselves. "
                f"Received: {name}={list(values)}."
            )
