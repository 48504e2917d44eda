"""Gives a compiled model the loss of an arm for the time of its training."""

import contextlib
from collections.abc import Iterator

import keras

from ws_keras import arms
from ws_keras.arms import hooks

# Functions that Keras has traced for a model.
_TRACED = ("train_function", "test_function", "predict_function")


@contextlib.contextmanager
def of(method: arms.Arm, model: keras.Model) -> Iterator[keras.Model]:
    """Yields the model that an arm trains, and restores the given model.

    Args:
        method: The arm.
        model: Compiled model with the initial weights of all arms.

    Yields:
        The given model, or the arm's own model, which shares all layers and the
        optimizer.

    Raises:
        ValueError: If the arm's own model cannot be compiled like the given
            one.
    """
    if not method.defines("losses"):
        yield model
        return
    kept = [(v, v.regularizer) for v in model.trainable_variables]
    traced = {name: getattr(model, name, None) for name in _TRACED}
    try:
        found = hooks.losses(method, model)
        if found is not None and found is not model:
            yield _compiled(found, model, method)
        else:
            _put(model, dict.fromkeys(_TRACED))
            yield model
    finally:
        for variable, regularizer in kept:
            variable.regularizer = regularizer
        _put(model, traced)


def _put(model: keras.Model, traced: dict) -> None:
    for name, function in traced.items():
        setattr(model, name, function)


def _compiled(
    found: keras.Model, model: keras.Model, method: arms.Arm
) -> keras.Model:
    try:
        found.compile_from_config(model.get_compile_config())
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"The arm {method.text!r} trains its own model, which must have "
            "the given loss and metrics. They must be those of Keras, or be "
            "registered with keras.saving. Received: "
            f"{str(error).splitlines()[0][:200]}"
        ) from None
    # The same optimizer, whose variables the caller restores.
    found.optimizer = model.optimizer
    return found
