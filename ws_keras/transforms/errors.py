"""Turns the error of another package into one sentence."""

import contextlib
import re

# Parts of a message that name a place in a graph or in Keras; and colors.
_WHERE = re.compile(
    r"""Graph\ execution\ error:.*\ File\ "[^\n]*\n
    | Exception\ encountered\ when\ calling\ [\w.]*\(\)\.
    | Arguments\ received\ by\ .*
    | \[\[\{\{.*?\}\}\]\] | \{\{.*?\}\} | \[Op:.*
    | \x1b\[\d*m""",
    re.DOTALL | re.VERBOSE,
)


class NotFinite(ValueError):
    """Weights or statistics are NaN or infinite."""


def reason(error: Exception, length: int = 200) -> str:
    """Returns the text of an error on one line, without a traceback."""
    text = " ".join(_WHERE.sub(" ", str(error)).split())
    return text[:length] or type(error).__name__


@contextlib.contextmanager
def refused(what: str):
    """Turns any error within the block into a ValueError of one sentence.

    Args:
        what: The samples in question; the sentence begins with it.

    Raises:
        ValueError: If the block raises any exception.
    """
    try:
        yield
    except Exception as error:  # layers and losses raise many types
        raise ValueError(
            f"{what} must fit the model and its loss. Received: "
            f"{reason(error)}."
        ) from error


def described(error: Exception) -> str:
    """Returns the class and the text of an error."""
    return f"{type(error).__name__}: {reason(error)}"
