"""The hooks of an arm: checks of their names, and calls that check results."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable
from typing import Any

if typing.TYPE_CHECKING:  # Keras is imported when an arm acts
    import keras

    from ws_keras.arms.arm import Arm
    from ws_keras.arms.round import Round

_HOOKS = ("begin", "callbacks", "losses", "restart", "check")


def check(name: str, cls: type[Arm], base: type[Arm]) -> None:
    """Raises a ValueError if a class misspells a hook or its arguments.

    Args:
        name: Name under which the class is registered.
        cls: The class.
        base: `Arm`, whose hooks have the right arguments.
    """
    for word, found in vars(cls).items():
        if not inspect.isfunction(found) or word.startswith("_"):
            continue
        close = difflib.get_close_matches(word, _HOOKS, 1, cutoff=0.8)
        is_own = not any(hasattr(each, word) for each in cls.__bases__)
        if word not in _HOOKS and close and is_own:
            raise ValueError(
                f"The arm {name!r} has a method `{word}`, which is never "
                f"called. Did you mean `{close[0]}`? Begin its name with an "
                "underscore if you call it yourself."
            )
        if word in _HOOKS and not _accepts(found, getattr(base, word)):
            wanted = inspect.signature(getattr(base, word))
            names = ", ".join(wanted.parameters)
            raise ValueError(
                f"`{word}` of the arm {name!r} must be defined as "
                f"`def {word}({names})`. Received: "
                f"`def {word}{inspect.signature(found)}`."
            )


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


def _accepts(found, wanted) -> bool:
    """Returns whether a function can be called like another one."""
    arguments = [None] * len(inspect.signature(wanted).parameters)
    try:
        inspect.signature(found).bind(*arguments)
    except TypeError:
        return False
    return True
