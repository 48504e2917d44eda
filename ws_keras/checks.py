"""Checks whether arguments are numbers or counts."""

import difflib
import numbers
from collections.abc import Iterable


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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word that is most like an unknown one, if one is.

    Example:

    >>> nearest("cifar", ["cifar10", "mnist"])
    'cifar10'
    """
    known = list(known)
    close = difflib.get_close_matches(word, known)
    close += [other for other in known if other.startswith(f"{word}_")]
    # Swapped letters are the likeliest mistake, but not the smallest one.
    close.sort(key=lambda other: sorted(other) != sorted(word))
    return close[0] if close else None


def guess(word: str, known: Iterable[str]) -> str:
    """Returns a question that proposes the nearest of known words, if any.

    Example:

    >>> guess("cifar", ["cifar10", "mnist"])
    " Did you mean 'cifar10'?"

    Args:
        word: An unknown word.
        known: The known ones.

    Returns:
        A sentence with a space before it, or an empty string.
    """
    near = nearest(word, known)
    return "" if near is None else f" Did you mean {near!r}?"
