"""Finds the layer to grow, and checks that the model can grow."""

import keras

from ws_keras.growth import rebuilding
from ws_keras.transforms import variables

_MERGE = (
    "Save its weights, which merges LoRA into them, and load these into a "
    "model without LoRA."
)


def layer(model, named) -> keras.layers.Layer:
    """Returns the layer of a model that a name or object refers to.

    Args:
        model: Built model whose layers have plain float weights.
        named: The layer or its name. The name of a layer in a nested model may
            include the name of that model, as in `"body/head"`.

    Returns:
        The layer.

    Raises:
        ValueError: If no layer or several layers have this name, if the model
            is not built, or if a layer is quantized or has LoRA enabled.
    """
    variables.check_built(model)
    _check_plain(model)
    found = rebuilding.parts(model)[1:]
    if isinstance(named, keras.layers.Layer):
        if not any(part is named for part in found):
            raise ValueError(
                "`layer` must be a layer of the model, or its name. Received: "
                f"{named.name!r}, which is in another model than "
                f"{model.name!r}."
            )
        return named
    meant = [part for part in found if part.name == named]
    if not meant and isinstance(named, str) and "/" in named:
        outer, _, rest = named.partition("/")
        return layer(layer(model, outer), rest)
    if len(meant) != 1:
        names = [part.name for part in found if part.weights]
        raise ValueError(
            "`layer` must be the name of exactly one layer. Received: "
            f"layer={named!r}, the name of {len(meant) or 'no'} layers. "
            f"Layers with weights are {names}"
            f"{'; pass the layer itself' if meant else ''}."
        )
    return meant[0]


def _check_plain(model) -> None:
    for part in rebuilding.parts(model):
        lora = getattr(part, "lora_enabled", False)
        kind = getattr(part, "quantization_mode", None)
        if lora or kind:
            what = "LoRA weights" if lora else f"{kind} weights"
            raise ValueError(
                "Layers must have plain float weights for a model to grow. "
                f"Received: layer {part.name!r} with {what}. "
                + (_MERGE if lora else "Grow it before it is quantized.")
            )
