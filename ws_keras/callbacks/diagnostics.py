"""Diagnostics of a network within `fit`."""

from collections.abc import Callable

import keras

from ws_keras import checks
from ws_keras.diagnostics import probe as probes


class Diagnostics(keras.callbacks.Callback):
    """Measures the model while `fit` trains it, and leaves it as it is.

    A fit with this callback ends with bitwise the same weights, statistics,
    optimizer and random states as one without. The measures are those of
    `ws_keras.diagnostics.probe.Probe`, taken at the beginning of an epoch,
    before its first step, or every so many steps. `fit` logs them beside the
    metrics of that epoch (`History`, and callbacks that stand after this one):
    the values of a line are the last ones that were taken before its end.

    `weight_correlation` is with the weights at the beginning of `fit`: stand
    after `ShrinkPerturb` for the weights that training starts from, before it
    for those that it found.

    After `fit`, `rows` holds a dictionary for each measurement, with the
    `epoch` and the `step` (from 0, counted in this fit) before which it was
    taken. The cost of one is that of a `Probe`.

    Example:

    ```python
    diagnostics = Diagnostics(
        old=(x_old, y_old), new=(x_new, y_new), data=x_new
    )
    history = model.fit(x_all, y_all, epochs=2, callbacks=[diagnostics])
    print(history.history["gradient_norm_ratio"])
    ```

    Args:
        old: Samples that the model has been trained on; see `Probe`. Defaults
            to `None`.
        new: Samples that have just arrived. Defaults to `None`.
        data: Samples for the measures of outputs. Defaults to `None`.
        measures: Names of measures. Defaults to `None`: all that the model
            and the given samples allow.
        every: `"epoch"`, or a positive number of steps; with
            `steps_per_execution`, at the first execution that begins at such
            a step or after it. Defaults to `"epoch"`.
        on_measure: Function of the step and the values by name. Defaults to
            `None`.
        keywords: Further ones of `Probe`, such as `batch_size`.

    Raises:
        ValueError: If an argument is out of its range; at the beginning of
            `fit`, if the model does not go with it.
    """

    def __init__(
        self,
        old=None,
        new=None,
        data=None,
        measures=None,
        *,
        every: str | int = "epoch",
        on_measure: Callable[[int, dict], None] | None = None,
        **keywords,
    ):
        super().__init__()
        _check_every(every)
        self.every = every
        self._on_measure = on_measure
        samples = {"old": old, "new": new, "data": data, "measures": measures}
        self._arguments = {**samples, **keywords}
        self._probe = None
        self._begin()

    def on_train_begin(self, logs=None):
        self._begin()
        # Another fit of the same model needs no other trace.
        made_for = (self.model, getattr(self.model, "loss", None))
        if self._probe is None or self._made_for != made_for:
            self._probe = probes.Probe(self.model, **self._arguments)
            self._made_for = made_for

    def on_epoch_begin(self, epoch, logs=None):
        if self._epoch is None:
            self._probe.start()
        self._epoch, self._last = epoch, -1
        if self.every == "epoch":
            self._measure(self._first)

    def on_train_batch_begin(self, batch, logs=None):
        # To count at the ends of steps would make Keras wait for each.
        self._last = batch
        step = self._first + batch
        if self.every != "epoch" and step >= self._due:
            self._due = (step // self.every + 1) * self.every
            self._measure(step)

    def on_epoch_end(self, epoch, logs=None):
        steps = self._last + self.model.steps_per_execution
        self._first += self.params.get("steps") or steps
        if logs is not None:
            logs.update(self._latest)

    def _begin(self) -> None:
        self.rows = []
        self._latest = {}
        self._epoch = None
        self._first = self._due = 0  # steps before this epoch, next to measure

    def _measure(self, step: int) -> None:
        if keras.backend.backend() == "jax":
            # Within an epoch the values are with the trainer.
            self.model.jax_state_sync()
        self._latest = self._probe()
        row = {"epoch": self._epoch, "step": step}
        self.rows.append({**row, **self._latest})
        if self._on_measure is not None:
            self._on_measure(step, dict(self._latest))


def _check_every(every) -> None:
    if every == "epoch":
        return
    if not checks.is_whole(every) or every < 1:
        raise ValueError(
            "`every` must be 'epoch' or a positive number of steps. "
            f"Received: every={every!r}."
        )
