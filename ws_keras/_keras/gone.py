"""Private parts, and the error where one is not there."""

import importlib

import keras

TRIED = ("3.8.0", "3.15.1")


class Gone(AttributeError):
    """A private part of Keras is not where this package looks for it."""

    def __init__(self, what: str):
        first, last = TRIED
        super().__init__(
            f"Keras must have {what}, a private part without a public name. "
            f"Received: Keras {keras.__version__}, which has none. Install "
            f"a version that this package was tried with, {first} to {last}."
        )


def needed(owner, name: str):
    """Returns an attribute of an object of Keras'."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise Gone(f"{name!r} in a {type(owner).__name__}") from None


def module(name: str):
    """Returns a module of Keras'."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Gone(f"the module {name!r}") from None
