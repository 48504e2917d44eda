"""Delays an action until the next batch of a fit exists.

Keras may begin a batch before it fetches the batch. At that moment the data may
have ended, and a model that its first batch builds has no weights yet.
"""

from collections.abc import Callable

import keras
from keras import ops

from ws_keras import _keras


def when_built(model: keras.Model, function: Callable[[], None]) -> None:
    """Calls a function after the first batch has built a model.

    The call comes before the step on that batch. If Keras cannot build the
    model from the shapes of the batch, it comes after the step.

    Args:
        model: Unbuilt model within `fit`.
        function: Function without arguments.
    """

    def first(train, iterator):
        try:
            # Keras does the same on its other backends.
            _keras.build_for_batch(model, iterator)
        except Exception:  # the model has a custom training step
            logs = train(iterator)
            function()
            return logs
        function()
        return train(iterator)

    _instead(model, first)


def unless_over(model: keras.Model, variables: list, function) -> None:
    """Calls a function before the next step, and undoes it without a step.

    Args:
        model: Model within `fit` on data of unknown length.
        variables: Variables that the function changes. They are copied.
        function: Function without arguments. It returns a function that undoes
            its other changes.
    """
    if keras.backend.backend() == "jax":
        # TensorFlow captures the values before the batch. If there is no
        # batch, it restores those of the last step.
        undo = function()

        def step(train, *given):
            try:
                return train(*given)
            except StopIteration:
                undo()
                raise

        _instead(model, step)
        return
    import tensorflow as tf

    def next_one(train, iterator):
        kept = [ops.convert_to_numpy(v).copy() for v in variables]
        undo = function()
        try:
            return train(iterator)
        except (tf.errors.OutOfRangeError, StopIteration):
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)
            undo()
            raise

    _instead(model, next_one)


def comes_late() -> bool:
    """Whether the backend begins a batch before it fetches the batch."""
    return keras.backend.backend() in ("tensorflow", "jax")


def _instead(model, function: Callable) -> None:
    """Replaces the training step of a model by a function, for one call."""
    train = model.train_function

    def once(*given):
        model.train_function = train
        return function(train, *given)

    model.train_function = once
