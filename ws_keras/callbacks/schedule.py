"""Schedules of transforms during `fit`."""

import dataclasses
import math
from collections.abc import Callable
from collections.abc import Iterable

from ws_keras import checks

WHEN = ("fit", "epoch", "step")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Determines at which epochs or steps a transform is due.

    Epochs count from 0, as in Keras. A transform is applied at the beginning of
    an epoch or step. Therefore Keras logs, validates and saves the trained
    model at the end of an epoch. After the last epoch, nothing happens unless
    `last` is `True`.

    Args:
        when: `"fit"` (before the first epoch), `"epoch"` or `"step"`. Defaults
            to `"fit"`.
        every: Number of epochs or steps between two applications, for `"epoch"`
            and `"step"`. Defaults to `None`.
        epochs: Epochs at whose beginning the transform is due, for `"epoch"` in
            place of `every`. Defaults to `None`.
        until: First epoch from which nothing is due any more. Defaults to
            `None`.
        last: Whether the transform may be due at the end of the last epoch.
            Defaults to `False`.

    Raises:
        ValueError: If the arguments contradict each other or can never be due.
    """

    when: str = "fit"
    every: int | None = None
    epochs: Iterable[int] | None = None
    until: int | None = None
    last: bool = False

    def __post_init__(self):
        object.__setattr__(self, "epochs", _integers(self.epochs))
        if self.until is not None and not checks.is_whole(self.until):
            raise ValueError(
                "`until` must be the number of an epoch or None. "
                f"Received: until={self.until!r}."
            )
        if self.when not in WHEN:
            raise ValueError(
                f"`when` must be one of {list(WHEN)}. "
                f"Received: when={self.when!r}."
            )
        getattr(self, f"_check_{self.when}")()
        if self.until is not None and self.until <= self._first_epoch():
            raise ValueError(
                "`until` must be later than the first epoch in which the "
                f"transform is due. Received: until={self.until}, the first is "
                f"epoch {self._first_epoch()} (epochs count from 0)."
            )

    def is_due_at_epoch(self, epoch: int) -> bool:
        """Whether the transform is due at the beginning of an epoch."""
        if self.when != "epoch" or epoch >= (self.until or math.inf):
            return False
        if self.epochs is not None:
            return epoch in self.epochs
        return epoch > 0 and epoch % self.every == 0

    def is_due_at_step(self, before: int, steps: int, epoch: int) -> bool:
        """Whether a due step has been passed since the last check.

        Args:
            before: Number of steps at the last check, or 0.
            steps: Number of steps so far.
            epoch: Present epoch.
        """
        if self.when != "step" or epoch >= (self.until or math.inf):
            return False
        return steps // self.every > before // self.every

    def check_reachable(
        self, num_epochs: int, steps_in: Callable[[int], int | None]
    ) -> None:
        """Raises a ValueError if the transform is never due in a fit.

        Args:
            num_epochs: Epochs of the fit.
            steps_in: Function that returns the number of optimizer steps in a
                number of epochs, or `None` if unknown.
        """
        counted = min(num_epochs, self.until or num_epochs)
        steps = steps_in(counted)
        wanted = f"every={self.every}"
        length = f"{num_epochs} epochs"
        if self.when == "epoch":
            epochs = range(num_epochs + self.last)
            reached = any(map(self.is_due_at_epoch, epochs))
            if self.epochs:
                wanted = f"epochs={list(self.epochs)}"
        elif self.when == "step" and steps is not None:
            # The last step of the fit is due only with `last`.
            at_end = self.last and num_epochs < (self.until or math.inf)
            reached = self.every < steps + at_end
            length = f"{length}, with {steps} steps in {counted} of them"
        else:
            reached = True
        if not reached:
            raise ValueError(
                "The schedule must be due at least once. Epochs count from "
                "0, and the end of the last epoch counts only with "
                f"`last=True`. Received: {wanted}, until={self.until}, "
                f"last={self.last} in a fit of {length}."
            )

    def _first_epoch(self) -> int:
        if self.when != "epoch":
            return 0
        return self.every if self.epochs is None else min(self.epochs)

    def _check_fit(self) -> None:
        if not (self.every is self.epochs is self.until is None) or self.last:
            raise ValueError(
                "`every`, `epochs`, `until` and `last` require "
                f"`when='epoch'` or 'step'. Received: when='fit', "
                f"every={self.every}, epochs={self.epochs}, "
                f"until={self.until}, last={self.last}."
            )

    def _check_epoch(self) -> None:
        if (self.every is None) == (self.epochs is None):
            raise ValueError(
                "`when='epoch'` requires either `every=`, a number of epochs, "
                f"or `epochs=`, a list of them. Received: every={self.every}, "
                f"epochs={self.epochs}."
            )
        if self.epochs is None:
            checks.check_positive("every", self.every)
        elif not self.epochs or min(self.epochs) < 0:
            raise ValueError(
                "`epochs` must be a list of at least one non-negative epoch. "
                f"Received: epochs={list(self.epochs)}."
            )

    def _check_step(self) -> None:
        if self.every is None or self.epochs is not None:
            raise ValueError(
                "`when='step'` requires `every=`, a number of steps, and no "
                f"`epochs`. Received: every={self.every}, "
                f"epochs={self.epochs}."
            )
        checks.check_positive("every", self.every)


def _integers(epochs) -> tuple[int, ...] | None:
    if epochs is None:
        return None
    try:
        found = tuple(epochs)
    except TypeError:
        found = (None,)
    if not all(map(checks.is_whole, found)):
        raise ValueError(
            "`epochs` must be a list of integers or None. "
            f"Received: epochs={epochs!r}."
        )
    return tuple(map(int, found))
