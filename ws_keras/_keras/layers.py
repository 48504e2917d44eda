"""Layers and their variables."""

import contextlib
from collections.abc import Iterator

from ws_keras._keras.gone import needed


def all_layers(layer) -> list:
    """Returns a layer and all layers within it, at any depth.

    Reason: `model.layers` holds only the first level.
    If gone: `Gone`.
    """
    return list(needed(layer, "_flatten_layers")())


def parts(layer) -> list:
    """Returns the layers directly within a layer.

    Reason: only a model has `layers`; a layer has no public list of parts.
    If gone: `Gone`.
    """
    flatten = needed(layer, "_flatten_layers")
    return list(flatten(include_self=False, recursive=False))


def own_weights(layer) -> list:
    """Returns the trainable weights that a layer itself created.

    Reason: `trainable_variables` includes those of sublayers and is empty if
    the layer is frozen.
    If gone: `Gone`.
    """
    return needed(layer, "_trainable_variables")


def own_others(layer) -> list:
    """Returns the other variables that a layer itself created.

    Reason: `non_trainable_variables` includes those of sublayers, and the
    weights if the layer is frozen.
    If gone: `Gone`.
    """
    return needed(layer, "_non_trainable_variables")


def own_generators(layer) -> list:
    """Returns the seed generators that a layer itself holds.

    Reason: `variables` mixes their states with those of sublayers.
    If gone: `Gone`.
    """
    return needed(layer, "_seed_generators")


@contextlib.contextmanager
def all_trainable(layer) -> Iterator[None]:
    """Makes frozen layers behave as if they were trainable.

    Reason: the setter of `trainable` also changes the layer's variables, so
    that setting it back does not undo the change.
    If gone: `Gone`.
    """
    kept = [(part, needed(part, "_trainable")) for part in all_layers(layer)]
    for part, _ in kept:
        vars(part)["_trainable"] = True
    try:
        yield
    finally:
        for part, trainable in kept:
            vars(part)["_trainable"] = trainable


def initializer(variable):
    """Returns the initializer of a variable that has no value yet.

    Reason: no public attribute holds it.
    If gone: `Gone`; new layers are then built with their values.
    """
    return needed(variable, "_initializer")


def rename(variable, path: str) -> None:
    """Gives a variable the path of another variable.

    Reason: `path` cannot be set, and some optimizers depend on it.
    If gone: the variable keeps its path. Such an optimizer may then have other
    variables, which `initial_state.of` rejects.
    """
    variable._path = path


def head_projections(attention) -> tuple:
    """Returns the value and the output projection of an attention layer.

    Reason: they have no public name.
    If gone: `Gone`.
    """
    return needed(attention, "_value_dense"), needed(attention, "_output_dense")


def build_shapes(model) -> dict:
    """Returns the shapes that a model was built with, by argument.

    Reason: `get_build_config` fails for some custom models.
    If gone: empty, and the shapes of inputs count as unknown.
    """
    return getattr(model, "_build_shapes_dict", None) or {}


def lambda_shape(layer):
    """Returns the `output_shape` of a `Lambda` layer.

    Reason: its config holds a serialized form.
    If gone: `Gone`.
    """
    return needed(layer, "_output_shape")
