"""Finds the variables that layers update during training."""

import inspect
import itertools
import weakref
from typing import Any

import keras

from ws_keras import _keras
from ws_keras.transforms import graphs
from ws_keras.transforms import isolation


def updated(model: keras.layers.Layer, candidates: list) -> set[int]:
    """Returns the variables that a call in training mode assigns.

    These include the moments of a `BatchNormalization`, even of a frozen one,
    unless the model always runs it in inference mode (`norm(x,
    training=False)`). They do not include tables, fixed projections and buffers
    that the user assigns.

    The call is symbolic and has no side effects. If a model cannot be called (a
    model with a custom training step and no `call`), its parts are called
    instead. A part that cannot be called counts as updating nothing.

    Args:
        model: Built model or layer.
        candidates: Variables to check.

    Returns:
        The `id` of each candidate that is assigned.
    """
    wanted = {id(variable): variable for variable in candidates}
    known_wanted, found = _KNOWN.get(model, (None, None))
    if known_wanted != wanted.keys():
        found = set()
        if wanted:
            with _keras.all_trainable(model), isolation.isolated(0):
                found = _of(model, wanted) - _in_inference_mode(model)
        # Cached, because the call takes longer than the rest of a transform.
        _KNOWN[model] = set(wanted), found
    return found


# For each model: the candidates of the call, and the updated variables.
_KNOWN = weakref.WeakKeyDictionary()


def _of(layer, wanted: dict) -> set[int]:
    for dtype in (keras.config.floatx(), "int32"):
        watch = _Watch(layer, wanted)
        try:
            arguments, keywords = _inputs(layer, dtype)
            watch.compute_output_spec(*arguments, **keywords)
            return watch.found
        except Exception:  # layers raise many types
            continue
    parts = _keras.parts(layer)
    return set().union(*(_of(part, wanted) for part in parts))


def _in_inference_mode(model) -> set[int]:
    """Returns the variables that a graph uses in inference mode only.

    Calling a graph in training mode overrides the `training=False` with which a
    layer was added to it. This function restores that information.
    """
    found, visited = {False: set(), True: set()}, set()

    def visit(graph, inference: bool):
        visited.add(id(graph))
        for node in itertools.chain(*_keras.nodes(graph).values()):
            layer = node.operation
            mode = inference or _is_given_false(node)
            part = graphs.functional(layer)
            if part is not None:
                visit(part, mode)
            elif isinstance(layer, keras.layers.Layer):
                found[mode].update(map(id, layer.variables))

    for graph in map(graphs.functional, _keras.all_layers(model)):
        if graph is not None and id(graph) not in visited:
            visit(graph, inference=False)
    return found[True] - found[False]


def _is_given_false(node) -> bool:
    """Whether a layer was called with `training=False` in a graph."""
    if node.arguments.kwargs.get("training") is not False:
        return False
    # Keras records the default of `call` as if the user had passed it.
    default = inspect.signature(node.operation.call).parameters.get("training")
    return default is None or default.default is not False


class _Watch(keras.Operation):
    """Calls a layer in training mode and records assigned variables."""

    def __init__(self, layer, wanted: dict):
        super().__init__(name="watch")
        self._layer, self._wanted = layer, wanted
        self.found = set()

    def call(self, *arguments, **keywords):
        with keras.StatelessScope() as scope:
            outputs = self._layer(*arguments, **keywords, training=True)
        self.found.update(
            key
            for key, variable in self._wanted.items()
            if scope.get_current_value(variable) is not None
        )
        return outputs


def _inputs(layer, dtype: str) -> tuple[tuple, dict]:
    """Returns symbolic arguments for a call of a layer.

    `dtype` is used if the layer does not know the dtype of its inputs.
    """
    graph = graphs.functional(layer)
    if graph is not None:
        return (_keras.graph_inputs(graph),), {}
    config = layer.get_build_config()
    if "input_shape" in config:
        return (_symbols(config["input_shape"], dtype),), {}
    shapes = config["shapes_dict"].items()
    return (), {k.removesuffix("_shape"): _symbols(s, dtype) for k, s in shapes}


def _symbols(shapes: Any, dtype: str) -> Any:
    """Replaces each shape in a structure by a symbolic tensor."""
    if shapes is None:
        return None
    if isinstance(shapes, dict):
        return {key: _symbols(shape, dtype) for key, shape in shapes.items()}
    if all(size is None or isinstance(size, int) for size in shapes):
        return keras.KerasTensor(tuple(shapes), dtype)
    return [_symbols(shape, dtype) for shape in shapes]
