"""Checks whether arguments are numbers or counts."""

import numbers


def is_number(value) -> bool:
    """Returns whether a value is a real number of Python or NumPy.

    Example:

    >>> is_number(0.5), is_number(True), is_number("0.5")
    (True, False, False)
    """
    # Python treats bool as an int, but True is not a valid strength.
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_whole(value) -> bool:
    """Returns whether a value is an integer of Python or NumPy.

    Example:

    >>> is_whole(3), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_positive(name: str, value) -> None:
    """Raises a ValueError unless a value is an integer of at least 1."""
    if not is_whole(value) or value < 1:
        raise ValueError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}."
        )
