"""Checks of the class of an arm when it is registered."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from typing import Any

from ws_keras.arms.arm import Arm

_HOOKS = ("begin", "callbacks", "losses", "restart", "check")
_COSTS = ("cold", "warm", "shrink_perturb", "last_layer", "other")
_OF_ROWS = ("shrink", "perturb")


def made(name: str, cls: type[Arm]) -> type[Arm]:
    """Returns the class of an arm as a frozen dataclass.

    Args:
        name: Name under which the class is registered.
        cls: The class.

    Raises:
        ValueError: If it is not the class of an arm, has another name, has a
            misspelled method or wrong arguments, or has a wrong attribute.
    """
    if not isinstance(cls, type) or not issubclass(cls, Arm):
        raise ValueError(
            f"`register_arm` requires a subclass of ws_keras.Arm. Received: "
            f"{cls!r}. Write `class {name.title()}(ws_keras.Arm):`."
        )
    if vars(cls).get("name", name) != name:
        raise ValueError(
            "An arm can have only one name. Received: "
            f"{name!r} for the class of {cls.name!r}. Register a subclass."
        )
    for word, found in vars(cls).items():
        if not word.startswith("_"):
            _check_hook(name, cls, word, found)
    if "__dataclass_fields__" not in vars(cls):
        cls = dataclasses.dataclass(frozen=True)(cls)
    _check_bases(name, cls)
    _check_attributes(name, cls)
    return cls


def _check_hook(name: str, cls: type[Arm], word: str, found: Any) -> None:
    if word in _HOOKS:
        if not _accepts(found, getattr(Arm, word)):
            wanted = inspect.signature(getattr(Arm, word))
            is_function = inspect.isfunction(found)
            shown = inspect.signature(found) if is_function else f" = {found!r}"
            raise ValueError(
                f"`{word}` of the arm {name!r} must be defined as "
                f"`def {word}({', '.join(wanted.parameters)})`. Received: "
                f"`{'def ' if is_function else ''}{word}{shown}`."
            )
        return
    close = difflib.get_close_matches(word, _HOOKS, 1, cutoff=0.8)
    is_own = not any(hasattr(each, word) for each in cls.__bases__)
    if inspect.isfunction(found) and close and is_own:
        raise ValueError(
            f"The arm {name!r} has a method `{word}`, which is never "
            f"called. Did you mean `{close[0]}`? Begin its name with an "
            "underscore if you call it yourself."
        )


def _accepts(found: Any, wanted: Any) -> bool:
    """Returns whether a method can be called like another one."""
    if not inspect.isfunction(found):  # such as a static method
        return hasattr(found, "__get__") and not isinstance(found, property)
    arguments = [None] * len(inspect.signature(wanted).parameters)
    try:
        inspect.signature(found).bind(*arguments)
    except TypeError:
        return False
    return True


def _check_bases(name: str, cls: type[Arm]) -> None:
    for base in cls.__mro__[1:]:
        for word, value in vars(base).items():
            if isinstance(value, dataclasses.Field):
                raise ValueError(
                    f"The class {base.__name__}, which the arm {name!r} "
                    "inherits from, must be a dataclass, because it declares "
                    f"a number. Received: the number {word!r}. Write "
                    "`@dataclasses.dataclass(frozen=True)` above "
                    f"`class {base.__name__}`."
                )


def _check_attributes(name: str, cls: type[Arm]) -> None:
    numbers = [field.name for field in dataclasses.fields(cls)]
    if cls.costs_like not in _COSTS:
        raise ValueError(
            f"`costs_like` of the arm {name!r} must be one of {_COSTS}. "
            f"Received: costs_like={cls.costs_like!r}."
        )
    if cls.in_row and tuple(numbers) != _OF_ROWS:
        raise ValueError(
            f"`in_row` of the arm {name!r} requires the numbers shrink and "
            f"perturb. Received: {numbers}. Leave `in_row` out."
        )
    try:
        cls.usage.format(**dict.fromkeys(numbers, 1))
    except (AttributeError, LookupError, TypeError, ValueError):
        raise ValueError(
            f"`usage` of the arm {name!r} must be a text with the names of its "
            f"numbers, {numbers}, in braces. Received: usage={cls.usage!r}. "
            "Double a brace that is part of the code."
        ) from None
