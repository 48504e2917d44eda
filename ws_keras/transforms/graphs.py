"""Represents a functional model as a list of calls, without nesting."""

import dataclasses
import itertools
from typing import Any

import keras

from ws_keras import _keras

# What a class may override to compute something else than its base.
_COMPUTING = ("call", "convolution_op", "kernel")


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer or another operation in a graph.

    `number` counts the calls of the same operation from 0, in the order in
    which the model makes them. Tensors are identified by numbers, which connect
    the outputs of one call with the inputs of later ones. Masks are not among
    the inputs.
    """

    operation: Any
    number: int
    node: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    masks: tuple[int, ...] = ()

    @property
    def shapes(self) -> list[tuple]:
        """The shape of each input, including the batch axis."""
        return [tuple(tensor.shape) for tensor in _tensors(self.node)]

    @property
    def shape(self) -> tuple:
        """The shape of the first output, including the batch axis."""
        return tuple(self.node.outputs[0].shape)


@dataclasses.dataclass(frozen=True)
class Graph:
    """The calls of a model in order, and the tensors of its outputs."""

    calls: tuple[Call, ...]
    outputs: tuple[int, ...]


def of(model: keras.Model) -> Graph:
    """Returns the calls of a functional or `Sequential` model.

    Raises:
        ValueError: If the model is not a graph of layers, for example a
            subclassed model with its own `call`.
    """
    graph = functional(model)
    if graph is None or not is_of_keras(model):
        raise ValueError(
            "The model must be a graph of layers (functional or Sequential), "
            "so that the layers that read a unit can be found. Received: "
            f"{model.name!r} ({type(model).__name__}), which has no graph."
        )
    return _Walk().graph(graph)


def functional(layer):
    """Returns the graph of layers of a model, or `None`."""
    return _keras.graph(layer)


def is_of_keras(operation) -> bool:
    """Whether Keras or this package implements an operation."""
    kind = type(operation)
    found = [getattr(kind, n) for n in _COMPUTING if hasattr(kind, n)]
    functions = [getattr(each, "fget", each) for each in found]  # properties
    written = {f.__module__.partition(".")[0] for f in functions}
    return written <= {"keras", "ws_keras"}


class _Walk:
    def __init__(self):
        self._calls, self._counts = [], {}
        self._numbers = itertools.count()

    def graph(self, graph) -> Graph:
        inputs = [next(self._numbers) for _ in graph.inputs]
        outputs = self._visit(graph, inputs)
        return Graph(tuple(self._calls), tuple(outputs))

    def _visit(self, graph, inputs: list[int]) -> list[int]:
        known = {
            id(tensor): number
            for tensor, number in zip(graph.inputs, inputs, strict=True)
        }
        nodes = _keras.nodes(graph)
        for depth in sorted(nodes, reverse=True):
            for node in nodes[depth]:
                given = [known.get(id(t)) for t in _tensors(node)]
                masks = [known.get(id(t)) for t in _masks(node)]
                if node.is_input or None in given + masks:
                    continue
                found = self._outputs(node, given, masks)
                tensors = map(id, node.outputs)
                known.update(zip(tensors, found, strict=True))
        return [known[id(tensor)] for tensor in graph.outputs]

    def _outputs(self, node, given: list[int], masks: list) -> list[int]:
        inner = functional(node.operation)
        if inner is not None and is_of_keras(node.operation):
            if len(inner.inputs) == len(given):
                return self._visit(inner, given)
        key = id(node.operation)
        number = self._counts.get(key, 0)
        self._counts[key] = number + 1
        found = [next(self._numbers) for _ in node.outputs]
        call = (node.operation, number, node, tuple(given), tuple(found))
        self._calls.append(Call(*call, tuple(masks)))
        return found


def _tensors(node) -> list:
    """Returns the inputs of a call, in the order of the operation's inputs.

    Like Keras, a model that was built with a list of inputs finds those of a
    dict by their names.
    """
    inner, arguments = functional(node.operation), node.arguments
    masks = set(map(id, _masks(node)))
    tensors = [t for t in node.input_tensors if id(t) not in masks]
    given = next(iter([*arguments.args, *arguments.kwargs.values()]), None)
    if inner is None or not isinstance(given, dict):
        return tensors
    if isinstance(_keras.graph_inputs(inner), dict):
        return tensors
    return [given[tensor.name] for tensor in inner.inputs]


def _masks(node) -> list:
    """Returns the masks of a call, which Keras passes on by itself."""
    found = keras.tree.flatten(node.arguments.kwargs.get("mask"))
    return [mask for mask in found if isinstance(mask, keras.KerasTensor)]
