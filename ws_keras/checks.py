"""What counts as a number, and as a count, where an argument must be one."""

import numbers


def is_number(value) -> bool:
    """Returns whether it is a real number, of Python or NumPy.

    Example:

    >>> is_number(0.5), is_number(True), is_number("0.5")
    (True, False, False)
    """
    # bool is an int to Python, but True is no strength.
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_whole(value) -> bool:
    """Returns whether it is an integer, of Python or NumPy.

    Example:

    >>> is_whole(3), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_positive(name: str, value) -> None:
    """Raises a ValueError unless it is an integer of at least 1."""
    if not is_whole(value) or value < 1:
        raise ValueError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}."
        )
