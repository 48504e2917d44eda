"""Layers and their variables."""

import contextlib
from collections.abc import Iterator

from ws_keras._keras.gone import needed


def all_layers(layer) -> list:
    """Returns a layer and all layers within it, at any depth.

    Reason: `model.layers` has those of the first level alone.
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
    """Returns the weights that a layer itself made to be trained.

    Reason: `trainable_variables` has those of its parts as well, and is empty
    while the layer is frozen.
    If gone: `Gone`.
    """
    return needed(layer, "_trainable_variables")


def own_others(layer) -> list:
    """Returns the variables that a layer itself made not to be trained.

    Reason: `non_trainable_variables` has those of its parts, and the weights
    while the layer is frozen.
    If gone: `Gone`.
    """
    return needed(layer, "_non_trainable_variables")


def own_generators(layer) -> list:
    """Returns the seed generators that a layer itself holds.

    Reason: their states are in `variables` alone, beside those of the parts.
    If gone: `Gone`.
    """
    return needed(layer, "_seed_generators")


@contextlib.contextmanager
def all_trainable(layer) -> Iterator[None]:
    """Lets frozen layers do what they would do if they were not frozen.

    Reason: the setter of `trainable` changes the layer's variables too, so
    that it cannot be undone by itself.
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

    Reason: `add_weight` hands it on, and no public attribute has it.
    If gone: `Gone`; new layers are then built with their values.
    """
    return needed(variable, "_initializer")


def rename(variable, path: str) -> None:
    """Gives a variable the path of another one.

    Reason: `path` cannot be set, and some optimizers choose by it.
    If gone: the variable keeps its path, and such an optimizer may find other
    starts, which `starts.of` then refuses by their number.
    """
    variable._path = path


def head_projections(attention) -> tuple:
    """Returns the value and the output projection of an attention.

    Reason: they are attributes without a public name.
    If gone: `Gone`.
    """
    return needed(attention, "_value_dense"), needed(attention, "_output_dense")


def build_shapes(model) -> dict:
    """Returns the shapes that a model was built with, by argument.

    Reason: `get_build_config` fails for some models of a user's own.
    If gone: empty, and the shapes of inputs count as unknown.
    """
    return getattr(model, "_build_shapes_dict", None) or {}


def lambda_shape(layer):
    """Returns the `output_shape` that a `Lambda` was made with.

    Reason: its config has a serialized one.
    If gone: `Gone`.
    """
    return needed(layer, "_output_shape")
