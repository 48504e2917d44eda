"""Finds the functions that a config names as `"my_module:attribute"`."""

import importlib
from collections.abc import Callable


def is_reference(name: str) -> bool:
    """Returns whether a name refers to something outside of the package."""
    return isinstance(name, str) and ":" in name


def find(field: str, name: str) -> Callable:
    """Returns the function or class that a name refers to.

    Example:

    >>> find("optimizer.name", "math:sqrt")(4.0)
    2.0

    Args:
        field: Field of the config that holds the name, for error messages.
        name: Module and attribute, separated by a colon.

    Raises:
        ValueError: If the module cannot be imported or has no such function.
    """
    module, _, attribute = name.partition(":")
    given = f"{field}={name!r}"
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # custom code raises many types
        raise ValueError(
            f"`{field}` must name a module that Python can import: next to "
            "the config file, in the current folder, or installed. Received: "
            f"{given} ({type(error).__name__}: {error})."
        ) from error
    found = getattr(loaded, attribute, None)
    if not callable(found):
        raise ValueError(
            f"`{field}` must name a function of {module!r}. Received: {given}; "
            f"there is no function {attribute!r}."
        )
    return found
