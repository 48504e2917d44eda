"""The base class of arms."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Sequence
from typing import ClassVar

from ws_keras.arms import fields

if typing.TYPE_CHECKING:  # Keras is imported when an arm acts
    import keras

    from ws_keras.arms.round import Round


@dataclasses.dataclass(frozen=True)
class Arm:
    """Base class of arms. An arm is a way to begin a round.

    A subclass defines how the network changes when the data of a round have
    arrived. Its fields are its numbers, each declared by `number`.
    `register_arm` gives it a name. The name and the numbers form its text, such
    as `"dash-0.3-0.1"`, which configs and commands use. Without its own
    `begin`, the arm continues from the old weights, as a warm start does.

    Example:

    ```python
    @ws_keras.register_arm("halved")
    class Halved(ws_keras.Arm):
        '''Multiplies all weights by a factor.'''

        factor: float = ws_keras.number("[0, 1]", default=0.5)

        def begin(self, model, round):
            round.apply(ws_keras.shrink_perturb, model, self.factor, 0.0)
    ```

    Attributes:
        name: Registered name.
        costs_like: Arm whose number of epochs `--list` assumes for a round of
            this arm: `"cold"`, `"warm"`, `"shrink_perturb"` (depending on
            shrink), `"last_layer"`, or `"other"` (shrink-perturb with a shrink
            of 0.5).
        in_row: Whether rows store only the name, because the numbers of this
            arm are the fields `shrink` and `perturb` of a row.
        usage: Line of code that begins a round in this way in the user's own
            training, with the numbers by name in braces. Without it, the line
            is a call of `fit_rounds`, which trains on all rounds in this way
            and saves the model.
    """

    name: ClassVar[str] = ""
    costs_like: ClassVar[str] = "other"
    in_row: ClassVar[bool] = False
    usage: ClassVar[str] = ""

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        fields.check_class(cls, Arm)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            fields.check_value(field, getattr(self, field.name), self.text)

    @property
    def text(self) -> str:
        """The name with all numbers, such as `"dash-0.3-0.1"`."""
        values = (getattr(self, f.name) for f in dataclasses.fields(self))
        return "-".join([self.name, *map(str, values)])

    @property
    def code(self) -> str:
        """A line of code that begins a round in the same way."""
        if self.usage:
            return self.usage.format(**vars(self))
        return (
            f"ws_keras.fit_rounds(model, rounds, held_out, [{self.text!r}], "
            "seeds=[0], on_end=lambda _, model: model.save('next.keras'))"
        )

    def begin(self, model: keras.Model, round: Round) -> None:
        """Changes the network when the data of a round have arrived.

        Args:
            model: Model to train, in the state after the previous round.
            round: The `Round` that begins.
        """
        round.carry_over(model)

    def callbacks(self, round: Round) -> Sequence[keras.callbacks.Callback]:
        """Returns Keras callbacks for the training of a round.

        If there are any, the model runs one batch at a time. New callbacks are
        created for each round, and again if a round resumes in another process.
        They must store their state in a `callbacks.travelling.TravellingState`,
        which checkpoints save.

        Args:
            round: The `Round`.
        """
        return ()

    def losses(self, model: keras.Model) -> keras.Model | None:
        """Adds terms to the loss of a network before it is compiled.

        It is called once, when the network has the initial weights of its seed.

        Args:
            model: Built model.

        Returns:
            The model to train instead, which shares all layers of `model`.
            `None` trains `model` itself, for example if only regularizers have
            been added to its weights.
        """
        return None

    def restart(self, model: keras.Model) -> None:
        """Updates the terms of `losses` for the initial weights of a seed.

        If an arm overrides it, all seeds of an experiment share one network
        under TensorFlow, which is traced once: `losses` is called for the
        first seed, and `restart` for each. Values that depend on the weights
        must then be variables. Otherwise each seed has its own network.

        Args:
            model: Result of `losses`, or the model that it received, with the
                initial weights of the seed.
        """

    def check(self, model: keras.Model, protocol: str) -> None:
        """Raises a ValueError if the arm does not support a network or rounds.

        Args:
            model: Built model.
            protocol: `rounds.protocol` of a config, or `"given"` for
                `fit_rounds`.
        """

    def check_selection(
        self, model: keras.Model, include=None, exclude=None, frozen=False
    ) -> None:
        """Raises a ValueError if the arm cannot change the selected variables.

        `fit_rounds` calls it before it trains, with what its `transform` says.

        Args:
            model: Built model.
            include: As in `shrink_perturb`. Defaults to `None`.
            exclude: As in `shrink_perturb`. Defaults to `None`.
            frozen: As in `shrink_perturb`. Defaults to `False`.
        """

    @classmethod
    def defines(cls, hook: str) -> bool:
        """Returns whether the class overrides a method."""
        return getattr(cls, hook) is not getattr(Arm, hook)

    @classmethod
    def form(cls) -> str:
        """Returns the text form, such as `"dash-SHRINK-ALPHA"`.

        Numbers in brackets are optional.
        """
        parts = [cls.name]
        for field in dataclasses.fields(cls):
            word = f"-{field.name.upper()}"
            parts.append(f"[{word}]" if fields.has_default(field) else word)
        return "".join(parts)

    @classmethod
    def summary(cls) -> str:
        """Returns the first sentence of the docstring."""
        text = inspect.getdoc(cls) or ""
        return " ".join(text.partition("\n\n")[0].split())

    @classmethod
    def ranges(cls) -> dict[str, str]:
        """Returns the range of each number, such as `"in [0, 1]"`."""
        return {f.name: fields.wanted(f) for f in dataclasses.fields(cls)}


def make(cls: type[Arm], words: Sequence[str]) -> Arm:
    """Creates an arm of a class from numbers that are given as words."""
    pairs = zip(dataclasses.fields(cls), words, strict=False)
    return cls(
        **{field.name: fields.read(field, word) for field, word in pairs}
    )


def counts(cls: type[Arm]) -> tuple[int, int]:
    """Returns how many numbers a class requires and accepts."""
    every = dataclasses.fields(cls)
    return sum(not fields.has_default(f) for f in every), len(every)
