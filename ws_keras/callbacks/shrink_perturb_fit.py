"""How far ShrinkPerturb has come in a fit: counts that weights carry."""

import threading

import keras

from ws_keras import _keras
from ws_keras import seeds
from ws_keras.callbacks import serialization
from ws_keras.callbacks import steps
from ws_keras.callbacks import travelling


class Fit:
    """Counts of a fit, which are saved and restored with the weights.

    Args:
        model: Model of the fit.
        arguments: Fingerprint of the arguments of the callback.
        seed: Seed of all draws.
        number: Number of earlier fits with the same callback.
    """

    def __init__(
        self, model: keras.Model, arguments: dict, seed: int, number: int
    ):
        self._fresh = {
            "arguments": arguments,
            "seed": seed,
            "fits": number,
            "epoch": -1,  # the last epoch that began
            # This is added to the optimizer's step count, which may start
            # before this fit and which a reset sets to 0.
            "offset": 0,
            "due": 0,  # step count at the last check
        }
        self.state = travelling.TravellingState(self._fresh)
        self.state.attach(model)
        self.is_resumed = False
        self.is_over = False
        self._thread = threading.get_ident()

    def check_alone(self) -> None:
        """Raises a ValueError if two fits use one callback at once.

        The fit that began last has taken the callback from the other one.
        """
        if self.is_over or threading.get_ident() != self._thread:
            raise ValueError(
                "`ShrinkPerturb` must belong to one `fit` at a time. Received: "
                "a callback that another `fit` has begun to use before this "
                "one ended. Give each `fit` a callback of its own."
            )

    @property
    def values(self) -> dict:
        """The counts, by name."""
        return self.state.values

    def begin(
        self, model: keras.Model, epoch: int, batches: int | None
    ) -> None:
        """Prepares the first epoch.

        Args:
            model: Built model.
            epoch: The epoch.
            batches: Number of batches per epoch, or `None` if unknown.

        Raises:
            ValueError: If a restored fit had other arguments.
        """
        self.is_resumed = self._is_resumed(model, epoch)
        if self.is_resumed:
            serialization.check_same(
                "ShrinkPerturb",
                self.values["arguments"],
                self._fresh["arguments"],
            )
            return
        # The file may hold the state of an earlier, unrelated fit.
        self.state.values = {**self._fresh, "offset": -steps.made(model)}
        if epoch > 0:
            steps.resume(self.values, model, batches, epoch)

    def begin_epoch(self, epoch: int) -> bool:
        """Returns whether an epoch begins for the first time.

        An epoch that was interrupted begins again after a restore.
        """
        before = self.values["epoch"]
        self.values["epoch"] = max(before, epoch)
        return before < epoch

    def steps(self, model: keras.Model) -> int:
        """Returns the number of optimizer steps so far in this fit."""
        return self.values["offset"] + steps.made(model)

    def draw(self, what: str, number: int) -> int:
        """Returns the seed of an application."""
        values = self.values
        return seeds.derive(values["seed"], values["fits"], what, number)

    def _is_resumed(self, model: keras.Model, epoch: int) -> bool:
        """Whether this fit continues the fit whose state was restored.

        Weights that were saved within an earlier fit carry its state wherever
        they are loaded.
        """
        if not self.state.restored:
            return False
        last = self.values["epoch"]
        if epoch > 0:
            return last in (epoch - 1, epoch)
        # `BackupAndRestore` reports this even if it restarts epoch 0.
        is_backup = _keras.is_resumed(model)
        return is_backup and last <= 0
