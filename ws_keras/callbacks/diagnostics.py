"""Measures diagnostics of a network during `fit`."""

from collections.abc import Callable

import keras

from ws_keras import checks
from ws_keras.diagnostics import probe as probes


class Diagnostics(keras.callbacks.Callback):
    """Measures the model during `fit` without changing it.

    With or without this callback, `fit` ends with bitwise equal weights,
    statistics, optimizer state and random states. The measures are those of
    `ws_keras.Probe`. They are taken at the beginning of an epoch, before its
    first step, or at regular steps. `fit` logs them next to the metrics of the
    epoch, for `History` and for callbacks later in the list. If there are
    several measurements in an epoch, it logs the last one.

    `weight_correlation` compares with the weights at the beginning of `fit`.
    Put this callback after `ShrinkPerturb` to compare with the weights that
    training starts from, or before it to compare with those that it received.

    After `fit`, `rows` holds a dictionary for each measurement. It includes the
    `epoch` and the `step` (from 0, counted in this fit) before which it was
    taken. A measurement costs as much as a call of `Probe`.

    Example:

    ```python
    diagnostics = Diagnostics(
        old=(x_old, y_old), new=(x_new, y_new), data=x_new
    )
    history = model.fit(x_all, y_all, epochs=2, callbacks=[diagnostics])
    print(history.history["gradient_norm_ratio"])
    ```

    Args:
        old: Samples that the model was trained on before; see `Probe`. Defaults
            to `None`.
        new: Samples that have just arrived. Defaults to `None`.
        data: Samples for the measures of outputs. Defaults to `None`.
        measures: Names of measures. `None` means all that the model and the
            given samples permit. Defaults to `None`.
        every: `"epoch"`, or a positive number of steps. With
            `steps_per_execution`, the measurement is taken at the first
            execution that begins at or after such a step. Defaults to
            `"epoch"`.
        on_measure: Function of the step and the dictionary of values, called at
            each measurement. Defaults to `None`.
        keywords: Further arguments of `Probe`, such as `batch_size`.

    Raises:
        ValueError: If an argument is out of its range, or, at the beginning of
            `fit`, if the arguments do not match the model.
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
        # Another fit of the same model reuses the trace.
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
        # Counting at the end of steps would make Keras wait for each step.
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
            # Within an epoch the trainer holds the values.
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
