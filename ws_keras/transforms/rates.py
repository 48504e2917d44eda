"""Finds the learning rate that a model was compiled with."""

import contextlib
import inspect
import weakref
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from ws_keras import _keras
from ws_keras import callers

# A rate that a person has typed has few digits, and it is not far below the
# default rate of its optimizer.
_DIGITS = 2
_RATIO = 1000


class LearningRateLeft(UserWarning):
    """Callbacks of an earlier fit may have left the present learning rate."""


class Past:
    """How the last fit of a model changed its learning rate.

    Keras stores only the present rate. Callbacks that change it
    (`ReduceLROnPlateau`, `LearningRateScheduler`) record it in the history of
    the fit. If the optimizer had made no step before that fit, the first
    recorded rate is the compiled rate. A fit with `ShrinkPerturb` also stores
    the rates at its begin and end here.

    Attributes:
        present: Present rate, or `None` if it is not a single number.
        compiled: Rate that the model was compiled with, or `None` if unknown.

    Args:
        model: Model, outside of `fit` or before `fit` creates its history.
    """

    def __init__(self, model):
        self._optimizer = getattr(model, "optimizer", None)
        self.present = present(model)
        self.compiled = None
        self._steps = 0
        self._is_noted = False
        self._logged = []
        if self.present is None:
            return
        self._steps = _steps(self._optimizer)
        history = getattr(model, "history", None)
        logged = getattr(history, "history", {}).get(_NAME, ())
        self._logged = [float(rate) for rate in logged]
        noted, left = _NOTED.get(_core(self._optimizer), (None, None))
        if not self._steps:
            self.compiled = self.present
        elif noted is not None and self.present == left:
            self.compiled, self._is_noted = noted, True
        elif self._logged and self._steps == _batches(history):
            self.compiled = self._logged[0]

    def note(self) -> None:
        """Stores what is known at the end of a fit."""
        if self.present is not None:
            left = _rate(self._optimizer)
            _NOTED[_core(self._optimizer)] = (self.compiled, left)

    def restore(self) -> None:
        """Restores the compiled rate if the last fit left another one.

        A rate that was assigned after that fit is kept. If the compiled rate is
        unknown and the present rate looks like one that a callback has left, a
        warning says so.
        """
        if self.present is None or _rate(self._optimizer) != self.present:
            return  # a callback of this fit has set another rate
        if self._was_left():
            _core(self._optimizer).learning_rate = self.compiled
        elif self._looks_left():
            callers.warn(
                f"The learning rate stays at {self.present:.6g}, although the "
                "optimizer is reset. If a callback such as "
                "`ReduceLROnPlateau` has lowered it, set the rate that you "
                "want: `model.optimizer.learning_rate = ...`.",
                LearningRateLeft,
            )

    def _was_left(self) -> bool:
        """Whether the present rate belongs to the last fit."""
        if self.compiled is None or _same(self.present, self.compiled):
            return False
        if self._is_noted:
            return True
        rates = self._logged
        if any(_same(self.present, rate) for rate in rates):
            return True
        # A rate that changes at the end of the last epoch is not in its logs.
        pairs = zip(rates, rates[1:], strict=False)
        factors = [b / a for a, b in pairs if a and not _same(a, b)]
        return any(_same(self.present, rates[-1] * f) for f in factors)

    def _looks_left(self) -> bool:
        if not self._steps or self.compiled == self.present:
            return False
        if self.compiled is not None and self.present < self._logged[-1]:
            return True
        shown = np.format_float_scientific(np.float32(self.present), trim="-")
        digits = shown.partition("e")[0].replace(".", "")
        signature = inspect.signature(type(_core(self._optimizer)).__init__)
        given = signature.parameters.get("learning_rate")
        usual = getattr(given, "default", None)
        is_low = isinstance(usual, float) and self.present < usual / _RATIO
        return is_low or len(digits) > _DIGITS


def compiled(model) -> float | None:
    """Returns the learning rate that a model was compiled with.

    The rate is known before the first step. It is also known after one fit in
    this process whose callbacks recorded the rate in its history. A saved file
    does not contain it.

    Args:
        model: `keras.Model`, outside of `fit`.

    Returns:
        The rate, or `None` if it is unknown or not a single number.
    """
    return Past(model).compiled


def present(model) -> float | None:
    """Returns the present learning rate of a model.

    Args:
        model: `keras.Model`.

    Returns:
        The rate, or `None` without an optimizer, with several optimizers, or
        with a schedule, which depends on the optimizer's step count.
    """
    return _rate(getattr(model, "optimizer", None))


def past(model) -> Past | None:
    """Returns the `Past` that a reset uses, or `None`."""
    return _GIVEN[model] if model in _GIVEN else Past(model)


@contextlib.contextmanager
def given(model, past: Past | None) -> Iterator[None]:
    """Provides the `Past` of a model to resets within `fit`.

    Args:
        model: Model that is being fitted.
        past: Its `Past`, or `None` for a reset that keeps the rate.
    """
    _GIVEN[model] = past
    try:
        yield
    finally:
        del _GIVEN[model]


# For each optimizer: the compiled rate, and the rate at the end of a fit.
_NOTED = weakref.WeakKeyDictionary()
_GIVEN = weakref.WeakKeyDictionary()
_NAME = "learning_rate"


def _core(optimizer):
    return getattr(optimizer, "inner_optimizer", optimizer)


def _rate(optimizer) -> float | None:
    core = _core(optimizer)
    rate = _keras.rate(core)
    # A schedule is not a variable; nested optimizers have no single rate.
    if not isinstance(rate, keras.Variable) or not hasattr(core, _NAME):
        return None
    return float(ops.convert_to_numpy(rate))


def _steps(optimizer) -> int:
    return int(ops.convert_to_numpy(_keras.batches_seen(_core(optimizer))))


def _batches(history) -> int | None:
    """Returns the batches of a fit, if it began with its first epoch."""
    steps, epochs = history.params.get("steps"), history.epoch
    if not steps or not epochs or epochs[0] != 0:
        return None
    return steps * len(epochs)


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-5 * max(abs(a), abs(b))
