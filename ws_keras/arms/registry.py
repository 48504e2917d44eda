"""Registers arms by name, and parses their text form."""

import difflib
import functools
import importlib
import math
import os
import pkgutil
import re
import sys
import typing
from collections.abc import Callable

from ws_keras import registering
from ws_keras.arms import arm as arms
from ws_keras.arms import definitions
from ws_keras.arms import fields

_WORD = re.compile(r"[-+]?(?:[\d.]+(?:e[-+]?\d+)?|nan|inf)")
_known: registering.Registry[type[arms.Arm]] = registering.Registry(
    "arm", "register_arm"
)


@typing.dataclass_transform(
    frozen_default=True, field_specifiers=(fields.number,)
)
def register_arm(name: str) -> Callable[[type[arms.Arm]], type[arms.Arm]]:
    """Decorator that registers a subclass of `Arm` under a name.

    Configs (`config.arms`), `fit_rounds` and `ws-retrain --compare` accept the
    name. The class becomes a frozen dataclass. The same file or module may
    register a name again, because config files are executed twice and notebook
    cells repeatedly.

    Example:

    ```python
    @ws_keras.register_arm("half")
    class Half(ws_keras.Arm):
        '''Halves all weights.'''

        def begin(self, model, round):
            round.apply(ws_keras.shrink_perturb, model, 0.5, 0.0)
    ```

    Args:
        name: Lower-case letters, digits and underscores.

    Returns:
        A class decorator.

    Raises:
        ValueError: If the name is invalid or is defined elsewhere, if the class
            is not an arm, if one of its fields is not a number with a range, or
            if a method has other arguments than that of `Arm`.
    """
    _known.check(name)
    origin = registering.origin_of(sys._getframe(1).f_globals)

    def register(cls: type[arms.Arm]) -> type[arms.Arm]:
        _discover()
        cls = definitions.made(name, cls)
        _known.define(name, cls, origin)
        cls.name = name
        return cls

    return register


def parse(text: str) -> arms.Arm:
    """Creates the arm of a text form.

    Example:

    >>> parse("dash-0.3-0.1").alpha
    0.1

    Args:
        text: Name and numbers, separated by hyphens.

    Raises:
        ValueError: If the arm is unknown or a number is out of range.
    """
    _discover()
    if isinstance(text, type) and issubclass(text, arms.Arm):
        raise ValueError(
            "An arm must be an object, not a class. Received: "
            f"arm={text.__name__}. Write {text.__name__}(...) with its numbers."
        )
    name, words = _split(str(text))
    if name not in _known:
        raise ValueError(
            f"An arm must be registered. Received: arm={text!r}."
            f"{_guess(str(text))} Registered arms: {forms()}. Write several "
            "as a tuple, ('cold', 'warm'), or --config.arms=cold,warm."
        )
    cls = _known[name]
    least, most = arms.counts(cls)
    if words is None or not least <= len(words) <= most:
        found = "a part that is not a number"
        if words is not None:
            found = f"{len(words)} number{'s' * (len(words) != 1)}"
        needed = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(
            f"The form of the arm {name!r} is {cls.form()!r}, with {needed} "
            f"number{'s' * (needed != '1')}. Received: arm={text!r}, with "
            f"{found}."
        )
    return arms.make(cls, words)


def of_row(arm: str, shrink: float, perturb: float) -> arms.Arm:
    """Creates the arm of a row or a `Setting` from its three fields."""
    _discover()
    if arm in _known and _known[arm].in_row:
        return _known[arm](shrink, perturb)
    return parse(arm)


def strengths(arm: arms.Arm) -> tuple[float, float]:
    """Returns shrink and perturb of an arm for rows; NaN if it has none."""
    return getattr(arm, "shrink", math.nan), getattr(arm, "perturb", math.nan)


def name_of(text: str) -> str:
    """Returns the name in a text form; the arm may be unknown.

    Example:

    >>> name_of("dash-0.3-0.1")
    'dash'
    """
    return text.partition("-")[0]


def names() -> list[str]:
    """Returns the names of all arms, the package's arms first."""
    _discover()
    known, folder = _known.names(), os.path.dirname(__file__)
    ours = [n for n in known if os.path.dirname(_known.origin(n)) == folder]
    return [*sorted(ours), *(name for name in known if name not in ours)]


def forms() -> list[str]:
    """Returns the text forms of all arms, such as `"dash-SHRINK-ALPHA"`."""
    return [_known[name].form() for name in names()]


def table() -> str:
    """Returns a Markdown table of all arms: form, ranges, summary."""
    lines = ["| arm | numbers | what it does |", "|---|---|---|"]
    for name in names():
        cls = _known[name]
        ranges = "; ".join(f"{n} {what}" for n, what in cls.ranges().items())
        lines.append(f"| `{cls.form()}` | {ranges} | {cls.summary()} |")
    return "\n".join(lines)


def _split(text: str) -> tuple[str, list[str] | None]:
    """Returns name and numbers; `None` if the numbers are invalid."""
    name, minus, rest = text.partition("-")
    words = []
    while minus or rest:
        found = _WORD.match(rest)
        end = found.end() if found else 0
        if not found or rest[end : end + 1] not in ("", "-"):
            return name, None
        try:
            float(found[0])
        except ValueError:  # for example 1.2.3
            return name, None
        words.append(found[0])
        minus, rest = rest[end : end + 1], rest[end + 1 :]
    return name, words


def _guess(text: str) -> str:
    """Returns a question that proposes a text form, if one is near."""
    # Reports and pages write shrink_perturb 0.4/0.1, and shrink-perturb.
    form = re.sub(r"[ /]+", "-", text.strip())
    for name in sorted(names(), key=len, reverse=True):
        if form.lower().replace("-", "_").startswith(name):
            near = name + form[len(name) :]
            if _split(near)[0] == name:
                return f" Did you mean {near!r}?"
    name = name_of(form)
    close = difflib.get_close_matches(name, names(), 1)
    return f" Did you mean {_known[close[0]].form()!r}?" if close else ""


@functools.cache
def _discover() -> None:
    """Imports all files of this folder once, so that they register arms."""
    package = importlib.import_module("ws_keras.arms")
    for module in pkgutil.iter_modules(package.__path__):
        name = f"ws_keras.arms.{module.name}"
        if name not in sys.modules:
            importlib.import_module(name)
