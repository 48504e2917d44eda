"""A compiled model while an arm trains it with a loss of its own."""

import contextlib
from collections.abc import Iterator

import keras

from ws_keras import arms

# What Keras has traced of a model.
_TRACED = ("train_function", "test_function", "predict_function")


@contextlib.contextmanager
def of(method: arms.Arm, model: keras.Model) -> Iterator[keras.Model]:
    """Gives the model that an arm trains, and undoes it after the block.

    Args:
        method: The arm.
        model: Compiled model, with the weights that all arms begin with.

    Yields:
        The model itself, or the one of the arm that shares all its layers
        and its optimizer.

    Raises:
        ValueError: If the arm needs a model of its own that cannot be
            compiled as the given one.
    """
    if not method.defines("losses"):
        yield model
        return
    kept = [(v, v.regularizer) for v in model.trainable_variables]
    traced = {name: getattr(model, name, None) for name in _TRACED}
    try:
        found = method.losses(model)
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
            f"The arm {method.text!r} trains a model of its own, which must "
            "be compiled as the given one: its loss and metrics must be of "
            "Keras, or registered with keras.saving. Received: "
            f"{str(error).splitlines()[0][:200]}"
        ) from None
    # The same one, whose variables the caller puts back.
    found.optimizer = model.optimizer
    return found
