"""Finds the layers of a model that hold each variable."""

import keras

from ws_keras import _keras

# These layers create no weights of their own.
_BUILDS = (
    keras.layers.Layer.build,
    keras.Model.build,
    keras.Sequential.build,
)


def is_built(model: keras.layers.Layer) -> bool:
    """Returns whether the weights of a model exist.

    A model without a `call`, such as a pair of networks in a custom training
    step, counts as built if its parts are built.
    """
    if model.built and model.weights:
        return True  # it may have parts that are never called
    return not unbuilt(model) and (model.built or bool(model.weights))


def unbuilt(model: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Returns the layers whose weights do not exist yet."""
    return [
        layer
        for layer in _keras.all_layers(model)
        if not layer.built and type(layer).build not in _BUILDS
    ]


def located(model) -> list[tuple]:
    """Returns each variable of a model once, with the enclosing layers.

    Args:
        model: Model or layer.

    Returns:
        List of pairs of a variable and a tuple of layers, outermost first.
    """
    found, seen = [], set()
    for layers in _walk(model, (), set()):
        for variable in own_variables(layers[-1]):
            if id(variable) not in seen:
                seen.add(id(variable))
                found.append((variable, layers))
    return found


def own_variables(layer) -> list:
    """Returns the variables of a layer, without those of its sublayers."""
    return [
        *_keras.own_weights(layer),
        *_keras.own_others(layer),
        *(generator.state for generator in _keras.own_generators(layer)),
    ]


class Around:
    """Finds the owners and the enclosing layers of each variable."""

    def __init__(self, model):
        self._holders, self._parents = {}, {}
        for layers in _walk(model, (), set()):
            layer = layers[-1]
            for variable in own_variables(layer):
                self._holders.setdefault(id(variable), []).append(layer)
            for part in _keras.parts(layer):
                self._parents.setdefault(id(part), []).append(layer)

    def of(self, variable) -> tuple[tuple, tuple]:
        """Returns the owners of a variable, and all enclosing layers."""
        owners = list(self._holders[id(variable)])
        for holder in self._holders[id(variable)]:
            parents = self._parents.get(id(holder), [])
            if len(parents) > 1:
                # A layer that is part of another layer is tied to it.
                owners += [p for p in parents if not is_model(p)]
        around, rest = {}, owners
        while rest:
            around.update((id(layer), layer) for layer in rest)
            rest = [
                parent
                for layer in rest
                for parent in self._parents.get(id(layer), [])
                if id(parent) not in around
            ]
        return tuple(owners), tuple(around.values())


def is_model(layer) -> bool:
    """Whether a layer is a whole network, not a part that owns weights."""
    return isinstance(layer, keras.Model)


def place(variable, among: list) -> int | None:
    """Returns the index of a variable in a list, or `None` if absent."""
    ids = list(map(id, among))
    return ids.index(id(variable)) if id(variable) in ids else None


def _walk(layer, around: tuple, seen: set):
    if id(layer) in seen:
        return
    seen.add(id(layer))
    around = (*around, layer)
    yield around
    for part in _keras.parts(layer):
        yield from _walk(part, around, seen)
