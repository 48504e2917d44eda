"""Graphs of layers."""

import itertools

from ws_keras._keras.gone import module
from ws_keras._keras.gone import needed


def graph(layer):
    """Returns the graph of layers of a model, or `None`.

    Reason: the graph of a `Sequential` has a private name. Subclassed models
    have no graph.
    If gone: `None`, and the caller rejects the model.
    """
    found = getattr(layer, "_functional", None) or layer
    return found if hasattr(found, "_inputs_struct") else None


def graph_inputs(found):
    """Returns the inputs of a `graph`, in their structure.

    Reason: `inputs` is a flat list.
    If gone: `graph` finds none.
    """
    return needed(found, "_inputs_struct")


def nodes(found) -> dict[int, list] | None:
    """Returns the nodes of a graph by depth; `None` without a graph.

    Reason: `model.operations` lists an operation once for all its calls.
    If gone: `None`, and the caller rejects the model.
    """
    return getattr(found, "_nodes_by_depth", None)


def maker(tensor):
    """Returns the operation that outputs a symbolic tensor.

    Reason: symbolic tensors have no public link to their operation.
    If gone: `Gone`.
    """
    return needed(tensor, "_keras_history").operation


def makers(operation, only_last: bool = False) -> list:
    """Returns the operations whose outputs an operation reads.

    They are those of all its calls, or only of the last one.

    Reason: an operation has no public list of its calls.
    If gone: `Gone`.
    """
    calls = needed(operation, "_inbound_nodes")[-1 if only_last else 0 :]
    tensors = itertools.chain(*(call.input_tensors for call in calls))
    return list(map(maker, tensors))


def functional_class() -> type:
    """Returns the class of `keras.Model(inputs, outputs)`.

    Reason: it has no public name.
    If gone: `Gone`.
    """
    return needed(module("keras.src.models.functional"), "Functional")
