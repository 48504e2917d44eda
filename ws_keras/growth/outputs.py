"""Adds outputs to a model, for new classes."""

import secrets
from collections.abc import Callable

import keras

from ws_keras import _keras
from ws_keras import callers
from ws_keras import checks
from ws_keras import seeds
from ws_keras.growth import carrying
from ws_keras.growth import finding
from ws_keras.growth import rebuilding
from ws_keras.transforms import arrays
from ws_keras.transforms import isolation

# For each kind of layer, the argument with the number of outputs.
_SIZES = (
    (keras.layers.Dense, "units"),
    (keras.layers.Conv1D, "filters"),
    (keras.layers.Conv2D, "filters"),
    (keras.layers.Conv3D, "filters"),
)


def grow_outputs(
    model: keras.Model,
    layer,
    units: int,
    *,
    seed: int | None = None,
    build_fn: Callable | None = None,
) -> keras.Model:
    """Creates a model with more outputs, for classes that arrive late.

    The weights of the old outputs are kept, and those of the new outputs are
    drawn from the layer's own initializers. Therefore the logits of the old
    classes do not change. Their probabilities change, because new classes take
    a share. The state of the optimizer is kept: slots of old weights,
    iterations and learning rate. Slots of new weights have their initial
    values. Loss, metrics and frozen layers are also kept. The old model is not
    changed.

    Example:

    ```python
    larger = grow_outputs(model, model.layers[-1], 3)  # had 2
    larger.fit(x_new, y_new)  # labels 0, 1 and 2
    ```

    Args:
        model: Built functional or `Sequential` model, or another model that
            Keras can build from its config. It may contain nested models and
            layers that are used several times.
        layer: `Dense` layer, or a convolution whose filters are the classes, or
            its name (`"body/logits"` in a nested model).
        units: New number of outputs, larger than the old one.
        seed: Non-negative integer that fixes the new weights. `None` uses a
            different seed for each call. Defaults to `None`.
        build_fn: Function without arguments that builds the larger model, for a
            model that cannot be built from its config. New weights keep the
            values that it creates. Defaults to `None`.

    Returns:
        A new model. It is compiled if the old one is.

    Raises:
        ValueError: If the layer is unknown or of another kind, if `units` is
            not larger, if a later layer would change its shape, if a layer is
            quantized or has LoRA enabled, or if the model cannot be built.

    Warns:
        UserWarning: If the layer is frozen, so that new weights stay random.
    """
    layer = finding.layer(model, layer)
    field = _field(layer)
    before = getattr(layer, field)
    if not checks.is_whole(units) or units <= before:
        raise ValueError(
            f"`units` must be an integer above {before}, the number of "
            f"outputs of {layer.name!r}. Received: units={units!r}."
        )
    if seed is not None:
        arrays.check_seed(seed)
    seed = secrets.randbits(31) if seed is None else seed
    change = rebuilding.Change(layer, field, int(units))
    with isolation.isolated(seeds.derive(seed, "grow")):
        new = rebuilding.rebuilt(model, [change], build_fn)
    warn_frozen(layer)
    sizes = (before, int(units))
    drawn = None if build_fn else seed
    carrying.carry(model, new, [layer], sizes, drawn)
    return new


def last(model: keras.Model):
    """Returns the layer whose outputs are the model's classes.

    Args:
        model: Built model with one output.

    Returns:
        A layer that `grow_outputs` accepts. Layers without weights, such as
        activations, may follow it.

    Raises:
        ValueError: If there is no such layer or more than one.
    """
    found = _behind(model)
    if len(found) != 1:
        names = [layer.name for layer in found]
        raise ValueError(
            "A model must have exactly one last layer that `grow_outputs` can "
            f"grow. Received: {model.name!r} with {names or 'none'}. Grow "
            "it in Python, by `ws_keras.grow_outputs(model, layer, "
            "units)`, and save it."
        )
    return found[0]


def _behind(model) -> list:
    """Returns the layers that produce a model's outputs."""
    tensors = getattr(model, "outputs", None)
    if not tensors:
        units = [p for p in rebuilding.parts(model)[1:] if _is_known(p)]
        return units[-1:]  # usually the last layer that a subclass calls
    found, rest = [], [_keras.maker(tensor) for tensor in tensors]
    while rest:
        operation = rest.pop()
        if isinstance(operation, keras.Model):
            found += _behind(operation)
        elif operation.weights if hasattr(operation, "weights") else ():
            found.append(operation)
        else:
            rest += _keras.makers(operation, only_last=True)
    unique = {id(layer): layer for layer in found}
    return [layer for layer in unique.values() if _is_known(layer)]


def _is_known(layer) -> bool:
    return isinstance(layer, tuple(kind for kind, _ in _SIZES))


def warn_frozen(layer) -> None:
    """Warns that the new weights of a frozen layer are never trained."""
    if not layer.trainable:
        callers.warn(
            f"The layer {layer.name!r} is frozen, so its new weights "
            "keep their random values. Unfreeze it to train them.",
        )


def _field(layer) -> str:
    for kind, field in _SIZES:
        if isinstance(layer, kind) and getattr(layer, "groups", 1) == 1:
            return field
    raise ValueError(
        "`layer` must be a Dense layer or a convolution without groups, in "
        "which each output has its own weights. Received: "
        f"{layer.name!r} ({type(layer).__name__})."
    )
