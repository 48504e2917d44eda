"""Names that users define, and who may define which."""

import os
import re
from typing import Any
from typing import Generic
from typing import TypeVar

_NAME = re.compile(r"[a-z][a-z0-9_]*")
Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """Things by name, each with the file or module that has defined it.

    A config file is executed twice, and a cell of a notebook as often as one
    likes: the same file, or the same module, may define a name again.

    Args:
        what: What the things are, such as `"arm"`.
        taken: Names that nobody may define. Defaults to none.
    """

    def __init__(self, what: str, taken: tuple[str, ...] = ()):
        self._what, self._taken = what, taken
        self._known: dict[str, tuple[Thing, str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> Thing:
        return self._known[name][0]

    def names(self) -> list[str]:
        """Returns all names, in the order in which they were defined."""
        return list(self._known)

    def origin(self, name: str) -> str:
        """Returns the file, or the module, that has defined a name."""
        return self._known[name][1]

    def check(self, name: Any) -> None:
        """Raises a ValueError unless a name has the form of one."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"The name of an own {self._what} must consist of small "
                "letters, digits and underscores, and begin with a letter. "
                f"Received: name={name!r}."
            )

    def define(self, name: str, thing: Thing, origin: str) -> None:
        """Gives a thing its name.

        Args:
            name: The name.
            thing: The thing.
            origin: What `origin_of` returns.

        Raises:
            ValueError: If another file or module has defined the name.
        """
        self.check(name)
        before = self._known.get(name, (None, None))[1]
        if name in self._taken:
            before = "ws_keras"
        if before not in (None, origin):
            raise ValueError(
                f"The {self._what} {name!r} exists already, defined in "
                f"{before}. Received: another one, in {origin}. Choose "
                "another name."
            )
        self._known[name] = thing, origin


def origin_of(scope: dict) -> str:
    """Returns the file that is executed, or else the name of the module.

    Args:
        scope: The `globals()` of the module that defines something.
    """
    file = scope.get("__file__")
    return os.path.realpath(file) if file else str(scope.get("__name__"))
