"""Resets and measures layer statistics, such as batch-norm moments."""

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
    """Raises a ValueError if a policy is unknown or does not match `data`."""
    if policy is not None and policy not in POLICIES:
        raise ValueError(
            f"`statistics` must be one of {list(POLICIES)}. "
            f"Received: statistics={policy!r}."
        )
    if policy == "recalibrate" and data is None:
        raise ValueError(
            "`statistics='recalibrate'` needs `data` on which to measure the "
            f"statistics. Received: statistics={policy!r}, data=None."
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
    """Measures batch-norm moments on data, without changing the weights.

    Batch norm normalizes by the moments of each batch during training, and by
    moving averages of these moments in inference. After a short fit, or a fit
    whose weights changed fast until its end, the averages belong to outdated
    weights. The model can then be far less accurate in inference than in
    training. Measuring the moments in one pass over training data corrects
    this.

    Each sample has the same weight: the new moments are the average over the
    batches, weighted by their sizes. The model runs in training mode, so
    dropout is active. Only the moments of batch norm change; the seeds of
    dropout do not. Layers that are frozen, or that the model calls with
    `training=False`, keep their moments. The moments depend on the batch size:
    use the batch size of the training.

    Example:

    ```python
    model.fit(x, y, epochs=5)
    ws_keras.recalibrate(model, x)
    ```

    Args:
        model: Built `keras.Model`.
        data: Training data in the form that `fit` accepts: an array, or a dict
            or list with one array per input; a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, or any iterable of batches. The first item
            of a tuple, such as `(x, y)`, is used.
        batch_size: Samples per batch if `data` consists of arrays. `None` means
            32, as in `fit`. Defaults to `None`.
        max_batches: Maximum number of batches, or `None` for all. The batches
            are drawn at random from arrays, spread evenly over lists and
            `PyDataset` objects, and the first ones of other data. Defaults to
            100.

    Returns:
        The names of the measured layers. The list is empty if the model has no
        batch norm.

    Raises:
        ValueError: If the model is not built, if there is no batch, or if the
            model does not accept a batch. Nothing has changed in these cases.
        NotFinite: If a moment is NaN or infinite. Nothing has changed.
    """
    variables.check_built(model)
    read = batches.Batches(model, data, batch_size, max_batches)
    measured = measure(model, read)
    assign(measured)
    return [norm.name for norm in measured]


def assign(measured: dict) -> None:
    """Assigns the result of `measure`."""
    for values in measured.values():
        for variable, value in values:
            variable.assign(value)


def measure(model: keras.Model, data: Iterable) -> dict:
    """Measures batch-norm moments on batches, without side effects.

    Args:
        model: Built model.
        data: Batches of model inputs; see `recalibrate`.

    Returns:
        A dict from each measured layer to pairs of a variable and its new
        value.

    Raises:
        ValueError: If the model does not accept a batch.
        NotFinite: If a moment is NaN or infinite.
    """
    norms = trained_norms(model)
    # A pass in training mode also draws seeds, and layers such as
    # SpectralNormalization write their weights. The scope discards this.
    state = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_gradients())
        for norm in norms:
            stack.enter_context(_averaging(norm))
        for number, inputs in enumerate(data):
            with keras.StatelessScope(list(state.values())) as scope:
                _pass(model, inputs, number)
            if not norms:
                break  # one batch shows whether the model accepts the data
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
    """Returns the batch-norm layers whose moments training updates."""
    return [
        layer
        for layer in _keras.all_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]


def moments(norm) -> list:
    """Returns the variables that hold the moments of a batch-norm layer."""
    # With `renorm`, the variance is derived from the third variable.
    names = ("moving_mean", "moving_variance", "moving_stddev")
    found = [getattr(norm, name, None) for name in names]
    return [variable for variable in found if variable is not None]


def _pass(model, inputs, number: int) -> None:
    try:
        model(inputs, training=True)
    except Exception as error:  # layers raise many types
        raise ValueError(
            "`data` must hold batches that the model accepts. A tuple means "
            "(inputs, ...). Received: batch "
            f"{number} of type {type(inputs).__name__} "
            f"({errors.reason(error)})."
        ) from error


def _check_finite(variable, value) -> None:
    if not ops.convert_to_numpy(ops.all(ops.isfinite(value))):
        raise errors.NotFinite(
            "`data` must give finite statistics. Received: NaN or infinity "
            f"for {variable.path!r}. Check the data and the weights."
        )


def _without_gradients():
    """Disables gradients, so that PyTorch keeps no graph of each batch."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


@contextlib.contextmanager
def _averaging(norm):
    """Gives each sample the same weight, over all calls of a layer."""
    call, momentum = norm.call, norm.momentum
    before = 0

    def counted(inputs, training=None, **keywords):
        nonlocal before
        if training:
            if not before:
                # Multiplication by 0 would keep NaN.
                for variable in moments(norm):
                    variable.assign(ops.zeros(variable.shape))
            # Elements, not samples: images may differ in size.
            size = math.prod(inputs.shape)
            norm.momentum = before / (before + size) if size else 1.0
            before += size
        return call(inputs, training=training, **keywords)

    # Bypasses Keras' `__setattr__` temporarily, without side effects.
    vars(norm)["call"] = counted
    try:
        yield
    finally:
        del vars(norm)["call"]
        norm.momentum = momentum
