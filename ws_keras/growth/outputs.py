"""More classes: a last layer with more units."""

import secrets
import warnings
from collections.abc import Callable

import keras

from ws_keras import _keras
from ws_keras import checks
from ws_keras import seeds
from ws_keras.growth import carrying
from ws_keras.growth import finding
from ws_keras.growth import rebuilding
from ws_keras.transforms import arrays
from ws_keras.transforms import isolation

# What each kind of layer calls the number of its outputs.
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
    """Returns a model with more outputs, for classes that arrive late.

    The weights of the old outputs stay, and those of the new ones are drawn
    from the layer's own initializers. So the old classes have the same logits
    as before; their probabilities change, because the new ones take a share.
    The optimizer goes on: its slots keep the old part, the new part starts
    as in a new optimizer, and iterations and learning rate are carried over,
    as are loss, metrics and which layers are frozen. The old model stays as
    it is.

    Example:

    ```python
    larger = grow_outputs(model, model.layers[-1], 3)  # had 2
    larger.fit(x_new, y_new)  # labels 0, 1 and 2
    ```

    Args:
        model: Built model: functional, sequential, or another one that Keras
            can build from its config. It may hold nested models and layers
            that are used several times.
        layer: A `Dense` layer, or a convolution whose filters are the
            classes; or its name (`"body/logits"` in a nested model).
        units: Number of outputs afterwards, more than there are.
        seed: Non-negative integer that fixes the new weights. Defaults to
            `None`, another one at each call.
        build_fn: Function without arguments that builds the larger model,
            for one that cannot be built from its config. The new part keeps
            the values that it gives. Defaults to `None`.

    Returns:
        A new model, compiled if the old one is.

    Raises:
        ValueError: If the layer is of another kind or unknown, `units` is
            not larger, a later layer would have other weights, a layer is
            quantized or has LoRA enabled, or the model cannot be built.

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
        A layer that `grow_outputs` takes; activations and the like may come
        behind it.

    Raises:
        ValueError: If there is none, or several may be meant.
    """
    found = _behind(model)
    if len(found) != 1:
        names = [layer.name for layer in found]
        raise ValueError(
            "A model must have one last layer that `grow_outputs` can make "
            f"larger. Received: {model.name!r} with {names or 'none'}. Make "
            "it larger in Python, by `ws_keras.grow_outputs(model, layer, "
            "units)`, and save it."
        )
    return found[0]


def _behind(model) -> list:
    """Returns the layers that make a model's outputs."""
    tensors = getattr(model, "outputs", None)
    if not tensors:
        units = [p for p in rebuilding.parts(model)[1:] if _is_known(p)]
        return units[-1:]  # as a class calls them, in most of them
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
        warnings.warn(
            f"The layer {layer.name!r} is frozen, so that its new weights "
            "stay as they are drawn. Unfreeze it to train them.",
            stacklevel=3,
        )


def _field(layer) -> str:
    for kind, field in _SIZES:
        if isinstance(layer, kind) and getattr(layer, "groups", 1) == 1:
            return field
    raise ValueError(
        "`layer` must be a Dense layer or a convolution without groups, each "
        "of whose outputs has weights of its own. Received: "
        f"{layer.name!r} ({type(layer).__name__})."
    )
