"""What is to happen with the next batch of a fit, once it is really there.

Keras may begin a batch before it has been fetched: at that moment there may
be no batch any more, and a model that its first batch builds has no weights.
"""

from collections.abc import Callable

import keras
from keras import ops

from ws_keras import _keras


def when_built(model: keras.Model, function: Callable[[], None]) -> None:
    """Calls a function when the first batch has built a model.

    Before the step on that batch; after it where Keras cannot build the model
    from the shapes of the batch alone.

    Args:
        model: Unbuilt model within `fit`.
        function: Function without arguments.
    """

    def first(train, iterator):
        try:
            # As Keras itself does on its other backends.
            _keras.build_for_batch(model, iterator)
        except Exception:  # of a model with a training step of its own
            logs = train(iterator)
            function()
            return logs
        function()
        return train(iterator)

    _instead(model, first)


def unless_over(model: keras.Model, variables: list, function) -> None:
    """Calls a function before the next step, and undoes it if there is none.

    Args:
        model: Model within `fit` on data of unknown length.
        variables: What the function changes; a copy is held meanwhile.
        function: Function without arguments that returns one which undoes
            what else it has done.
    """
    if keras.backend.backend() == "jax":
        # It takes the values before the batch, and if there is none it goes
        # back to those of the last step.
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
    """Returns whether a batch begins before it has been fetched."""
    return keras.backend.backend() in ("tensorflow", "jax")


def _instead(model, function: Callable) -> None:
    """Has a function called once in place of the model's training step."""
    train = model.train_function

    def once(*given):
        model.train_function = train
        return function(train, *given)

    model.train_function = once
