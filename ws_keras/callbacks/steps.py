"""Counts the optimizer steps of a fit."""

import keras
from keras import ops

from ws_keras.transforms import optimizers


def check_single(callback: keras.callbacks.Callback) -> None:
    """Raises a ValueError if the model runs several batches at a time."""
    count = callback.model.steps_per_execution
    if count not in (None, 1):
        raise ValueError(
            f"`{type(callback).__name__}` needs a model that runs one batch at "
            f"a time. Received: steps_per_execution={count}. Compile with "
            "`steps_per_execution=1`."
        )


def made(model: keras.Model) -> int:
    """Returns the step count of a model's optimizer."""
    return int(ops.convert_to_numpy(model.optimizer.iterations))


def in_epochs(
    model: keras.Model, batches: int | None, num_epochs: int
) -> int | None:
    """Returns the number of optimizer steps in some epochs.

    Args:
        model: Compiled model.
        batches: Number of batches per epoch, or `None` if unknown.
        num_epochs: Number of epochs.

    Returns:
        The number of steps, or `None` if unknown.
    """
    if batches is None:
        return None
    return num_epochs * batches // optimizers.accumulation(model.optimizer)


def resume(
    values: dict, model: keras.Model, batches: int | None, epoch: int
) -> None:
    """Sets the step count of a callback to that of the earlier epochs.

    The weights may come from a file without the callback's state, for example
    through `load_weights`.

    Args:
        values: State of the callback. `"offset"` is added to the optimizer's
            count, `"due"` is the count at the last check.
        model: Compiled model.
        batches: Number of batches per epoch, or `None` if unknown.
        epoch: First epoch of this fit.
    """
    if batches is None:
        return
    # Number of batches before the last check of the earlier fit.
    size = model.steps_per_execution or 1
    asked = batches * epoch - 1 - (batches - 1) % size
    values["offset"] = in_epochs(model, batches, epoch) - made(model)
    values["due"] = asked // optimizers.accumulation(model.optimizer)
