"""The state of optimizers."""

import contextlib
from collections.abc import Iterator

from ws_keras._keras.gone import needed


def trained_by(optimizer) -> list:
    """Returns the weights that an optimizer was built for, in order.

    Reason: `variables` holds only its state.
    If gone: `Gone`.
    """
    return needed(optimizer, "_trainable_variables")


def own_state(optimizer) -> list:
    """Returns the state of an optimizer without that of a nested one.

    Reason: `variables` of a wrapper includes both.
    If gone: `Gone`.
    """
    return needed(optimizer, "_variables")


def rate(optimizer):
    """Returns the learning rate, as a variable or a schedule, or `None`.

    Reason: `learning_rate` returns the present value of a schedule.
    If gone: `None`, and a reset does not change the rate.
    """
    return getattr(optimizer, "_learning_rate", None)


@contextlib.contextmanager
def with_rate(optimizer, schedule) -> Iterator[None]:
    """Replaces the learning rate of an optimizer by a schedule.

    Reason: the setter of `learning_rate` discards the variable.
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

    Reason: `iterations` is another number if gradients accumulate.
    If gone: `Gone`.
    """
    return needed(optimizer, "_iterations")


def averages(optimizer) -> list:
    """Returns the moving averages of weights, some of them `None`.

    Reason: the averages of `use_ema` have no public name.
    If gone: empty, and averages are treated as other state.
    """
    return getattr(optimizer, "_model_variables_moving_average", None) or []


def ftrl_sums(optimizer) -> tuple[list, list]:
    """Returns the sums `accumulator` and `linear` of an `Ftrl`, by weight.

    Reason: `variables` holds them without their names.
    If gone: `Gone`.
    """
    return needed(optimizer, "_accumulators"), needed(optimizer, "_linears")


def adam_moments(optimizer, weight) -> tuple:
    """Returns the two moments of a weight in an `Adam`.

    Reason: `variables` does not say which weight they belong to.
    If gone: `Gone`.
    """
    place = needed(optimizer, "_get_variable_index")(weight)
    names = ("_momentums", "_velocities")
    return tuple(needed(optimizer, name)[place] for name in names)
