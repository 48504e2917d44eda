"""When a transform is due during `fit`."""

import dataclasses
import math
from collections.abc import Callable
from collections.abc import Iterable

from ws_keras import checks

WHEN = ("fit", "epoch", "step")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Says at which starts of an epoch or a step something is due.

    Epochs count from 0, as in Keras. All moments are beginnings, so that what
    is logged, validated and saved at the end of an epoch is the trained
    model, and nothing happens after the last epoch unless asked.

    Args:
        when: `"fit"` (before the first epoch), `"epoch"` or `"step"`.
        every: For `"epoch"` and `"step"`: after each `every` epochs or
            steps.
        epochs: For `"epoch"`: at the beginning of these epochs instead.
        until: From this epoch on nothing is due any more.
        last: Whether the end of the last epoch counts as a beginning too.

    Raises:
        ValueError: If the arguments do not go together or can never be due.
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
                "`until` must be an epoch, an integer, or None. "
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
        """Returns whether something is due at the beginning of an epoch."""
        if self.when != "epoch" or epoch >= (self.until or math.inf):
            return False
        if self.epochs is not None:
            return epoch in self.epochs
        return epoch > 0 and epoch % self.every == 0

    def is_due_at_step(self, before: int, steps: int, epoch: int) -> bool:
        """Returns whether a due step has been passed.

        Args:
            before: Number of steps at the last time, or 0.
            steps: Number of steps so far.
            epoch: Present epoch.
        """
        if self.when != "step" or epoch >= (self.until or math.inf):
            return False
        return steps // self.every > before // self.every

    def check_reachable(
        self, num_epochs: int, steps_in: Callable[[int], int | None]
    ) -> None:
        """Raises a ValueError if nothing is due in a fit.

        Args:
            num_epochs: Epochs of the fit.
            steps_in: Function that gives the number of optimizer steps in so
                many epochs, `None` if not known.
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
            # The step that ends the fit is due only with `last`.
            at_end = self.last and num_epochs < (self.until or math.inf)
            reached = self.every < steps + at_end
            length = f"{length}, with {steps} steps in {counted} of them"
        else:
            reached = True
        if not reached:
            raise ValueError(
                "The schedule must be due at least once: epochs count from "
                "0, and the end of the last one does not count unless "
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
                "`every`, `epochs`, `until` and `last` go with "
                f"`when='epoch'` or 'step'. Received: when='fit', "
                f"every={self.every}, epochs={self.epochs}, "
                f"until={self.until}, last={self.last}."
            )

    def _check_epoch(self) -> None:
        if (self.every is None) == (self.epochs is None):
            raise ValueError(
                "`when='epoch'` needs either `every=`, a number of epochs, or "
                f"`epochs=`, a list of them. Received: every={self.every}, "
                f"epochs={self.epochs}."
            )
        if self.epochs is None:
            checks.check_positive("every", self.every)
        elif not self.epochs or min(self.epochs) < 0:
            raise ValueError(
                "`epochs` must be a list of at least one epoch, from 0 on. "
                f"Received: epochs={list(self.epochs)}."
            )

    def _check_step(self) -> None:
        if self.every is None or self.epochs is not None:
            raise ValueError(
                "`when='step'` needs `every=`, a number of steps, and no "
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
