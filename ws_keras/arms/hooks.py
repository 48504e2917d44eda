"""Calls of the hooks of an arm, which check the results."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

if typing.TYPE_CHECKING:  # Keras is imported when an arm acts
    import keras

    from ws_keras.arms.arm import Arm
    from ws_keras.arms.round import Round


def begin(arm: Arm, model: keras.Model, round: Round) -> None:
    """Calls `arm.begin`, which must not return another model."""
    hook: Callable[..., Any] = arm.begin  # whatever a user's own one returns
    found = hook(model, round)
    if hasattr(found, "trainable_variables"):
        raise ValueError(
            "`begin` of an arm must change the given model in place and return "
            f"nothing. Received: a {type(found).__name__} from the arm "
            f"{arm.text!r}."
        )


def callbacks(arm: Arm, round: Round) -> list[keras.callbacks.Callback]:
    """Returns the result of `arm.callbacks` as a list."""
    found = arm.callbacks(round)
    if not isinstance(found, list | tuple):
        raise ValueError(
            "`callbacks` of an arm must return a list of Keras callbacks. "
            f"Received: a {type(found).__name__} from the arm {arm.text!r}."
        )
    return list(found)


def losses(arm: Arm, model: keras.Model) -> keras.Model | None:
    """Returns the result of `arm.losses`, which is a model or `None`."""
    found = arm.losses(model)
    if found is not None and not hasattr(found, "compile_from_config"):
        raise ValueError(
            "`losses` of an arm must return the model to train, or None. "
            f"Received: a {type(found).__name__} from the arm {arm.text!r}."
        )
    return found
