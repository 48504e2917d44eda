"""Registers arms, data sets and other objects of the user by name."""

import os
import re
from typing import Any
from typing import Generic
from typing import TypeVar

_NAME = re.compile(r"[a-z][a-z0-9_]*")
Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """Objects by name, each with the file or module that defines it.

    The same file or module may define a name again, because config files are
    executed twice and notebook cells repeatedly.

    Args:
        what: Kind of the objects, such as `"arm"`.
        decorator: Name of the decorator that registers them.
        taken: Reserved names. Defaults to none.
    """

    def __init__(self, what: str, decorator: str, taken: tuple[str, ...] = ()):
        self._what, self._decorator, self._taken = what, decorator, taken
        self._known: dict[str, tuple[Thing, str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> Thing:
        return self._known[name][0]

    def names(self) -> list[str]:
        """Returns all names in the order of their definition."""
        return list(self._known)

    def origin(self, name: str) -> str:
        """Returns the file or module that defines a name."""
        return self._known[name][1]

    def check(self, name: Any) -> None:
        """Raises a ValueError unless a name has a valid form."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"The name of a custom {self._what} must consist of lower-case "
                "letters, digits and underscores, and begin with a letter, as "
                f'in `@ws_keras.{self._decorator}("mine")`. '
                f"Received: name={name!r}."
            )

    def define(self, name: str, thing: Thing, origin: str) -> None:
        """Registers an object under a name.

        Args:
            name: Name of the object.
            thing: The object.
            origin: Result of `origin_of`.

        Raises:
            ValueError: If another file or module defines the name, or the same
                file defines another object by it.
        """
        self.check(name)
        known, before = self._known.get(name, (None, None))
        if name in self._taken:
            before = "ws_keras"
        if before not in (None, origin):
            raise ValueError(
                f"The {self._what} {name!r} exists already, defined in "
                f"{before}. Received: another definition, in {origin}. Choose "
                "another name."
            )
        # In a notebook, an object may get another name.
        if os.path.isabs(origin) and known and _called(known) != _called(thing):
            raise ValueError(
                f"The {self._what} {name!r} exists already, defined in "
                f"{before} by {_called(known)}. Received: another definition "
                f"there, by {_called(thing)}. Choose another name."
            )
        self._known[name] = thing, origin


def _called(thing: Any) -> str:
    return getattr(thing, "__qualname__", type(thing).__name__)


def origin_of(scope: dict) -> str:
    """Returns the file or the name of the module that is being executed.

    Args:
        scope: The `globals()` of the defining module.
    """
    file = scope.get("__file__")
    return os.path.realpath(file) if file else str(scope.get("__name__"))
