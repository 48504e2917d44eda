"""Graphs of layers."""

import itertools

from ws_keras._keras.gone import module
from ws_keras._keras.gone import needed


def graph(layer):
    """Returns the graph of layers that a model consists of, or `None`.

    Reason: a `Sequential` has its graph under a private name, and other
    models have none.
    If gone: `None`, and the caller refuses the model as one without a graph.
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
    """Returns the nodes of a graph by depth; `None` of a model without one.

    Reason: `model.operations` has each operation once, however often called.
    If gone: `None`, and the caller refuses the model as one without a graph.
    """
    return getattr(found, "_nodes_by_depth", None)


def maker(tensor):
    """Returns the operation whose output a symbolic tensor is.

    Reason: symbolic tensors have no public way back to what made them.
    If gone: `Gone`.
    """
    return needed(tensor, "_keras_history").operation


def makers(operation, only_last: bool = False) -> list:
    """Returns the operations whose outputs an operation reads.

    In all of its calls, or in the last one alone.

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
