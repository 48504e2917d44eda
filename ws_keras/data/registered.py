"""Data sets that a user's function defines."""

import sys
from collections.abc import Callable
from typing import Any

from ws_keras import registering
from ws_keras.data import masked
from ws_keras.data import npz

_NAMES = ("cifar10", "cifar100", "svhn_cropped", "mnist", "fashion_mnist")
_NAMES += ("mnist_rgb", "textures", "npz")
_known: registering.Registry[Callable] = registering.Registry(
    "data set", "register_dataset", _NAMES
)


def register_dataset(name: str) -> Callable[[Callable], Callable]:
    """Decorator that registers a function as a data set.

    `config.data.name` accepts the name. The same file or module may register a
    name again.

    Example:

    ```python
    @ws_keras.register_dataset("moons")
    def moons():
        return (x_train, y_train), (x_test, y_test)  # or x, y
    ```

    Args:
        name: Lower-case letters, digits and underscores.

    Returns:
        A decorator for a function without arguments that returns `(x, y)`, or a
        training and a test pair. Samples are `uint8` or floats, `(n, features)`
        or images. Labels are integers from 0 on, `(n,)`. Each call must return
        the same samples.

    Raises:
        ValueError: If the name is invalid or is defined elsewhere.
    """
    _known.check(name)
    origin = registering.origin_of(sys._getframe(1).f_globals)

    def register(function: Callable) -> Callable:
        if not callable(function):
            raise ValueError(
                "`register_dataset` must stand above a function that returns "
                f"the data set {name!r}. Received: a {type(function).__name__}."
            )
        _known.define(name, function, origin)
        return function

    return register


def names() -> list[str]:
    """Returns the names of all registered data sets."""
    return _known.names()


def read(name: str, with_test: bool = False) -> dict:
    """Returns the arrays of a data set in the form of `npz.read`.

    Args:
        name: One of `names()`.
        with_test: Whether a test part is required. Defaults to `False`.

    Raises:
        ValueError: If the function fails or does not return a data set.
    """
    what = f"The data set {name!r}, of {_known.origin(name)},"
    try:
        found = _known[name]()
    except Exception as error:  # custom code raises many types
        raise ValueError(
            f"{what} must be created by its function without error. Received: "
            f"{type(error).__name__}: {error}"
        ) from error
    return npz.checked(what, _arrays(what, found), with_test)


def _arrays(what: str, found: Any) -> dict:
    is_pair = isinstance(found, tuple | list) and len(found) == 2
    parts = [found] if is_pair else []
    if is_pair and all(isinstance(part, tuple | list) for part in found):
        # Two lists of two samples would also match; arrays are meant.
        parts = found
    if not parts or any(len(part) != 2 for part in parts):
        raise ValueError(
            f"{what} must be a pair (x, y) of arrays, or a training and a test "
            f"pair. Received: {type(found).__name__}."
        )
    suffixes = ("", "_test")
    return {
        f"{letter}{suffix}": masked.filled(array)
        for suffix, part in zip(suffixes, parts, strict=False)
        for letter, array in zip("xy", part, strict=True)
    }
