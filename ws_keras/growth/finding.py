"""The layer that is to grow, and what may not."""

import keras

from ws_keras.growth import rebuilding
from ws_keras.transforms import variables

_MERGE = (
    "Save its weights, which merges LoRA into them, and load these into a "
    "model without LoRA."
)


def layer(model, named) -> keras.layers.Layer:
    """Returns a layer of a model.

    Args:
        model: Built model whose layers have plain float weights.
        named: The layer or its name; that of a nested model's layer may
            have the model's before it, as in `"body/head"`.

    Returns:
        The layer.

    Raises:
        ValueError: If there is none or are several of this name, the model
            is not built, or a layer is quantized or has LoRA enabled.
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
            "`layer` must be the name of one layer. Received: "
            f"layer={named!r}, the name of {len(meant) or 'none'} of them. "
            f"Layers with weights are {names}"
            f"{'; give the layer itself' if meant else ''}."
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
