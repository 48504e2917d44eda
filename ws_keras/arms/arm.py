"""What an arm is: a name, some numbers, and what it does in a round."""

from __future__ import annotations

import dataclasses
import inspect
import math
import numbers
import re
import typing
from collections.abc import Sequence
from typing import Any
from typing import ClassVar

if typing.TYPE_CHECKING:  # Keras is imported when an arm acts
    import keras

    from ws_keras.arms.round import Round

_INTERVAL = re.compile(r"([\[(])\s*([^,\s]+)\s*,\s*([^,\s]+)\s*([\])])")


@dataclasses.dataclass(frozen=True)
class Arm:
    """A way to begin a round: a method as an object.

    A subclass says what happens to the network when the data of a round have
    arrived. Its fields are its numbers, each made by `number`; with
    `register_arm` it gets a name, and with the name a text form, such as
    `"dash-0.3-0.1"`, by which configs and commands know it. Without a
    `begin` of its own it goes on with the old weights, as a warm start does.

    Example:

    ```python
    @ws_keras.register_arm("halved")
    class Halved(ws_keras.Arm):
        '''All weights become smaller by a factor.'''

        factor: float = ws_keras.number("[0, 1]", default=0.5)

        def begin(self, model, round):
            round.apply(ws_keras.shrink_perturb, model, self.factor, 0.0)
    ```

    Attributes:
        name: The name that it is registered by.
        costs_like: Name of the arm whose epochs a round of this one takes,
            for the estimate of `--list`: `"cold"`, `"warm"`,
            `"shrink_perturb"` (by its shrink), `"last_layer"`, or `"other"`,
            which is shrink-perturb with half of the weights.
        in_row: Whether rows hold its name alone, because its numbers are the
            fields `shrink` and `perturb` of a row.
        usage: Line of code that begins a round of the user's own training
            so, with the numbers by name in braces. Without one it is a call
            of `fit_rounds`.
    """

    name: ClassVar[str] = ""
    costs_like: ClassVar[str] = "other"
    in_row: ClassVar[bool] = False
    usage: ClassVar[str] = ""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name), self.text)

    @property
    def text(self) -> str:
        """The name and all numbers, such as `"dash-0.3-0.1"`."""
        values = (getattr(self, f.name) for f in dataclasses.fields(self))
        return "-".join([self.name, *map(str, values)])

    @property
    def code(self) -> str:
        """A line of code that begins a round as this arm does."""
        if self.usage:
            return self.usage.format(**vars(self))
        return f"fit_rounds(model, rounds, held_out, arms=[{self.text!r}])"

    def begin(self, model: keras.Model, round: Round) -> None:
        """Changes the network when the data of a round have arrived.

        Args:
            model: The model that is trained, as the last round has left it.
            round: The `Round` that begins.
        """
        round.carry_over(model)

    def callbacks(self, round: Round) -> Sequence[keras.callbacks.Callback]:
        """Returns Keras callbacks that act during the training of a round.

        The model of an arm that has any runs one batch at a time. They are
        made anew for each round, and again where a round goes on in another
        process; what they then must know lies in a
        `callbacks.travelling.TravellingState`, which checkpoints hold.

        Args:
            round: The `Round`.
        """
        return ()

    def losses(self, model: keras.Model) -> keras.Model | None:
        """Adds terms to the loss of a network that is not compiled yet.

        Called once, when the network has the weights that all arms of a seed
        begin with.

        Args:
            model: Built model.

        Returns:
            The model to train in its place, which shares all its layers;
            `None` for the model itself, for example if only regularizers
            have been added to its weights.
        """
        return None

    def check(self, model: keras.Model, protocol: str) -> None:
        """Raises a ValueError if the arm does not go with a network or rounds.

        Args:
            model: Built model.
            protocol: `rounds.protocol` of a config; `"given"` in
                `fit_rounds`.
        """

    @classmethod
    def defines(cls, hook: str) -> bool:
        """Returns whether the class has a method of its own, by its name."""
        return getattr(cls, hook) is not getattr(Arm, hook)

    @classmethod
    def form(cls) -> str:
        """Returns the text form, such as `"dash-SHRINK-ALPHA"`.

        Numbers in brackets may be left out.
        """
        parts = [cls.name]
        for field in dataclasses.fields(cls):
            word = f"-{field.name.upper()}"
            parts.append(f"[{word}]" if _has_default(field) else word)
        return "".join(parts)

    @classmethod
    def summary(cls) -> str:
        """Returns the first sentence of the docstring."""
        text = inspect.getdoc(cls) or ""
        return " ".join(text.partition("\n\n")[0].split())

    @classmethod
    def ranges(cls) -> dict[str, str]:
        """Returns what each number must be, such as `"in [0, 1]"`."""
        fields = dataclasses.fields(cls)
        return {field.name: _wanted(field) for field in fields}


def number(interval: str, *, default: float | None = None) -> Any:
    """Declares a number of an arm and its range.

    The annotation says whether it is whole (`int`) or not (`float`).

    Example:

    ```python
    alpha: float = number("(0, 1]")
    every: int = number("[1, inf)", default=10)
    ```

    Args:
        interval: The range in the notation of mathematics: a square bracket
            where the bound belongs to it, a round one where it does not.
        default: The number where the text form leaves it out. Defaults to
            `None`, which means that it must be given.

    Returns:
        A field of a dataclass.

    Raises:
        ValueError: If `interval` is not such a range.
    """
    found = _INTERVAL.fullmatch(interval.strip())
    try:
        low, high = float(found[2]), float(found[3])
    except (TypeError, ValueError):
        raise ValueError(
            "`interval` must be a range, such as '[0, 1]' or '(0, inf)'. "
            f"Received: interval={interval!r}."
        ) from None
    bounds = {"low": low, "high": high, "open": found[1] + found[4]}
    missing = dataclasses.MISSING
    given = missing if default is None else default
    return dataclasses.field(default=given, metadata=bounds)


def make(cls: type[Arm], words: Sequence[str]) -> Arm:
    """Returns the arm of a class whose numbers are given as words."""
    pairs = zip(dataclasses.fields(cls), words, strict=False)
    return cls(**{field.name: _read(field, word) for field, word in pairs})


def counts(cls: type[Arm]) -> tuple[int, int]:
    """Returns the least and the largest number of numbers of a class."""
    fields = dataclasses.fields(cls)
    return sum(not _has_default(f) for f in fields), len(fields)


def _read(field: dataclasses.Field, word: str) -> float:
    value = float(word)
    if _is_whole(field) and value.is_integer():
        return int(value)
    return value


def _check(field: dataclasses.Field, value: Any, text: str) -> None:
    name, wanted = field.name, _wanted(field)
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number and _fits(field, value):
        return
    shown = value if is_number else repr(value)
    raise ValueError(
        f"The {name} of an arm must be {wanted}. "
        f"Received: {name}={shown}, arm={text!r}."
    )


def _fits(field: dataclasses.Field, value: Any) -> bool:
    if not math.isfinite(value) or (_is_whole(field) and value != int(value)):
        return False
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if low is None:
        return True
    opening, closing = field.metadata["open"]
    is_above = value > low or (opening == "[" and value == low)
    return is_above and (value < high or (closing == "]" and value == high))


def _wanted(field: dataclasses.Field) -> str:
    """Returns what a number must be, in words."""
    low = field.metadata.get("low", -math.inf)
    high = field.metadata.get("high", math.inf)
    opening, closing = field.metadata.get("open", "()")
    is_whole = _is_whole(field)
    if high == math.inf:
        word = "at least" if opening == "[" else "above"
        bound = "" if low == -math.inf else f" {word} {low:g}"
        if is_whole:
            return "a whole number" + (f" of{bound}" if bound else "")
        return "finite" + (f" and{bound}" if bound else "")
    bounds = f"in {opening}{low:g}, {high:g}{closing}"
    return f"a whole number {bounds}" if is_whole else bounds


def _is_whole(field: dataclasses.Field) -> bool:
    return field.type in (int, "int")


def _has_default(field: dataclasses.Field) -> bool:
    return field.default is not dataclasses.MISSING
