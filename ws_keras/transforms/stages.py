"""Finds the last layer of a network, and groups its layers by depth."""

import re

import keras

_OURS = re.compile(r"(stem|stage\d+|hidden\d+|logits)(_\w+)?")
_NORMS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)


def head(model: keras.Model) -> keras.layers.Layer:
    """Returns the last layer with weights, which gives the logits.

    Raises:
        ValueError: If no layer has trainable weights.
    """
    found = weighted(model)
    if not found:
        raise ValueError(
            "The model must have a layer with trainable weights. "
            f"Received: {model.name!r}, which has none."
        )
    return found[-1]


def stages(model: keras.Model) -> list[list[keras.layers.Layer]]:
    """Returns the layers with weights, one list per stage of the network.

    In the package's networks, a stage is the stem or a stage of the residual
    network, a hidden layer of the MLP, or the last layer. In other networks, a
    stage is a layer with the normalization that follows it.
    """
    layers, found = weighted(model), {}
    names = [_OURS.fullmatch(layer.name) for layer in layers]
    if layers and all(names):
        for name, layer in zip(names, layers, strict=True):
            found.setdefault(name[1], []).append(layer)
        return list(found.values())
    for layer in layers:
        if not found or not isinstance(layer, _NORMS):
            found[layer] = []
            last = layer
        found[last].append(layer)
    return list(found.values())


def weighted(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers with trainable weights, without nesting."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += weighted(layer)
        elif layer.trainable_weights:
            found.append(layer)
    return found
