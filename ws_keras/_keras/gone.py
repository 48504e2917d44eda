"""Looks up private parts, and raises an error if they are missing."""

import importlib

import keras

TRIED = ("3.8.0", "3.15.1")


class Gone(AttributeError):
    """A private part of Keras does not exist in the installed version."""

    def __init__(self, what: str):
        first, last = TRIED
        super().__init__(
            f"ws_keras requires {what}, a private part of Keras. "
            f"Received: Keras {keras.__version__}, which does not have it. "
            f"Install a version of Keras from {first} to {last}, with which "
            "ws_keras was tested."
        )


def needed(owner, name: str):
    """Returns an attribute of a Keras object."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise Gone(f"{name!r} in a {type(owner).__name__}") from None


def module(name: str):
    """Returns a module of Keras."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Gone(f"the module {name!r}") from None
