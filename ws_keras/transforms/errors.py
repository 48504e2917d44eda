"""What another package's error says, in a sentence of ours."""

import contextlib
import re

# What says where in a graph or in Keras, not what; and colors.
_WHERE = re.compile(
    r"""Graph\ execution\ error:.*\ File\ "[^\n]*\n
    | Exception\ encountered\ when\ calling\ [\w.]*\(\)\.
    | Arguments\ received\ by\ .*
    | \[\[\{\{.*?\}\}\]\] | \{\{.*?\}\} | \[Op:.*
    | \x1b\[\d*m""",
    re.DOTALL | re.VERBOSE,
)


class NotFinite(ValueError):
    """Weights or statistics are nan or infinite."""


def reason(error: Exception, length: int = 200) -> str:
    """Returns what an error's text says, on one line and without a trace."""
    text = " ".join(_WHERE.sub(" ", str(error)).split())
    return text[:length] or type(error).__name__


@contextlib.contextmanager
def refused(what: str):
    """Turns whatever a pass of a model raises into one sentence.

    Args:
        what: The samples of the pass, in words that begin the sentence.

    Raises:
        ValueError: If the block raises anything.
    """
    try:
        yield
    except Exception as error:  # of any layer or loss, in many ways
        raise ValueError(
            f"{what} must be what the model and its loss take. Received: "
            f"{reason(error)}."
        ) from error


def described(error: Exception) -> str:
    """Returns the class of an error and what its text says."""
    return f"{type(error).__name__}: {reason(error)}"
