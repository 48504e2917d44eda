"""Shrink-perturb inside `fit`."""

import secrets
import warnings
from collections.abc import Callable
from collections.abc import Iterable

import keras
from keras import ops

from ws_keras import _keras
from ws_keras import seeds
from ws_keras.callbacks import moments
from ws_keras.callbacks import next_step
from ws_keras.callbacks import schedule as schedules
from ws_keras.callbacks import serialization
from ws_keras.callbacks import travelling
from ws_keras.transforms import batches
from ws_keras.transforms import optimizers
from ws_keras.transforms import ownership
from ws_keras.transforms import rates
from ws_keras.transforms import selecting
from ws_keras.transforms import shrink_perturb as transforms

_MOST_STEPS_OF_A_BATCH = 4


@keras.saving.register_keras_serializable(package="ws_keras")
class ShrinkPerturb(keras.callbacks.Callback):
    """Shrinks the weights and perturbs them before training goes on.

    With its defaults it is all that is needed when a model is trained again
    because new data have arrived: before the first epoch each weight becomes
    `shrink * weight + perturb * noise` (Ash & Adams 2020, section 5; the
    strengths of the authors' code).

    It may stand anywhere in the list of callbacks. A fit that
    `BackupAndRestore` restores goes on as if it had not been interrupted: what
    was done is noted in the saved weights and not done again, and other
    arguments than those of the interrupted fit are refused. With the file of a
    `ModelCheckpoint`, load it and give `fit` the `initial_epoch`; draws are
    then those of the first fit where `seed` is given.

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
            the logs of the epoch, from the first application on, for
            `History`, and for `TensorBoard` where it comes later in the
            list. Defaults to `False`.
        noise: See `ws_keras.shrink_perturb`, as for all that follow.
        include: Weights to change.
        exclude: Weights to keep.
        frozen: Whether frozen layers are changed too.
        statistics: `"reset"`, `"keep"` or `"recalibrate"`.
        optimizer: `"reset"`, `"reset_slots"` or `"keep"`.
        data: Training data, as `fit` takes them: an array, or a dict or list
            of one for each input; a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, or any iterable of batches. Of a tuple,
            such as `(x, y)`, the first item counts. The moments of batch
            norm are measured on them with the transform (unless `statistics`
            says otherwise), on 10 batches before each validation within
            `fit`, and on 100 at the end of `fit`, when all callbacks have
            ended: arrays are cut into batches of 32. Without them the
            moments are those of training, and a warning says where they lag
            behind the weights. Defaults to `None`.
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
        # Of an iterator too there is more than one pass.
        data = None if data is None else batches.repeatable(data)
        self.schedule = schedules.Schedule(when, every, epochs, until, last)
        self.last = last
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
            # Else they are what moments are measured on later.
            "data": data if statistics in (None, "recalibrate") else None,
            "build_fn": build_fn,
        }
        self._data, data = data, self._arguments["data"]
        transforms.check(
            shrink, perturb, noise, statistics, optimizer, data, seed, build_fn
        )
        for name, patterns in (("include", include), ("exclude", exclude)):
            for pattern in selecting.listed(patterns):
                selecting.check_pattern(name, pattern)
        # NumPy's integers are none to JSON.
        self.seed = None if seed is None else int(seed)
        self._fits = 0
        self._state = None
        self._resumed = False
        self._watch = moments.Watch()

    def set_model(self, model):
        super().set_model(model)
        # Before any callback restores weights, and with them this state.
        if self._state is not None:
            self._state.detach(model)
        self._fresh = {
            "arguments": self._fingerprint(),
            "seed": secrets.randbits(31) if self.seed is None else self.seed,
            "fits": self._fits,
            "epoch": -1,  # the last epoch that began
            # What to add to the optimizer's count, which may have begun
            # before this fit and is set back by a reset.
            "offset": 0,
            "due": 0,  # steps when it was last asked
        }
        self._state = travelling.TravellingState(self._fresh)
        self._state.attach(model)
        self._fits += 1
        self._epoch, self._resumed = None, False
        # Before another callback of this fit sets the learning rate.
        self._past = rates.Past(model)

    def on_train_begin(self, logs=None):
        self._state.begun = True
        self.schedule.check_reachable(self.params["epochs"], self._steps_in)
        self._watch = moments.watch(self)
        if self._data is not None:
            self._watch.measure_on(self._data)

    def on_epoch_begin(self, epoch, logs=None):
        is_first, self._epoch = self._epoch is None, epoch
        self._next_look = 0
        is_late = keras.backend.backend() == "tensorflow"  # to build a model
        if is_late and not ownership.is_built(self.model):
            next_step.when_built(
                self.model, lambda: self._open(epoch, is_first)
            )
        else:
            self._open(epoch, is_first)

    def _open(self, epoch: int, is_first: bool) -> None:
        if is_first:
            self._begin(epoch)
        values = self._state.values
        # A fit that was restored in the middle of an epoch begins it again.
        if self.schedule.is_due_at_epoch(epoch) and values["epoch"] < epoch:
            self._apply("epoch", epoch)
        values["epoch"] = max(values["epoch"], epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if self._data is None:
            self._watch.on_batch_begin(self, batch)
        if self.schedule.when != "step" or batch < self._next_look:
            return
        self._apply_if_step_is_due(self._epoch, is_within=True)
        # To read the optimizer's count makes a training step wait. A batch
        # is a step or less, in rare training steps of one's own a few.
        every = self.schedule.every
        left = every - self._state.values["due"] % every
        self._next_look = batch + max(1, left // _MOST_STEPS_OF_A_BATCH)

    def on_epoch_end(self, epoch, logs=None):
        self._watch.on_epoch_end(self, epoch)
        if (
            self.schedule.when == "step"
            and not self._steps()
            and self._steps_in(1)
        ):
            warnings.warn(
                "The model's optimizer made no step in this fit, so "
                "ShrinkPerturb with `when='step'` was never due. If your "
                "training step has optimizers of its own, use `when='epoch'`.",
                stacklevel=2,
            )
        if self.log and self.report is not None and logs is not None:
            totals = self.report.totals().items()
            logs.update({f"shrink_perturb_{k}": v for k, v in totals})

    def on_train_end(self, logs=None):
        if self.last and self._epoch is not None:
            epoch = self._epoch + 1
            if self.schedule.is_due_at_epoch(epoch):
                self._apply("epoch", epoch)
            self._apply_if_step_is_due(epoch)
        self._state.detach(self.model)
        self._past.note()
        if self._resumed:
            # Keras leaves it there, and the next fit would begin late.
            _keras.forget_resumption(self.model)
        self._watch.on_train_end(self)

    def on_test_begin(self, logs=None):
        self._detach_outside_of_fit()
        if self._state.begun and self._data is not None:
            self._watch.refresh(self.model)

    def on_predict_begin(self, logs=None):
        self._detach_outside_of_fit()

    def __getstate__(self) -> dict:
        # For copies and for other processes: the model is of one fit.
        gone = ("_model", "_state", "_past")
        return {**vars(self), **dict.fromkeys(gone)}

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`.

        Without `data`, which is not serializable.

        Raises:
            ValueError: If a pattern is a layer object.
        """
        config = {**self._timing(), "log": self.log, **self._arguments}
        del config["data"]
        return {k: serialization.to_config(k, v) for k, v in config.items()}

    @classmethod
    def from_config(cls, config: dict):
        """Makes the callback that `get_config` describes."""
        found = {k: serialization.from_config(v) for k, v in config.items()}
        return cls(**found)

    def _timing(self) -> dict:
        schedule = self.schedule
        return {
            "when": schedule.when,
            "every": schedule.every,
            "epochs": schedule.epochs,
            "until": schedule.until,
            "last": self.last,
            "seed": self.seed,
        }

    def _begin(self, epoch: int) -> None:
        """Acts on what came before the first epoch of this fit."""
        if self._data is not None and self.model.built:
            moments.check(self.model, self._data)
        self._resumed = self._is_resumed(epoch)
        if self._resumed:
            self._check_same_arguments()
            self._fits = self._state.values["fits"] + 1
        else:
            # What an earlier fit has left in a file says nothing of this one.
            self._state.values = {**self._fresh, "offset": -self._iterations()}
        if epoch > 0 and not self._resumed:
            self._count_earlier_steps(epoch)
        if self.schedule.when != "fit" or self._resumed:
            return
        if epoch == 0:
            self._apply("fit", 0)
        else:
            warnings.warn(
                f"`fit` begins with epoch {epoch}, so it counts as the "
                "continuation of an earlier fit, and ShrinkPerturb did "
                "nothing. To apply it there, use `when='epoch'` with "
                "`epochs=`.",
                stacklevel=2,
            )

    def _is_resumed(self, epoch: int) -> bool:
        """Whether this fit goes on where the restored state was saved.

        Weights that were saved within an earlier fit bring its state along
        wherever they are loaded.
        """
        if not self._state.restored:
            return False
        last = self._state.values["epoch"]
        if epoch > 0:
            return last in (epoch - 1, epoch)
        # `BackupAndRestore` says so even where it begins the first one again.
        is_backup = _keras.is_resumed(self.model)
        return is_backup and last <= 0

    def _apply_if_step_is_due(self, epoch: int, is_within=False) -> None:
        values, steps = self._state.values, self._steps()
        before, values["due"] = values["due"], steps
        if not self.schedule.is_due_at_step(before, steps, epoch):
            return
        length = self.params["steps"]
        if is_within and length is None and next_step.comes_late():
            self._apply_unless_over(steps, {**values, "due": before})
        else:
            self._apply("step", steps)

    def _apply_unless_over(self, steps: int, values: dict) -> None:
        """Applies it if another step follows: the data may be at their end."""
        report = self.report

        def undo():
            self._state.values, self.report = values, report

        def apply():
            self._apply("step", steps)
            return undo

        state = optimizers.state(self.model)
        changed = [*self.model.variables, *state]
        next_step.unless_over(self.model, changed, apply)

    def _apply(self, what: str, number: int) -> None:
        values = self._state.values
        before = self._iterations()
        seed = seeds.derive(values["seed"], values["fits"], what, number)
        # Within the fit the rate is what its other callbacks make of it.
        past = self._past if what == "fit" else None
        with rates.given(self.model, past):
            self.report = transforms.shrink_perturb(
                self.model, seed=seed, **self._arguments
            )
        if any(line.action == "reset" for line in self.report):
            self._watch.reset()
        # Resetting the optimizer sets its count back.
        values["offset"] += before - self._iterations()

    def _count_earlier_steps(self, epoch: int) -> None:
        """Goes on counting where a fit of the earlier epochs has ended.

        Its weights may come from a file that does not bring this callback's
        state, as after `load_weights`.
        """
        batches = self.params["steps"]
        if batches is None:
            return
        # Batches before the last one at whose beginning that fit was asked.
        size = self.model.steps_per_execution or 1
        asked = batches * epoch - 1 - (batches - 1) % size
        values = self._state.values
        values["offset"] += self._steps_in(epoch) - self._steps()
        values["due"] = asked // self._batches_per_step()

    def _steps_in(self, num_epochs: int) -> int | None:
        """Number of optimizer steps in so many epochs, `None` if not known."""
        batches = self.params["steps"]
        if batches is None:
            return None
        return num_epochs * batches // self._batches_per_step()

    def _batches_per_step(self) -> int:
        return optimizers.accumulation(self.model.optimizer)

    def _steps(self) -> int:
        """Number of optimizer steps so far in this fit."""
        return self._state.values["offset"] + self._iterations()

    def _detach_outside_of_fit(self) -> None:
        # `evaluate` and `predict` set the model too.
        if not self._state.begun:
            self._state.detach(self.model)

    def _iterations(self) -> int:
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))

    def _fingerprint(self) -> dict:
        arguments = {**self._timing(), **self._arguments}
        # Data and a function that builds the model are no hyper-parameters.
        del arguments["data"], arguments["build_fn"]
        found = arguments.items()
        return {name: serialization.fingerprint(v) for name, v in found}

    def _check_same_arguments(self) -> None:
        old = self._state.values["arguments"]
        new = self._fingerprint()
        for name, value in new.items():
            before = old.get(name, value)
            if before != value:
                raise ValueError(
                    "An interrupted fit must be continued with the same "
                    f"arguments of ShrinkPerturb: it had {name}={before!r}. "
                    f"Received: {name}={value!r}. Give the old value, or "
                    "remove the backup to start afresh."
                )
