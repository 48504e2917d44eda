"""What a config names as `"my_module:attribute"`."""

import importlib
from collections.abc import Callable


def is_reference(name: str) -> bool:
    """Returns whether a name means something outside of the package."""
    return isinstance(name, str) and ":" in name


def find(field: str, name: str) -> Callable:
    """Returns the function or class that a name means.

    Example:

    >>> find("optimizer.name", "math:sqrt")(4.0)
    2.0

    Args:
        field: Field of the config that holds the name, for errors.
        name: Module and attribute, with a colon between them.

    Raises:
        ValueError: If the module cannot be imported, or has no such function.
    """
    module, _, attribute = name.partition(":")
    given = f"{field}={name!r}"
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # a user's own code fails in any way
        raise ValueError(
            f"`{field}` must name a module that Python can import: one beside "
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
