"""Passes of a model that write nothing: traced once, with calls noted."""

import contextlib
from collections.abc import Callable

import keras
from keras import ops
from keras import tree


@contextlib.contextmanager
def recorded(operations: list):
    """Lists (operation, input, output) of each call within the block.

    Args:
        operations: Layers, or other operations of Keras.
    """
    records = []

    def recording(operation, call):
        def recorded(inputs, *arguments, **keywords):
            found = call(inputs, *arguments, **keywords)
            records.append((operation, inputs, found))
            return found

        return recorded

    # Past Keras' `__setattr__`, for a moment and without a trace.
    for operation in operations:
        vars(operation)["call"] = recording(operation, operation.call)
    try:
        yield records
    finally:
        for operation in operations:
            del vars(operation)["call"]


def traced(variables: list, function: Callable) -> Callable:
    """Returns a function of the values of variables as one of what remains.

    Args:
        variables: Keras variables, whose values are those of each call.
        function: Function of a list of their values, and of further arrays
            or structures of arrays.

    Returns:
        Function of the further arguments.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        def run(*arguments):
            values = [tf.convert_to_tensor(v.value) for v in variables]
            return function(values, *arguments)

        return tf.function(run, autograph=False)
    if backend == "jax":
        import jax

        function = jax.jit(function)

    def call(*arguments):
        arguments = tree.map_structure(ops.convert_to_tensor, arguments)
        return function([v.value for v in variables], *arguments)

    return _with_torch_random_kept(call) if backend == "torch" else call


def _with_torch_random_kept(call: Callable) -> Callable:
    import torch

    def kept(*arguments):
        # Dropout without a seed draws from the state that also shuffles.
        on_gpu = torch.cuda.is_available()
        devices = [torch.cuda.current_device()] if on_gpu else []
        with torch.random.fork_rng(devices):
            return call(*arguments)

    return kept
