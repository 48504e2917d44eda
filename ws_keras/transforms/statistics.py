"""What layers measure while they train, such as batch-norm moments."""

import contextlib
import math
from collections.abc import Iterable

import keras
from keras import ops

from ws_keras import _keras
from ws_keras.transforms import batches
from ws_keras.transforms import errors
from ws_keras.transforms import variables

POLICIES = ("keep", "reset", "recalibrate")


def check_policy(policy: str, data) -> None:
    """Raises a ValueError for an unknown policy or one without its data."""
    if policy is not None and policy not in POLICIES:
        raise ValueError(
            f"`statistics` must be one of {list(POLICIES)}. "
            f"Received: statistics={policy!r}."
        )
    if policy == "recalibrate" and data is None:
        raise ValueError(
            "`statistics='recalibrate'` needs `data` to measure the "
            f"statistics on. Received: statistics={policy!r}, data=None."
        )
    if policy in ("keep", "reset") and data is not None:
        raise ValueError(
            "`data` is used to measure statistics, but "
            f"`statistics={policy!r}` does not measure them. Received: "
            f"statistics={policy!r}, data={type(data).__name__}. Leave one of "
            "them out."
        )


def recalibrate(
    model: keras.Model,
    data,
    batch_size: int | None = None,
    max_batches: int | None = batches.MOST,
) -> list[str]:
    """Measures batch-norm moments anew on data, with the weights still.

    Batch norm normalizes by the moments of the batch while it trains, and by
    moving averages of them when the model is used. After a short fit, or one
    whose weights still moved fast at its end, these averages belong to
    weights that are gone, and the model may be far worse in use than it was
    in training. One pass over training data mends that.

    Each sample counts the same: the moments become the average of those of
    the batches, weighted by their sizes. Dropout, and whatever else depends
    on training mode, is on, as in training. Nothing but the moments of batch
    norm changes, the seeds of dropout included. Layers that are frozen, or
    that the model calls with `training=False`, keep theirs. The moments are
    those of batches as given: use the batch size of the training.

    Example:

    ```python
    model.fit(x, y, epochs=5)
    ws_keras.recalibrate(model, x)
    ```

    Args:
        model: Built `keras.Model`.
        data: Training data, as `fit` takes them: an array, or a dict or list of
            one for each input; a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, or any iterable of batches. Of a tuple,
            such as `(x, y)`, the first item counts.
        batch_size: Samples in a batch, where `data` are arrays. `None` means
            32, as in `fit`.
        max_batches: The most batches to measure on, `None` for all. Of
            arrays it is a random part, of a list and of a `PyDataset` every
            so many batches, of other data the first ones. Defaults to 100.

    Returns:
        The names of the layers that were measured; none where the model has
        no batch norm.

    Raises:
        ValueError: If the model is not built, there is no batch, or the
            model does not take one; nothing has changed then.
        NotFinite: If a moment is nan or infinite; likewise.
    """
    variables.check_built(model)
    read = batches.Batches(model, data, batch_size, max_batches)
    measured = measure(model, read)
    assign(measured)
    return [norm.name for norm in measured]


def assign(measured: dict) -> None:
    """Writes what `measure` has returned."""
    for values in measured.values():
        for variable, value in values:
            variable.assign(value)


def measure(model: keras.Model, data: Iterable) -> dict:
    """Measures batch-norm moments on batches of inputs, and changes nothing.

    Args:
        model: Built model.
        data: Batches of model inputs; see `recalibrate`.

    Returns:
        A dict from each layer that was measured to pairs of a variable and
        its new value.

    Raises:
        ValueError: If the model does not take a batch.
        NotFinite: If a moment is nan or infinite.
    """
    norms = trained_norms(model)
    # A scope without side effects: a pass in training mode also draws seeds,
    # and layers such as SpectralNormalization even write their weights.
    state = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_gradients())
        for norm in norms:
            stack.enter_context(_averaging(norm))
        for number, inputs in enumerate(data):
            with keras.StatelessScope(list(state.values())) as scope:
                _pass(model, inputs, number)
            if not norms:
                break  # that the model takes the data is all there is to see
            for variable in model.non_trainable_variables:
                value = scope.get_current_value(variable)
                if value is not None:
                    state[id(variable)] = (variable, value)
    measured = {}
    for norm in norms:
        found = [state[id(v)] for v in moments(norm) if id(v) in state]
        for variable, value in found:
            _check_finite(variable, value)
        if found:
            measured[norm] = found
    return measured


def trained_norms(model: keras.Model) -> list:
    """Returns the batch-norm layers whose moments training may measure."""
    return [
        layer
        for layer in _keras.all_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]


def moments(norm) -> list:
    """Returns the variables that hold the moments of a batch-norm layer."""
    # With `renorm` the variance is derived from the third of them.
    names = ("moving_mean", "moving_variance", "moving_stddev")
    found = [getattr(norm, name, None) for name in names]
    return [variable for variable in found if variable is not None]


def _pass(model, inputs, number: int) -> None:
    try:
        model(inputs, training=True)
    except Exception as error:  # of any layer, in many ways
        raise ValueError(
            "`data` must hold batches of what the model takes, a tuple "
            "counting as (inputs, ...). Received: batch "
            f"{number} of type {type(inputs).__name__} "
            f"({errors.reason(error)})."
        ) from error


def _check_finite(variable, value) -> None:
    if not ops.convert_to_numpy(ops.all(ops.isfinite(value))):
        raise errors.NotFinite(
            "`data` must give finite statistics. Received: nan or infinity "
            f"for {variable.path!r}. Look at the data and at the weights."
        )


def _without_gradients():
    """Averages would keep PyTorch's graph of each batch."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


@contextlib.contextmanager
def _averaging(norm):
    """Lets each sample count the same, in whichever call of a layer."""
    call, momentum = norm.call, norm.momentum
    before = 0

    def counted(inputs, training=None, **keywords):
        nonlocal before
        if training:
            if not before:
                # No factor makes nan a zero.
                for variable in moments(norm):
                    variable.assign(ops.zeros(variable.shape))
            # Elements instead of samples: images may differ in size.
            size = math.prod(inputs.shape)
            norm.momentum = before / (before + size) if size else 1.0
            before += size
        return call(inputs, training=training, **keywords)

    # Past Keras' `__setattr__`, for a moment and without a trace.
    vars(norm)["call"] = counted
    try:
        yield
    finally:
        del vars(norm)["call"]
        norm.momentum = momentum
