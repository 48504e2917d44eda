"""Applies shrink-perturb during `fit`."""

import secrets
from collections.abc import Callable
from collections.abc import Iterable

import keras

from ws_keras import _keras
from ws_keras import callers
from ws_keras.callbacks import moments
from ws_keras.callbacks import next_step
from ws_keras.callbacks import schedule as schedules
from ws_keras.callbacks import serialization
from ws_keras.callbacks import shrink_perturb_fit as fits
from ws_keras.callbacks import steps
from ws_keras.transforms import batches
from ws_keras.transforms import optimizers
from ws_keras.transforms import ownership
from ws_keras.transforms import rates
from ws_keras.transforms import selecting
from ws_keras.transforms import shrink_perturb as transforms

_MOST_STEPS_OF_A_BATCH = 4


@keras.saving.register_keras_serializable(package="ws_keras")
class ShrinkPerturb(keras.callbacks.Callback):
    """Shrinks and perturbs the weights before training continues.

    Add this callback to `fit` when new data have arrived. By default, it sets
    each weight to `shrink * weight + perturb * noise` before the first epoch
    (Ash & Adams 2020, section 5; the strengths of the authors' code).

    The noise depends on `seed`, the number of the fit with this object, the
    epoch or step, and the weight. `keras.utils.set_random_seed` does not change
    it. A script that makes this callback with a fixed `seed` draws the same
    noise every week; give another one each week, such as the number of the
    week, or none.

    The position in the list of callbacks does not matter. A fit that
    `BackupAndRestore` restores continues as if it had not been interrupted: the
    saved weights record which applications have been done. Such a fit must have
    the same arguments. To continue from a file of `ModelCheckpoint`, load it
    and pass `initial_epoch` to `fit`; with a given `seed`, the draws are those
    of the first fit.

    `report` holds the `Report` of the last application.

    Example:

    ```python
    model = keras.models.load_model("last_week.keras")
    model.fit(grown_data, epochs=10, callbacks=[ws_keras.ShrinkPerturb()])
    ```

    Args:
        shrink: Factor of the old weights, or a mapping; see
            `ws_keras.shrink_perturb`. Defaults to 0.4.
        perturb: Scale of the noise. Defaults to 0.1.
        when: `"fit"`: once, before the first epoch. `"epoch"`: at the beginning
            of the epochs that `every` or `epochs` select. `"step"`: after each
            `every` steps. A fit with `initial_epoch` above 0 counts as the
            continuation of an earlier fit. Defaults to `"fit"`.
        every: Number of epochs or optimizer steps between two applications. If
            `steps_per_execution` skips a due step, the transform is applied at
            the next visible step. Defaults to `None`.
        epochs: Epochs (from 0, as in Keras) at whose beginning the transform is
            applied. Defaults to `None`.
        until: First epoch from which nothing is applied any more, so that the
            model can recover. Defaults to `None`.
        last: Whether the transform may also be applied at the end of the last
            epoch. `fit` then returns a perturbed model. Defaults to `False`.
        seed: Non-negative integer that fixes all draws. Each application uses
            new draws. `None` draws a seed from the operating system. Defaults
            to `None`.
        log: Whether to add norms and cosine of the last application to the logs
            of each epoch, beginning with the first application. `History` and a
            `TensorBoard` later in the list record them. Defaults to `False`.
        noise: Kind of noise; see `ws_keras.shrink_perturb`. Defaults to
            `"fresh"`.
        include: Weights to change. Defaults to `None`, which means all.
        exclude: Weights to keep. Defaults to `None`.
        frozen: Whether to change frozen layers too. Defaults to `False`.
        statistics: `"reset"`, `"keep"` or `"recalibrate"`; see
            `ws_keras.shrink_perturb`. Defaults to `None`.
        optimizer: `"reset"`, `"reset_slots"` or `"keep"`; see
            `ws_keras.shrink_perturb`. Defaults to `None`.
        data: Training data in the form that `fit` accepts: an array, or a dict
            or list with one array per input; a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, or any iterable of batches. The first item
            of a tuple, such as `(x, y)`, is used. Arrays are cut into batches
            of 32. The moments of batch norm are measured on these data: with
            each application (unless `statistics` says otherwise), before each
            validation in `fit` (on 10 batches), and at the end of `fit`, after
            all callbacks (on 100 batches). Without `data`, the moments are
            those of training, and a warning tells if they lag behind the
            weights. Defaults to `None`.
        build_fn: Function that builds the model; see `ws_keras.shrink_perturb`.
            Defaults to `None`.

    Raises:
        ValueError: If an argument is out of its range, if the schedule can
            never be due, or if a restored fit had other arguments.
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
        # An iterator is read more than once too.
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
            # Otherwise the moments are measured on the data only later.
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
        # JSON cannot represent NumPy's integers.
        self.seed = None if seed is None else int(seed)
        self._fits = 0
        self._fit = None
        self._watch = moments.Watch()

    def set_model(self, model):
        super().set_model(model)
        # Attach the state before any callback restores weights and state.
        if self._fit is not None:
            self._fit.state.detach(model)
        seed = secrets.randbits(31) if self.seed is None else self.seed
        self._fit = fits.Fit(model, self._fingerprint(), seed, self._fits)
        self._fits += 1
        self._epoch = None
        # Read the rate before another callback of this fit changes it.
        self._past = rates.Past(model)

    def on_train_begin(self, logs=None):
        self._fit.state.begun = True
        self.schedule.check_reachable(
            self.params["epochs"],
            lambda count: steps.in_epochs(
                self.model, self.params["steps"], count
            ),
        )
        self._watch = moments.watch(self)
        if self._data is not None:
            self._watch.measure_on(self._data)

    def on_epoch_begin(self, epoch, logs=None):
        self._fit.check_alone()
        is_first, self._epoch = self._epoch is None, epoch
        self._next_look = 0
        is_late = keras.backend.backend() == "tensorflow"  # builds late
        if is_late and not ownership.is_built(self.model):
            next_step.when_built(
                self.model, lambda: self._open(epoch, is_first)
            )
        else:
            self._open(epoch, is_first)

    def _open(self, epoch: int, is_first: bool) -> None:
        if is_first:
            self._begin(epoch)
        is_new = self._fit.begin_epoch(epoch)
        if is_new and self.schedule.is_due_at_epoch(epoch):
            self._apply("epoch", epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if self._data is None:
            self._watch.on_batch_begin(self, batch)
        if self.schedule.when != "step" or batch < self._next_look:
            return
        self._apply_if_step_is_due(self._epoch, is_within=True)
        # Reading the optimizer's count makes a training step wait. A batch
        # makes at most one step, or a few in rare custom training steps.
        every = self.schedule.every
        left = every - self._fit.values["due"] % every
        self._next_look = batch + max(1, left // _MOST_STEPS_OF_A_BATCH)

    def on_epoch_end(self, epoch, logs=None):
        self._watch.on_epoch_end(self, epoch)
        if (
            self.schedule.when == "step"
            and not self._fit.steps(self.model)
            and steps.in_epochs(self.model, self.params["steps"], 1)
        ):
            callers.warn(
                "The optimizer of the model made no step in this fit, so "
                "ShrinkPerturb with `when='step'` was never applied. If your "
                "training step uses other optimizers, use `when='epoch'`.",
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
        self._fit.state.detach(self.model)
        self._fit.is_over = True
        self._past.note()
        if self._fit.is_resumed:
            # Keras leaves the flag set, and the next fit would begin late.
            _keras.forget_resumption(self.model)
        self._watch.on_train_end(self)

    def on_test_begin(self, logs=None):
        self._detach_outside_of_fit()
        if self._fit.state.begun and self._data is not None:
            self._watch.refresh(self.model)

    def on_predict_begin(self, logs=None):
        self._detach_outside_of_fit()

    def __getstate__(self) -> dict:
        # For copies and other processes: the model belongs to one fit.
        gone = ("_model", "_fit", "_past")
        return {**vars(self), **dict.fromkeys(gone)}

    def get_config(self) -> dict:
        """Returns the arguments, for `keras.saving`.

        `data` is not included, because it cannot be serialized.

        Raises:
            ValueError: If a pattern is a layer object.
        """
        config = {**self._timing(), "log": self.log, **self._arguments}
        del config["data"]
        return {k: serialization.to_config(k, v) for k, v in config.items()}

    @classmethod
    def from_config(cls, config: dict):
        """Creates the callback from the result of `get_config`."""
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
        """Prepares the first epoch of this fit."""
        if self._data is not None and self.model.built:
            moments.check(self.model, self._data)
        self._fit.begin(self.model, epoch, self.params["steps"])
        self._fits = self._fit.values["fits"] + 1
        if self.schedule.when != "fit" or self._fit.is_resumed:
            return
        if epoch == 0:
            self._apply("fit", 0)
        else:
            callers.warn(
                f"`fit` begins with epoch {epoch}, so it counts as the "
                "continuation of an earlier fit, and ShrinkPerturb did "
                "nothing. To apply it nevertheless, use `when='epoch'` with "
                "`epochs=`.",
            )

    def _apply_if_step_is_due(self, epoch: int, is_within=False) -> None:
        values, count = self._fit.values, self._fit.steps(self.model)
        before, values["due"] = values["due"], count
        if not self.schedule.is_due_at_step(before, count, epoch):
            return
        length = self.params["steps"]
        if is_within and length is None and next_step.comes_late():
            self._apply_unless_over(count, {**values, "due": before})
        else:
            self._apply("step", count)

    def _apply_unless_over(self, count: int, values: dict) -> None:
        """Applies the transform only if another step follows."""
        report = self.report

        def undo():
            self._fit.state.values, self.report = values, report

        def apply():
            self._apply("step", count)
            return undo

        state = optimizers.state(self.model)
        changed = [*self.model.variables, *state]
        next_step.unless_over(self.model, changed, apply)

    def _apply(self, what: str, number: int) -> None:
        before = steps.made(self.model)
        # Later in the fit, other callbacks determine the learning rate.
        past = self._past if what == "fit" else None
        with rates.given(self.model, past):
            self.report = transforms.shrink_perturb(
                self.model, seed=self._fit.draw(what, number), **self._arguments
            )
        actions = {line.action for line in self.report}
        if actions & {"reset", "measured"}:
            self._watch.reset()
        # A reset of the optimizer sets its count to 0.
        self._fit.values["offset"] += before - steps.made(self.model)

    def _detach_outside_of_fit(self) -> None:
        # `evaluate` and `predict` also set the model.
        if not self._fit.state.begun:
            self._fit.state.detach(self.model)

    def _fingerprint(self) -> dict:
        arguments = {**self._timing(), **self._arguments}
        # `data` and `build_fn` are not hyperparameters.
        del arguments["data"], arguments["build_fn"]
        found = arguments.items()
        return {name: serialization.fingerprint(v) for name, v in found}
