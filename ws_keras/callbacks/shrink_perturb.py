"""Shrink-perturb inside `fit`."""

import secrets
import warnings
from collections.abc import Callable
from collections.abc import Iterable

import keras
from keras import ops

from ws_keras import seeds
from ws_keras.callbacks import schedule as schedules
from ws_keras.callbacks import travelling
from ws_keras.transforms import optimizers
from ws_keras.transforms import shrink_perturb as transforms


@keras.saving.register_keras_serializable(package="ws_keras")
class ShrinkPerturb(keras.callbacks.Callback):
    """Shrinks the weights and perturbs them before training goes on.

    With its defaults it is all that is needed when a model is trained again
    because new data have arrived: before the first epoch each weight becomes
    `shrink * weight + perturb * noise` (Ash & Adams 2020, section 5; the
    strengths of the authors' code).

    It may stand anywhere in the list of callbacks. Together with
    `BackupAndRestore`, `ModelCheckpoint` or any other use of `save_weights` a
    restored fit goes on as if it had not been interrupted: what was done is
    noted in the saved weights and not done again, and other arguments than
    those of the interrupted fit are refused.

    `report` holds what the last application did to each variable.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    model.fit(grown_data, epochs=10, callbacks=[ws_keras.ShrinkPerturb()])
    ```

    Args:
        shrink: Factor of the old weights, or a mapping; see
            `ws_keras.shrink_perturb`. Defaults to 0.4.
        perturb: Scale of the noise. Defaults to 0.1.
        when: `"fit"`: once, before the first epoch. `"epoch"`: at the
            beginning of epochs, as `every` or `epochs` say. `"step"`: after
            each `every` steps. A fit with `initial_epoch` above 0 counts as
            the continuation of an earlier one. Defaults to `"fit"`.
        every: Number of epochs or optimizer steps between two applications.
            Where `steps_per_execution` skips the step, the next one that can
            be seen counts. Defaults to `None`.
        epochs: Epochs (from 0, as in Keras) at whose beginning to apply.
            Defaults to `None`.
        until: Epoch from which on nothing is applied, so that the model can
            recover. Defaults to `None`.
        last: Whether the end of the last epoch counts as a beginning too;
            the model is then perturbed when `fit` returns. Defaults to
            `False`.
        seed: Non-negative integer that fixes all draws; repeated
            applications draw anew. `None` takes one from the operating
            system. Defaults to `None`.
        log: Whether norms and cosine of the last application are added to
            the logs of the epoch, for `History`, and for `TensorBoard` where
            it comes later in the list. Defaults to `False`.
        noise: See `ws_keras.shrink_perturb`, as for all that follow.
        include: Weights to change.
        exclude: Weights to keep.
        frozen: Whether frozen layers are changed too.
        statistics: `"reset"`, `"keep"` or `"recalibrate"`.
        optimizer: `"reset"`, `"reset_slots"` or `"keep"`.
        data: Batches for `"recalibrate"`; something that can be iterated
            over at each application, such as a list or `tf.data.Dataset`.
        build_fn: Function that builds the model.

    Raises:
        ValueError: If an argument is out of its range, the schedule can
            never be due, or a restored fit had other arguments.
    """

    def __init__(
        self,
        shrink: float | dict = 0.4,
        perturb: float = 0.1,
        when: str = "fit",
        *,
        every: int | None = None,
        epochs: Iterable[int] | None = None,
        until: int | None = None,
        last: bool = False,
        seed: int | None = None,
        log: bool = False,
        noise: str | Callable = "fresh",
        include=None,
        exclude=None,
        frozen: bool = False,
        statistics: str | None = None,
        optimizer: str | None = None,
        data: Iterable | None = None,
        build_fn: Callable | None = None,
    ):
        super().__init__()
        epochs = None if epochs is None else tuple(epochs)
        self.schedule = schedules.Schedule(when, every, epochs, until)
        self.last = last
        self.seed = seed
        self.log = log
        self.report = None
        self._arguments = {
            "shrink": shrink,
            "perturb": perturb,
            "noise": noise,
            "include": include,
            "exclude": exclude,
            "frozen": frozen,
            "statistics": statistics,
            "optimizer": optimizer,
            "data": data,
            "build_fn": build_fn,
        }
        transforms.check(
            shrink, perturb, noise, statistics, optimizer, data, seed, build_fn
        )
        self._fits = 0
        self._state = None

    def set_model(self, model):
        super().set_model(model)
        # Before any callback restores weights, and with them this state.
        if self._state is not None:
            self._state.detach(model)
        self._state = travelling.TravellingState(
            {
                "arguments": self._fingerprint(),
                "seed": secrets.randbits(31)
                if self.seed is None
                else self.seed,
                "fits": self._fits,
                "epoch": -1,  # the last epoch that began
                "steps": 0,  # before the optimizer was last reset
                "due": 0,  # steps when it was last asked
            }
        )
        self._state.attach(model)
        self._fits += 1
        self._has_begun = False

    def on_train_begin(self, logs=None):
        self._state.begun = True
        self.schedule.check_reachable(
            self.params["epochs"], self._steps_per_epoch(), self.last
        )
        self._start = self._iterations()

    def on_epoch_begin(self, epoch, logs=None):
        if not self._has_begun:
            self._begin(epoch)
        values = self._state.values
        # A fit that was restored in the middle of an epoch begins it again.
        if self.schedule.is_due_at_epoch(epoch) and values["epoch"] < epoch:
            self._apply("epoch", epoch)
        values["epoch"] = max(values["epoch"], epoch)
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self._apply_if_step_is_due(self._epoch)

    def on_epoch_end(self, epoch, logs=None):
        if self.log and self.report is not None and logs is not None:
            totals = self.report.totals().items()
            logs.update({f"shrink_perturb_{k}": v for k, v in totals})

    def on_train_end(self, logs=None):
        if self.last:
            epoch = self._epoch + 1
            if self.schedule.is_due_at_epoch(epoch):
                self._apply("epoch", epoch)
            self._apply_if_step_is_due(epoch)
        self._state.detach(self.model)

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`."""
        schedule = self.schedule
        return {
            "when": schedule.when,
            "every": schedule.every,
            "epochs": schedule.epochs,
            "until": schedule.until,
            "last": self.last,
            "seed": self.seed,
            "log": self.log,
            **self._arguments,
        }

    @classmethod
    def from_config(cls, config: dict):
        """Makes the callback that `get_config` describes."""
        return cls(**config)

    def _begin(self, epoch: int) -> None:
        """Acts on what came before the first epoch of this fit."""
        self._has_begun = True
        restored = self._state.restored
        if restored:
            self._check_same_arguments()
            self._fits = self._state.values["fits"] + 1
        # Restoring may have come after this callback's `on_train_begin`.
        self._start = 0 if restored else self._start
        if self.schedule.when != "fit" or restored:
            return
        if epoch == 0:
            self._apply("fit", 0)
        else:
            warnings.warn(
                f"`fit` begins with epoch {epoch}, which counts as the "
                "continuation of an earlier fit: ShrinkPerturb did nothing. "
                "Use `when='epoch'` with `epochs=` to apply it there.",
                stacklevel=2,
            )

    def _apply_if_step_is_due(self, epoch: int) -> None:
        values = self._state.values
        steps = values["steps"] + self._iterations() - self._start
        if self.schedule.is_due_at_step(values["due"], steps, epoch):
            self._apply("step", steps)
        values["due"] = steps

    def _apply(self, what: str, number: int) -> None:
        values = self._state.values
        before = self._iterations()
        self.report = transforms.shrink_perturb(
            self.model,
            seed=seeds.derive(values["seed"], values["fits"], what, number),
            **self._arguments,
        )
        # Resetting the optimizer sets its count back.
        values["steps"] += before - self._iterations()

    def _steps_per_epoch(self) -> int | None:
        batches = self.params["steps"]
        optimizer = optimizers.inner(self.model.optimizer)
        accumulated = optimizer.gradient_accumulation_steps or 1
        return None if batches is None else -(-batches // accumulated)

    def _iterations(self) -> int:
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))

    def _fingerprint(self) -> dict:
        shown = ("when", "every", "epochs", "until", "last", "seed", "shrink")
        shown += ("perturb", "noise", "statistics", "optimizer", "frozen")
        config = self.get_config()
        # Functions and layers have no name that outlives the process.
        return {
            name: value
            for name in shown
            if isinstance(
                value := config[name],
                (int, float, str, tuple, type(None)),
            )
        }

    def _check_same_arguments(self) -> None:
        old = self._state.values["arguments"]
        new = self._fingerprint()
        for name, value in new.items():
            before = old.get(name, value)
            if before != (list(value) if isinstance(value, tuple) else value):
                raise ValueError(
                    "An interrupted fit must be continued with the same "
                    f"arguments of ShrinkPerturb: it had {name}={before!r}. "
                    f"Received: {name}={value!r}. Give the old value, or "
                    "remove the backup to start afresh."
                )
