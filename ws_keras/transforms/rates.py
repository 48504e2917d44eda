"""The learning rate that a model was compiled with, where it can be known."""

import contextlib
import inspect
import warnings
import weakref
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from ws_keras import _keras

# A rate that someone has typed has no more digits, and is not so far below
# the default of its optimizer.
_DIGITS = 2
_RATIO = 1000


class LearningRateLeft(UserWarning):
    """The learning rate may be what callbacks of an earlier fit have left."""


class Past:
    """What the last fit of a model has made of its learning rate.

    Keras keeps no rate but the present one. Callbacks that change it
    (`ReduceLROnPlateau`, `LearningRateScheduler`) note it in the history of
    their fit. If the optimizer had made no step before that fit, the first
    rate there is the one that the model was compiled with. A fit with
    `ShrinkPerturb` notes here what it began and ended with.

    Attributes:
        present: The present rate, `None` where there is not one number.
        compiled: The rate that the model was compiled with, `None` where it
            is not known.

    Args:
        model: Model, outside of `fit`, or before `fit` has made its history.
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
        """Keeps what is known for the time after a fit that ends now."""
        if self.present is not None:
            left = _rate(self._optimizer)
            _NOTED[_core(self._optimizer)] = (self.compiled, left)

    def restore(self) -> None:
        """Puts the compiled rate back where the last fit has left another.

        One that was assigned since stays. Where the compiled rate is not
        known, a warning names one that looks as if it had been left.
        """
        if self.present is None or _rate(self._optimizer) != self.present:
            return  # a callback of this fit has set another one
        if self._was_left():
            _core(self._optimizer).learning_rate = self.compiled
        elif self._looks_left():
            warnings.warn(
                f"The learning rate stays at {self.present:.6g}, and the "
                "state of the optimizer is reset. If a callback such as "
                "`ReduceLROnPlateau` has left it there, set the rate that "
                "you want: `model.optimizer.learning_rate = ...`.",
                LearningRateLeft,
                stacklevel=2,
            )

    def _was_left(self) -> bool:
        """Whether the present rate is one of the last fit, or its next one."""
        if self.compiled is None or _same(self.present, self.compiled):
            return False
        if self._is_noted:
            return True
        rates = self._logged
        if any(_same(self.present, rate) for rate in rates):
            return True
        # A rate that falls at the end of the last epoch is not in its logs.
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

    Known before the first step, and after one fit in this process whose
    callbacks noted the rate in its history; a file does not keep it.

    Args:
        model: `keras.Model`, outside of `fit`.

    Returns:
        The rate; `None` where it is not known, or not one number.
    """
    return Past(model).compiled


def present(model) -> float | None:
    """Returns the present learning rate of a model.

    Args:
        model: `keras.Model`.

    Returns:
        The rate; `None` without an optimizer, with several, and with a
        schedule, which follows the optimizer's count of steps.
    """
    return _rate(getattr(model, "optimizer", None))


def past(model) -> Past | None:
    """Returns the `Past` of a model that a reset is to act on, if any."""
    return _GIVEN[model] if model in _GIVEN else Past(model)


@contextlib.contextmanager
def given(model, past: Past | None) -> Iterator[None]:
    """Within `fit`, tells a reset what the fit before it has left.

    Args:
        model: The model that is fitted.
        past: Its `Past`; `None` for a reset that leaves the rate alone.
    """
    _GIVEN[model] = past
    try:
        yield
    finally:
        del _GIVEN[model]


# Of each optimizer: the compiled rate, and the one that a fit has left.
_NOTED = weakref.WeakKeyDictionary()
_GIVEN = weakref.WeakKeyDictionary()
_NAME = "learning_rate"


def _core(optimizer):
    return getattr(optimizer, "inner_optimizer", optimizer)


def _rate(optimizer) -> float | None:
    core = _core(optimizer)
    rate = _keras.rate(core)
    # A schedule is no variable; what holds several optimizers has no rate.
    if not isinstance(rate, keras.Variable) or not hasattr(core, _NAME):
        return None
    return float(ops.convert_to_numpy(rate))


def _steps(optimizer) -> int:
    return int(ops.convert_to_numpy(_keras.batches_seen(_core(optimizer))))


def _batches(history) -> int | None:
    """Number of batches of a fit, if it began with its first epoch."""
    steps, epochs = history.params.get("steps"), history.epoch
    if not steps or not epochs or epochs[0] != 0:
        return None
    return steps * len(epochs)


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-5 * max(abs(a), abs(b))
