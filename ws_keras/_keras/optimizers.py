"""The state of optimizers."""

import contextlib
from collections.abc import Iterator

from ws_keras._keras.gone import needed


def trained_by(optimizer) -> list:
    """Returns the weights that an optimizer was built for, in their order.

    Reason: `variables` has its state alone.
    If gone: `Gone`.
    """
    return needed(optimizer, "_trainable_variables")


def own_state(optimizer) -> list:
    """Returns the state of an optimizer without that of one inside it.

    Reason: `variables` of a wrapper has both.
    If gone: `Gone`.
    """
    return needed(optimizer, "_variables")


def rate(optimizer):
    """Returns the learning rate, as a variable or a schedule, or `None`.

    Reason: `learning_rate` is the schedule's present value.
    If gone: `None`, and a reset leaves the rate alone.
    """
    return getattr(optimizer, "_learning_rate", None)


@contextlib.contextmanager
def with_rate(optimizer, schedule) -> Iterator[None]:
    """Puts a schedule in the place of an optimizer's learning rate.

    Reason: the setter of `learning_rate` drops the variable for good.
    If gone: `Gone`.
    """
    own, kept = vars(optimizer), needed(optimizer, "_learning_rate")
    own["_learning_rate"] = schedule
    try:
        yield
    finally:
        own["_learning_rate"] = kept


def batches_seen(optimizer):
    """Returns the variable that counts the batches of an optimizer.

    Reason: `iterations` is another number where gradients accumulate.
    If gone: `Gone`.
    """
    return needed(optimizer, "_iterations")


def averages(optimizer) -> list:
    """Returns the moving averages of weights, some of them `None`.

    Reason: `use_ema` has no public name for what it makes.
    If gone: empty, and averages are treated as other state.
    """
    return getattr(optimizer, "_model_variables_moving_average", None) or []


def ftrl_sums(optimizer) -> tuple[list, list]:
    """Returns the sums `accumulator` and `linear` of an `Ftrl`, by weight.

    Reason: `variables` has them without saying which is which.
    If gone: `Gone`.
    """
    return needed(optimizer, "_accumulators"), needed(optimizer, "_linears")


def adam_moments(optimizer, weight) -> tuple:
    """Returns the two moments of a weight in an `Adam`.

    Reason: `variables` has them without saying whose they are.
    If gone: `Gone`.
    """
    place = needed(optimizer, "_get_variable_index")(weight)
    names = ("_momentums", "_velocities")
    return tuple(needed(optimizer, name)[place] for name in names)
