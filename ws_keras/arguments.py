"""Checks and completes the arguments of `fit_rounds`."""

import inspect
from collections.abc import Iterable
from collections.abc import Mapping

import keras

from ws_keras import checks
from ws_keras.callbacks import shrink_perturb
from ws_keras.training import state
from ws_keras.transforms import shrink_perturb as transforms

_BATCH_SIZE = 32


def batch_size(model: keras.Model, given: int | None) -> int:
    """Returns the batch size, which a model may fix."""
    if given is not None:
        checks.check_positive("batch_size", given)
    fixed = state.batch_size(model)
    if fixed is not None and given not in (None, fixed):
        raise ValueError(
            "`batch_size` must match the model, which accepts only batches of "
            f"{fixed} samples. Received: batch_size={given}."
        )
    return fixed or given or _BATCH_SIZE


def monitored(monitor: str | None) -> str | None:
    """Removes the prefix of validation metrics from a name."""
    return monitor and str(monitor).removeprefix("val_")


def callbacks(given) -> list[keras.callbacks.Callback]:
    """Returns callbacks as a list, unless one would change all arms."""
    found = [c for c in keras.tree.flatten(given) if c is not None]
    for callback in found:
        if not isinstance(callback, keras.callbacks.Callback):
            raise ValueError(
                "`callbacks` must hold Keras callbacks. Received: "
                f"{type(callback).__name__}."
            )
        is_start = isinstance(callback, shrink_perturb.ShrinkPerturb)
        if is_start and callback.schedule.when == "fit":
            raise ValueError(
                "`callbacks` act in all arms, warm and cold ones too, so they "
                "must not begin rounds. Received: ShrinkPerturb. Name the "
                "start in `arms`, such as 'shrink_perturb-0.4-0.1'."
            )
    return found


def check_seeds(seeds) -> None:
    """Raises a ValueError unless seeds are a list, or `None`."""
    # An array without axes is iterable by type alone.
    is_list = isinstance(seeds, Iterable) and getattr(seeds, "shape", 1) != ()
    if seeds is not None and not is_list:
        raise ValueError(
            "`seeds` must hold non-negative integers, such as range(3). "
            f"Received: seeds={seeds!r}."
        )


def check_share(replay) -> None:
    """Raises a ValueError unless `replay` is a fraction."""
    if not checks.is_number(replay) or not 0 <= replay <= 1:
        raise ValueError(
            "`replay` must be a fraction of the old samples, from 0 to 1. "
            f"Received: replay={replay!r}."
        )


def check_differ(settings: list, rounds, first_round: bool) -> None:
    """Raises a ValueError if all arms would train alike."""
    arms = {setting.arm for setting in settings}
    if len(rounds) == 1 and not first_round and len(arms) > 1:
        raise ValueError(
            "Arms differ from the second round on, unless the model has "
            "been trained before. Received: 1 round and first_round=False. "
            "Give more rounds, or `first_round=True` for a trained model."
        )


def check_policies(given: Mapping) -> None:
    """Raises a TypeError for unknown arguments of a transform."""
    known = [*inspect.signature(transforms.shrink_perturb).parameters][3:]
    known.remove("seed")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TypeError(
            f"`transform` must hold arguments of shrink_perturb, {known}. "
            f"Received: transform with {unknown}."
        )
