"""The numbers of an arm: the fields of its class, with their ranges."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Iterable
from typing import Any

from ws_keras import checks

_INTERVAL = re.compile(r"([\[(])\s*([^,\s]+)\s*,\s*([^,\s]+)\s*([\])])")
_TYPES = (int, float, "int", "float")


def number(interval: str, *, default: float | None = None) -> Any:
    """Declares a number of an arm with its range.

    The annotation is `int` for an integer and `float` otherwise.

    Example:

    ```python
    alpha: float = number("(0, 1]")
    every: int = number("[1, inf)", default=10)
    ```

    Args:
        interval: Range in mathematical notation. Square brackets include the
            bound, round brackets exclude it.
        default: Value if the text form omits the number. `None` means that the
            number is required. Defaults to `None`.

    Returns:
        A field of a dataclass.

    Raises:
        ValueError: If `interval` is not a range. A `default` outside of the
            range raises it when the class of the arm is defined.
    """
    found = _INTERVAL.fullmatch(str(interval).strip())
    try:
        low, high = float(found[2]), float(found[3])
        is_range = low < high
    except (TypeError, ValueError):
        is_range = False
    if not is_range:
        raise ValueError(
            "`interval` must be a range, such as '[0, 1]' or '(0, inf)', with "
            f"the lower bound first. Received: interval={interval!r}."
        )
    bounds = {"low": low, "high": high, "open": found[1] + found[4]}
    missing = dataclasses.MISSING
    given = missing if default is None else default
    return dataclasses.field(default=given, metadata=bounds)


def check_class(cls: type, base: type) -> None:
    """Raises a ValueError if a class declares a number wrongly.

    Args:
        cls: A new subclass of `Arm`, which is not a dataclass yet.
        base: `Arm`. A number must not have the name of one of its attributes.
    """
    if "__dataclass_fields__" in vars(cls):
        return  # `dataclass` has made a class with slots anew
    if "__init__" in vars(cls):
        raise ValueError(
            "An arm class must not define `__init__`. Received: `__init__` of "
            f"the arm class {cls.__name__}. Declare its numbers with `ws_keras."
            "number`. The class then accepts them as arguments."
        )
    known = {field.name: field for field in dataclasses.fields(cls)}
    for name, (annotation, field) in _declared(cls).items():
        what = f"the number {name!r} of the arm class {cls.__name__}"
        if hasattr(base, name):
            raise ValueError(
                "A number of an arm must not have the name of an attribute of "
                f"ws_keras.Arm. Received: {what}. Choose another name."
            )
        _check_declared(what, name, annotation, field)
        known[name] = field
    _check_order(cls, known.items())


def check_value(field: dataclasses.Field, value: Any, text: str) -> None:
    """Raises a ValueError if a number of an arm is out of its range.

    Args:
        field: Field of the number.
        value: The number.
        text: Text form of the arm, for the error.
    """
    if _is_valid(field, value):
        return
    name, shown = field.name, value if checks.is_number(value) else repr(value)
    raise ValueError(
        f"The {name} of an arm must be {wanted(field)}. "
        f"Received: {name}={shown}, arm={text!r}."
    )


def wanted(field: dataclasses.Field) -> str:
    """Describes the valid values of a number in words."""
    low, high = field.metadata["low"], field.metadata["high"]
    opening, closing = field.metadata["open"]
    is_whole = _is_whole(field)
    if high == math.inf:
        word = "at least" if opening == "[" else "above"
        bound = "" if low == -math.inf else f" {word} {low:g}"
        if is_whole:
            return f"a whole number{' of' if opening == '[' else ''}{bound}"
        return "finite" + (f" and{bound}" if bound else "")
    bounds = f"in {opening}{low:g}, {high:g}{closing}"
    return f"a whole number {bounds}" if is_whole else bounds


def read(field: dataclasses.Field, word: str) -> float:
    """Returns the number that a part of a text form means."""
    value = float(word)
    if _is_whole(field) and value.is_integer():
        return int(value)
    return value


def has_default(field: dataclasses.Field) -> bool:
    """Returns whether the text form may omit a number."""
    return field.default is not dataclasses.MISSING


def _declared(cls: type) -> dict[str, tuple[Any, Any]]:
    """Returns annotation and value of what a class declares as a field."""
    annotations = inspect.get_annotations(cls)
    values = {
        name: value
        for name, value in vars(cls).items()
        if isinstance(value, dataclasses.Field)
    }
    names = [
        name
        for name, annotation in annotations.items()
        if "ClassVar" not in str(annotation)
    ]
    return {
        name: (annotations.get(name), vars(cls).get(name))
        for name in dict.fromkeys([*names, *values])
    }


def _check_declared(what: str, name: str, annotation: Any, field: Any) -> None:
    if not isinstance(field, dataclasses.Field):
        raise ValueError(
            "Each number of an arm must have a range. Received: "
            f"{what}, which has none. Write `{name}: float = "
            "ws_keras.number('[0, 1]')` with the range. Annotate an attribute "
            "that is not a number with `typing.ClassVar`."
        )
    if annotation not in _TYPES:
        shown = "no annotation" if annotation is None else repr(annotation)
        raise ValueError(
            "The numbers of an arm must be annotated as int or float. "
            f"Received: {name}: {shown}, for {what}. Write "
            f"`{name}: float = ws_keras.number(...)`."
        )
    field.type = annotation  # `dataclass` sets it only afterwards
    if has_default(field) and not _is_valid(field, field.default):
        raise ValueError(
            f"The default of {what} must be {wanted(field)}. "
            f"Received: default={field.default!r}."
        )


def _check_order(cls: type, fields: Iterable) -> None:
    optional = ""
    for name, field in fields:
        if has_default(field):
            optional = name
        elif optional:
            raise ValueError(
                "The numbers of an arm that have a default must come last. "
                f"Received: {name!r}, which has none, after {optional!r} in "
                f"the arm class {cls.__name__}."
            )


def _is_valid(field: dataclasses.Field, value: Any) -> bool:
    if not checks.is_number(value) or not math.isfinite(value):
        return False
    if _is_whole(field) and value != int(value):
        return False
    low, high = field.metadata["low"], field.metadata["high"]
    opening, closing = field.metadata["open"]
    is_above = value > low or (opening == "[" and value == low)
    return is_above and (value < high or (closing == "]" and value == high))


def _is_whole(field: dataclasses.Field) -> bool:
    return field.type in (int, "int")
